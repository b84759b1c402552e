"""A stream for text: what it cannot show or take, its columns, and whether it shows colours.

A program may be started without a standard output: then Python has None in its place.
"""

from __future__ import annotations

import os
import shutil
import sys
from errno import ENOSPC
from typing import TextIO

from .characters import WIDTH
from .style import Style


def make_printable(stream: TextIO | None) -> None:
    """Escape characters that the stream's encoding does not have; otherwise a write would fail."""
    if stream is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Drop what standard output does not take, or else Python would complain when it ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_of_output(error: OSError) -> bool:
    """Whether standard output is a file whose disk is full; an error of another file has a name."""
    return error.filename is None and error.errno == ENOSPC


def columns_of(stream: TextIO | None) -> int | None:
    """The columns of a terminal, or of COLUMNS; None if the stream is none."""
    return shutil.get_terminal_size().columns if is_terminal(stream) else None


def text_width() -> int:
    """The columns of the terminal, or of COLUMNS, but WIDTH at most."""
    return min(WIDTH, shutil.get_terminal_size().columns)


def style_for(stream: TextIO | None) -> Style:
    """Colours, and the width of the terminal; neither for a pipe or a file."""
    return Style(uses_color(stream), columns_of(stream))


def uses_color(stream: TextIO | None) -> bool:
    """Whether to send colours: only to a terminal, and not if NO_COLOR is set (no-color.org)."""
    is_wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return is_wanted and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
