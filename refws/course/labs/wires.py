"""RFC 6455 §5: what crossed in a step -> heads as they are, frames explained, or lines of HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..explain.conversation import Conversation
from ..explain.values import HeadExplanation, Item
from ..text.characters import escape_octets, escape_words, fold
from ..text.drawing import draw_line
from ..text.style import PLAIN, Style
from .story import Crossed

MAX_LINES = 24
"""The most lines that are shown of a head, or of bytes which are no frames."""

MAX_ITEMS = 8
"""The most frames that are shown of one direction; a lab may send a byte at a time."""

INDENT = "  "
"""Of a line that goes on in the next one."""


def explained(crossed: Iterable[Crossed]) -> Iterator[tuple[Crossed, list[Item]]]:
    """Each with its heads and frames; [] for bytes without a side.

    They are of one connection: a frame may go on with what another one has begun.
    """
    conversation = Conversation()
    for part in crossed:
        items: list[Item] = []
        if part.side is not None:
            items += conversation.feed(part.side, part.data)
            items += [item for item in conversation.pending() if item.sender is part.side]
        yield part, items


def lines_of(crossed: Crossed, items: list[Item], style: Style = PLAIN) -> list[str]:
    """The lines of a head, and a line for each frame; none wider than the columns of the style.

    Bytes without a side are shown line by line, as a program reads them that knows HTTP only.
    """
    frames = [draw_line(item, style) for item in items if not isinstance(item, HeadExplanation)]
    return [*text_of(crossed, items, style), *bounded(frames, MAX_ITEMS)]


def text_of(crossed: Crossed, items: list[Item], style: Style = PLAIN) -> list[str]:
    """The lines that are no frames: of a head, or of all bytes without a side."""
    if crossed.side is None:
        return text_lines(crossed.data, style)
    heads = [item for item in items if isinstance(item, HeadExplanation)]
    length = sum(head.length for head in heads)  # a head is the first that a side sends
    return text_lines(crossed.data[:length], style)


def text_lines(data: bytes, style: Style) -> list[str]:
    try:
        lines = list(map(escape_words, data.decode().rstrip("\r\n").splitlines()))
    except UnicodeDecodeError:  # a head, or a frame that is read as one
        lines = list(map(escape_octets, data.decode("latin-1").rstrip("\r\n").splitlines()))
    return ["\n".join(fold(line, style.columns, INDENT)) for line in bounded(lines, MAX_LINES)]


def bounded(lines: list[str], most: int, more: str = "... and {} more") -> list[str]:
    """About as many lines, with `more` in the place of those between. The last one stays: it says
    how it ended.
    """
    if len(lines) <= most + 1:  # one line takes no more room than to say that it is left out
        return lines
    return [*lines[: most - 1], more.format(len(lines) - most), lines[-1]]
