"""Connections in time -> a sequence diagram: two lifelines, an arrow for each head and frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...protocol.frame import Side
from ..text.characters import cut, fold
from .canvas import Canvas

WIDTH = 1040
MARGIN = 24
TIME_END = 120
LIFELINES = {Side.CLIENT: 150, Side.SERVER: 790}
CENTER = (LIFELINES[Side.CLIENT] + LIFELINES[Side.SERVER]) // 2
VERDICT_START = LIFELINES[Side.SERVER] + 16

COLUMNS = 70
VERDICT_COLUMNS = 25
"""Characters that fit between the lifelines, and beside them."""

ROW_HEIGHT = 40
LINE_HEIGHT = 18
HEAD_HEIGHT = 56

MAX_ROWS = 200
MAX_LANES = 20
"""Arrows of one connection, and connections, that are drawn."""


@dataclass(frozen=True, slots=True)
class Row:
    """One arrow. `seconds` count from the start of the connection. No sender: only words.

    `kind` is good, bad or muted. `more` is written below the arrow. A dashed arrow is none of
    bytes that are known: an end, or a gap.
    """

    seconds: float
    sender: Side | None
    words: str
    verdict: str = ""
    kind: str = "muted"
    more: str = ""
    dashed: bool = False


@dataclass(slots=True)
class Lane:
    """One connection: the words above its lifelines, and its first MAX_ROWS rows."""

    name: str
    client: str
    server: str
    rows: list[Row] = field(default_factory=list)
    left_out: int = 0

    def add(self, row: Row) -> None:
        if len(self.rows) < MAX_ROWS:
            self.rows.append(row)
        else:
            self.left_out += 1


def draw_sequence(lanes: Iterable[Lane], left_out: int) -> str:
    """The picture; `left_out` is the number of connections that are not among the lanes."""
    canvas = Canvas(WIDTH)
    canvas.height = MARGIN
    number = 0
    for lane in lanes:
        draw_lane(canvas, lane)
        number += 1
    if left_out:
        note(canvas, f"and {left_out} more connections, which are not drawn")
    canvas.height += MARGIN
    return canvas.document(f"{number} WebSocket connections as a sequence of heads and frames")


def draw_lane(canvas: Canvas, lane: Lane) -> None:
    """A connection below what is there."""
    top = canvas.height
    canvas.text(MARGIN, top + 16, lane.name, "title")
    ends = ((Side.CLIENT, lane.client), (Side.SERVER, lane.server))
    for side, words in ends:
        canvas.text(LIFELINES[side], top + 16, side.value, "title", "middle")
        canvas.text(LIFELINES[side], top + 34, cut(words, 40), "small muted", "middle")
    canvas.height += HEAD_HEIGHT
    for row in lane.rows:
        draw_row(canvas, row)
    for side, _ in ends:
        x = LIFELINES[side]
        canvas.line((x, top + 42), (x, canvas.height + 10), "line")
    if lane.left_out:
        canvas.height += LINE_HEIGHT
        note(canvas, f"and {lane.left_out} more, which are not drawn")
    canvas.height += MARGIN


def draw_row(canvas: Canvas, row: Row) -> None:
    y = canvas.height + LINE_HEIGHT
    canvas.text(TIME_END, y + 5, f"{row.seconds * 1000:.1f} ms", "small muted", "end")
    canvas.text(CENTER, y - 6, cut(row.words, COLUMNS), text_kind(row), "middle")
    if row.sender is not None:
        kind = "broken" if row.kind == "bad" else "arrow"
        start, end = LIFELINES[row.sender], LIFELINES[row.sender.peer]
        canvas.arrow(y, start, end, f"{kind} dashed" if row.dashed else kind)
    canvas.text(VERDICT_START, y + 5, cut(row.verdict, VERDICT_COLUMNS), row.kind)
    canvas.height += ROW_HEIGHT
    for line in fold(row.more, COLUMNS) if row.more else ():
        canvas.text(CENTER, canvas.height, line, row.kind, "middle")
        canvas.height += LINE_HEIGHT


def text_kind(row: Row) -> str:
    return "bad" if row.kind == "bad" else ""


def note(canvas: Canvas, words: str) -> None:
    canvas.height += LINE_HEIGHT
    canvas.text(CENTER, canvas.height, words, "muted", "middle")
