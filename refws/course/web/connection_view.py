"""RFC 6455 §1.2, §1.5: the chunks of one connection -> the events that explain them to a page.

There are no threads and no sockets here: a `ConnectionView` gets chunks and returns events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...endpoint.settings import Settings
from ...protocol.frame import CONT, Side, is_control
from ..explain.as_json import as_json
from ..explain.conversation import Conversation
from ..explain.values import FrameExplanation, Item, NotRead
from .event_queue import Chunk, Event
from .thinning import Allowance, may_be_left_out

SHOWN = 1024
"""Bytes of a payload that a page gets, to show and to save as a tape."""

MAX_AGE = 10.0
"""Seconds after which a chunk is not explained: the peer sends faster than the page reads."""


class ChunkCounter:
    """§1.5: counts the chunks in which each item of one direction arrives from the network.

    TCP is a stream: the ends of its chunks say nothing about the ends of frames.
    """

    def __init__(self) -> None:
        self.pending = 0
        """Chunks with bytes of an item that is not complete yet."""
        self._received = 0

    def count(self, size: int, items: list[Item]) -> list[int]:
        """How many chunks have bytes of each of `items`, which the next `size` bytes complete."""
        self._received += size
        self.pending += 1
        if not items:
            return []
        counts = [self.pending] + (len(items) - 1) * [1]
        self.pending = int(end_of(items[-1]) < self._received)
        return counts

    def skip(self, size: int) -> None:
        """After `size` bytes that are missing, no item is pending."""
        self._received += size
        self.pending = 0


def end_of(item: Item) -> int:
    """The offset of an item's end, from the first byte that its sender sent."""
    if isinstance(item, FrameExplanation):
        return item.offset + len(item.header_bytes) + len(item.masking_key) + item.payload_received
    return item.offset + item.length


class Gap:
    """What a page is not shown, since the last item that it was shown."""

    __slots__ = {
        "frames": "Frames that were judged, and are legal.",
        "bytes": "Bytes that were not looked at, because they were too many.",
        "time": "When the first of them was there.",
        "is_reported": "Whether the page knows all of it.",
    }

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.frames = self.bytes = 0
        self.time = 0.0
        self.is_reported = True

    def add(self, time: float, frames: int = 0, size: int = 0) -> None:
        if not self.frames and not self.bytes:
            self.time = time
        self.frames += frames
        self.bytes += size
        self.is_reported = False


class ConnectionView:
    """Explains the connection `number` to a page. Only one thread at a time may use it.

    Of a flood it shows the frames that `allowance` lets through, and counts the others. Where bytes
    are left out, it goes on with the next message after them. With `keep_going` it also goes on
    after a broken rule.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        allowance: Allowance | None = None,
        keep_going: bool = False,
    ) -> None:
        self.number = number
        self.ended: set[Side] = set()
        self._allowance = allowance or Allowance()
        self._gap = Gap()
        self._left_out = dict.fromkeys(Side, 0)
        self._missing = dict.fromkeys(Side, 0)
        self._messages: dict[Side, int | None] = dict.fromkeys(Side, 0)
        self._newest = 0.0
        self._conversation = Conversation(
            at_handshake=True,
            keep_going=keep_going,
            max_size=settings.max_size,
            max_fragments=settings.max_fragments,
            head_limits=settings,
            both_sides=True,
            shown=SHOWN,
        )
        self._counters = {side: ChunkCounter() for side in Side}

    def explain(self, chunk: Chunk, now: float, renewed: float = 0.0) -> list[Event]:
        """Events of the items that this chunk completes; if it is empty, of the direction's end.

        At `renewed` the page has asked to see the bytes from then on, and no older ones. The
        handshake is always explained, because all that follows depends on it.
        """
        self._newest = chunk.time
        self._leave_out(chunk, chunk.left_out)
        if not chunk.data:
            return self._end(chunk)
        is_too_old = chunk.time < max(renewed, now - MAX_AGE)
        data = self._shown_part(chunk, is_too_old and not self._conversation.at_handshake)
        items = self._conversation.feed(chunk.sender, data)
        counts = self._counters[chunk.sender].count(len(data), items)
        events = []
        for item, count in zip(items, counts, strict=True):
            number = self._number_of_message(item)
            if may_be_left_out(item) and not self._allowance.take(now, renewed):
                self._gap.add(chunk.time, frames=1)
            else:
                event = self._item("item", item, chunk.time, count)
                events += [*self.close_gap(), {**event, "message": number}]
        return events

    def _number_of_message(self, item: Item) -> int | None:
        """Which message of its sender a data frame belongs to, from 1; None if that is unknown."""
        if not isinstance(item, FrameExplanation) or is_control(item.header.opcode):
            return None
        number = self._messages[item.sender]
        if number is not None and item.header.opcode != CONT:
            number = self._messages[item.sender] = number + 1
        return number

    def _shown_part(self, chunk: Chunk, is_too_old: bool) -> bytes:
        """The part of a chunk that is explained: all of it, if no bytes before it are missing.

        Otherwise from the next message on; if none begins here, nothing.
        """
        missing, start = self._missing[chunk.sender], chunk.message_start
        if not missing and not is_too_old:
            return chunk.data
        if is_too_old or start is None or not self._skip(chunk.sender, missing + start):
            self._leave_out(chunk, len(chunk.data))
            return b""
        self._leave_out(chunk, start)
        self._missing[chunk.sender] = 0
        return chunk.data[start:]

    def _skip(self, sender: Side, size: int) -> bool:
        if not self._conversation.skip(sender, size):
            return False
        self._counters[sender].skip(size)
        return True

    def _leave_out(self, chunk: Chunk, size: int) -> None:
        if size:
            self._missing[chunk.sender] += size
            self._left_out[chunk.sender] += size
            self._messages[chunk.sender] = None
            self._gap.add(chunk.time, size=size)

    def report_gap(self) -> Iterator[Event]:
        """An event that says how much has not been shown up to now, if the page does not know."""
        gap = self._gap
        if not gap.is_reported:
            gap.is_reported = True
            yield self._event("gap", gap.time, frames=gap.frames, bytes=gap.bytes)

    def close_gap(self) -> Iterator[Event]:
        """The same, before something is shown."""
        yield from self.report_gap()
        self._gap.clear()

    def partial(self, chunk: Chunk) -> Iterator[Event]:
        """An event for the item that has begun and is not complete after this chunk."""
        if self._gap.frames or self._missing[chunk.sender]:
            return
        for item in self._conversation.pending():
            if item.sender is chunk.sender and not isinstance(item, NotRead):
                yield self._item("partial", item, chunk.time, self._counters[chunk.sender].pending)

    def finish(self) -> Iterator[Event]:
        """Events of the items that are cut off or not read, once the connection is closed."""
        yield from self.close_gap()
        for item in self._conversation.finish():
            yield self._item("item", item, self._newest, self._counters[item.sender].pending)
        yield self._event("closed", self._newest)

    def _end(self, chunk: Chunk) -> list[Event]:
        if chunk.sender in self.ended:
            return []
        self.ended.add(chunk.sender)
        left_out = self._left_out[chunk.sender]
        end = self._event("end", chunk.time, sender=chunk.sender.value, bytes_left_out=left_out)
        return [*self.close_gap(), end]

    def _item(self, event: str, item: Item, time: float, chunks: int) -> Event:
        return self._event(event, time, item=as_json(item), chunks=chunks)

    def _event(self, event: str, time: float, **more: Any) -> Event:
        return {"event": event, "connection": self.number, "time": time, **more}
