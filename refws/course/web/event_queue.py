"""A bounded queue from connections to the page that watches them: `put` drops what does not fit.

`put` never blocks, because watching must not slow a connection down. The queue is bounded, because
a page that reads nothing must not use up memory. It knows only the numbers of connections.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ...protocol.frame import Side

MAX_EVENTS = 4096
MAX_BYTES = 4 * 1024 * 1024
"""The limits of a queue, for a slow page; a message of 1 MiB fits, with its echo."""

Event = dict[str, Any]
"""What a page gets, ready for JSON: "event" is the kind, "time" is a time of `EventQueue.now`."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The bytes of one send or receive of a connection; no bytes mean the end of that direction."""

    time: float
    connection: int
    sender: Side
    data: bytes
    left_out: int = 0
    """Bytes of the same sender that the queue has dropped just before."""
    message_start: int | None = None
    """The index in `data` of a frame that begins a message, where a view can go on."""


class EventQueue:
    """Chunks and events of one page, in order; for any number of threads."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._began = monotonic()
        self._condition = threading.Condition()
        self._waiting: deque[Chunk | Event] = deque()
        self._bytes = 0
        self.closed = False

    def now(self) -> float:
        """Seconds since the queue was made."""
        return round(monotonic() - self._began, 6)

    def put(self, event: Chunk | Event, urgent: bool = False) -> bool:
        """Whether the event was added: never to a closed queue; to a full one only if `urgent`."""
        size = len(event.data) if isinstance(event, Chunk) else 0
        with self._condition:
            full = len(self._waiting) >= self._max_events or self._bytes + size > self._max_bytes
            if self.closed or (full and not urgent):
                return False
            self._waiting.append(event)
            self._bytes += size
            self._condition.notify()
            return True

    def take(self, seconds: float | None) -> list[Chunk | Event]:
        """Everything in the queue, in order; it may be nothing.

        Blocks while the queue is empty and not closed, for at most `seconds`.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self.closed, seconds)
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            return taken

    def wait_until_closed(self, seconds: float) -> None:
        """Block until the queue is closed, for at most `seconds`."""
        with self._condition:
            self._condition.wait_for(lambda: self.closed, seconds)

    def close(self) -> None:
        """Accept nothing more. A thread that waits in `take` gets the rest."""
        with self._condition:
            self.closed = True
            self._condition.notify_all()
