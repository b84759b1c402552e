"""How text for a terminal looks: its columns, its colours, its arrows, and a label beside a text.

No line is wider than the terminal; where there is none, a block has 80 columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from ...protocol.frame import Side
from .characters import WIDTH, fold

MIN_WIDTH = 34
FULL_WIDTH = 70
"""Columns that a block needs for its labels, and for 32 bits in a row."""

LABEL = 17
"""Columns of a label, with the spaces around it."""

INDENT = "    "

ARROWS = {Side.CLIENT: "client -> server", Side.SERVER: "server -> client"}
SHORT_ARROWS = {Side.CLIENT: "->", Side.SERVER: "<-"}

BOLD, RED, GREEN, YELLOW, DIM = "1", "31", "32", "33", "2"


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw. `color` adds ANSI colours; the words alone say the same.

    `columns` are the ones of a terminal, None if it is none.
    """

    color: bool = False
    columns: int | None = None

    @property
    def width(self) -> int:
        """The columns of a block."""
        return WIDTH if self.columns is None else max(MIN_WIDTH, min(WIDTH, self.columns))

    @property
    def narrow(self) -> bool:
        """Whether there is no room for labels beside the text."""
        return self.width < FULL_WIDTH

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text


PLAIN = Style()


def labelled(label: str, text: str, width: int = WIDTH) -> Iterator[str]:
    """The lines of a text, wrapped, to the right of its label; after it if there is little room."""
    if width < FULL_WIDTH:
        yield from fold(f" {label}{': ' if label else ''}{text}", width, INDENT)
        return
    lines = wrap(text, width - LABEL, break_long_words=True, break_on_hyphens=False)
    yield f" {label:<15} {lines[0]}"
    for line in lines[1:]:
        yield f" {'':<15} {line}"
