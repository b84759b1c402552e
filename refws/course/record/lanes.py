"""The entries of a recording, or the messages of a HAR -> the lanes of a sequence diagram."""

from __future__ import annotations

from collections.abc import Iterator

from ..explain.conversation import Conversation
from ..explain.values import (
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    Legal,
    NotRead,
)
from ..svg.sequence import MAX_LANES, Lane, Row
from ..text.characters import count, cut, escape, escape_words, quoted_octets
from ..text.words import frame_words, message_words, short_verdict
from .har import MessageLog, content_of
from .narration import conversation_of
from .tape import Entry, Gap, Opened, is_midway

START_LINE = 50
"""Columns of the first line of a head."""


class Lanes:
    """The first MAX_LANES connections of a recording, as lanes. Its memory is bounded."""

    def __init__(self, keep_going: bool) -> None:
        self.broken = False
        """Whether a rule was broken, something cut off, or bytes missing."""
        self._keep_going = keep_going
        self._seconds = 0.0
        self._lanes: dict[int, tuple[float, Lane, Conversation]] = {}
        self._others: set[int] = set()

    @property
    def lanes(self) -> list[Lane]:
        return [lane for _, lane, _ in self._lanes.values()]

    @property
    def left_out(self) -> int:
        return len(self._others)

    def add(self, entry: Entry) -> None:
        """Draw the items that this entry completes."""
        if entry.connection not in self._lanes and not self._begin(entry):
            return
        self._seconds = entry.seconds
        began, lane, conversation = self._lanes[entry.connection]
        seconds = entry.seconds - began
        if isinstance(entry, Opened):
            return
        if isinstance(entry, Gap):
            self.broken = True
            self._draw(seconds, lane, conversation.lose(entry.sender, entry.size))
            words = f"{count(entry.size)} missing"
            lane.add(Row(seconds, entry.sender, words, "gap", "bad", dashed=True))
        elif entry.data:
            self._draw(seconds, lane, conversation.feed(entry.sender, entry.data))
        else:
            lane.add(Row(seconds, entry.sender, "end of the stream", dashed=True))

    def finish(self) -> None:
        """Draw what is cut off, once the recording has ended."""
        for began, lane, conversation in self._lanes.values():
            self._draw(self._seconds - began, lane, conversation.finish())

    def _begin(self, entry: Entry) -> bool:
        if len(self._lanes) == MAX_LANES:
            self._others.add(entry.connection)
            return False
        opened = entry if isinstance(entry, Opened) else None
        lane = Lane(
            f"#{entry.connection}",
            str(opened.client or "") if opened else "",
            str(opened.server or "") if opened else "",
        )
        at_handshake = opened.at_handshake if opened else None
        conversation = conversation_of(at_handshake, self._keep_going, is_midway(entry))
        self._lanes[entry.connection] = entry.seconds, lane, conversation
        return True

    def _draw(self, seconds: float, lane: Lane, items: list[Item]) -> None:
        for item in items:
            row = row_of(seconds, item)
            self.broken |= row.kind == "bad"
            lane.add(row)


def row_of(seconds: float, item: Item) -> Row:
    """An explained item as an arrow."""
    if isinstance(item, NotRead):
        return Row(seconds, item.sender, f"{count(item.length)} not read", more=item.why)
    words = words_of_item(item)
    more = "; ".join(more_words(item))
    if isinstance(item.verdict, Illegal):
        violation = item.verdict.violation
        problem = escape_words(f"{violation.seen}; expected {violation.expected}")
        problem = "; ".join(filter(None, (problem, more)))
        return Row(seconds, item.sender, words, violation.section, "bad", problem)
    if isinstance(item.verdict, CutOff):
        return Row(seconds, item.sender, words, "cut off", "bad", item.verdict.seen)
    kind = "good" if isinstance(item.verdict, Legal) else "muted"
    return Row(seconds, item.sender, words, short_verdict(item.verdict), kind, more)


def more_words(item: FrameExplanation | HeadExplanation) -> Iterator[str]:
    """What is written below the arrow: a whole message, a note, a hint."""
    if isinstance(item, FrameExplanation):
        if item.message is not None:
            yield message_words(item.message, START_LINE)
        if item.note:
            yield f"note: {escape_words(item.note)}"
    if item.verdict.hint:
        yield f"hint: {escape_words(item.verdict.hint)}"


def words_of_item(item: FrameExplanation | HeadExplanation) -> str:
    if isinstance(item, FrameExplanation):
        return frame_words(item)
    return quoted_octets(item.lines[0].text, START_LINE)


def lane_of(log: MessageLog) -> Lane:
    """The messages of a HAR as a lane; it has no verdicts, because it has no frames."""
    lane = Lane(f"#{log.number}", "", cut(escape(log.url), 40))
    began = log.messages[0].seconds if log.messages else 0.0
    for message in log.messages:
        lane.add(Row(message.seconds - began, message.sender, content_of(message), "message"))
    return lane
