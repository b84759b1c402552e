"""RFC 6455 §1.2, §1.5: the chunks of one connection -> the events that explain them to a page.

There are no threads and no sockets here: a `ConnectionView` gets chunks and returns events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...endpoint.settings import Settings
from ...protocol.frame import Side
from ..explain.as_json import as_json
from ..explain.conversation import Conversation
from ..explain.values import FrameExplanation, Item, NotRead
from .event_queue import Chunk, Event

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


def end_of(item: Item) -> int:
    """The offset of an item's end, from the first byte that its sender sent."""
    if isinstance(item, FrameExplanation):
        return item.offset + len(item.header_bytes) + len(item.masking_key) + item.payload_received
    return item.offset + item.length


class ConnectionView:
    """Explains the connection `number` to a page. Only one thread at a time may use it."""

    def __init__(self, number: int, settings: Settings) -> None:
        self.number = number
        self.ended: set[Side] = set()
        self._too_old = 0
        self._newest = 0.0
        self._conversation = Conversation(
            at_handshake=True,
            keep_going=False,
            max_size=settings.max_size,
            max_fragments=settings.max_fragments,
            head_limits=settings,
        )
        self._counters = {side: ChunkCounter() for side in Side}

    def explain(self, chunk: Chunk, now: float) -> list[Event]:
        """Events of the items that this chunk completes; if it is empty, of the direction's end."""
        self._newest = chunk.time
        if not chunk.data:
            return self._end(chunk)
        if self._too_old or now - chunk.time > MAX_AGE:
            return self._leave_out(chunk)
        items = self._conversation.feed(chunk.sender, chunk.data)
        counts = self._counters[chunk.sender].count(len(chunk.data), items)
        return [
            self._item("item", item, chunk.time, count)
            for item, count in zip(items, counts, strict=True)
        ]

    def partial(self, chunk: Chunk) -> Iterator[Event]:
        """An event for the item that has begun and is not complete after this chunk."""
        for item in self._conversation.pending():
            if item.sender is chunk.sender and not isinstance(item, NotRead):
                yield self._item("partial", item, chunk.time, self._counters[chunk.sender].pending)

    def finish(self) -> Iterator[Event]:
        """Events of the items that are cut off or not read, once the connection is closed."""
        for item in self._conversation.finish():
            yield self._item("item", item, self._newest, self._counters[item.sender].pending)
        yield self._event("closed", self._newest)

    def _leave_out(self, chunk: Chunk) -> list[Event]:
        first, self._too_old = not self._too_old, self._too_old + len(chunk.data)
        return [self._event("left out", chunk.time)] if first else []

    def _end(self, chunk: Chunk) -> list[Event]:
        if chunk.sender in self.ended:
            return []
        self.ended.add(chunk.sender)
        left_out = chunk.left_out + self._too_old
        return [self._event("end", chunk.time, sender=chunk.sender.value, bytes_left_out=left_out)]

    def _item(self, event: str, item: Item, time: float, chunks: int) -> Event:
        return self._event(event, time, item=as_json(item), chunks=chunks)

    def _event(self, event: str, time: float, **more: Any) -> Event:
        return {"event": event, "connection": self.number, "time": time, **more}
