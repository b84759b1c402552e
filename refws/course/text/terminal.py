"""A stream for text: characters that its encoding does not have, and whether it shows colours."""

from __future__ import annotations

import os
from typing import TextIO


def make_printable(stream: TextIO) -> None:
    """Escape characters that the stream's encoding does not have; otherwise a write would fail."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def uses_color(stream: TextIO) -> bool:
    """Whether to send colours: only to a terminal, and not if NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
