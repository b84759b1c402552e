"""A stream for text: what its encoding lacks, and whether it takes colours."""

from __future__ import annotations

import os
from typing import TextIO


def make_printable(stream: TextIO) -> None:
    """Escape what the encoding of the stream lacks, such as § in ASCII; otherwise a write fails."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def uses_color(stream: TextIO) -> bool:
    """Whether to send colours: to a terminal only, and not if NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
