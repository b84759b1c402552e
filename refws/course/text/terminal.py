"""A stream for text: characters that its encoding does not have, and whether it shows colours."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

from .drawing import Style


def make_printable(stream: TextIO) -> None:
    """Escape characters that the stream's encoding does not have; otherwise a write would fail."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def columns_of(stream: TextIO) -> int | None:
    """The columns of a terminal, or of COLUMNS; None if the stream is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def style_for(stream: TextIO) -> Style:
    """Colours, and the width of the terminal; neither for a pipe or a file."""
    return Style(uses_color(stream), columns_of(stream))


def uses_color(stream: TextIO) -> bool:
    """Whether to send colours: only to a terminal, and not if NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
