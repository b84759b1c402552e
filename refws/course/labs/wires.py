"""RFC 6455 §5: what crossed in a step -> frames explained, or lines as HTTP has them."""

from __future__ import annotations

from ..explain.conversation import Conversation
from ..explain.values import Item
from ..text.characters import escape_octets
from ..text.drawing import PLAIN, Style, draw_line
from .story import Crossed

MAX_LINES = 12
"""The most lines that are shown of bytes which are no frames."""

MAX_ITEMS = 8
"""The most frames that are shown of one direction; a lab may send a byte at a time."""


def explained(crossed: Crossed) -> list[Item]:
    """The heads and frames of bytes with a side; [] for others."""
    if crossed.side is None:
        return []
    conversation = Conversation()
    return [*conversation.feed(crossed.side, crossed.data), *conversation.pending()]


def lines_of(crossed: Crossed, style: Style = PLAIN) -> list[str]:
    """A line for each frame; without a side, line by line what a program reads that knows HTTP."""
    if crossed.side is None:
        lines = crossed.data.decode("latin-1").rstrip("\r\n").splitlines()
        return bounded([escape_octets(line) for line in lines], MAX_LINES)
    return bounded([draw_line(item, style) for item in explained(crossed)], MAX_ITEMS)


def bounded(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"... and {len(lines) - most} more"]
