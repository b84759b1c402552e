"""Events and bytes of one connection, written down by its threads while they run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest

from refws import Side
from scripts.stress.history import Call, Cause, Event, Received, Sent
from scripts.stress.messages import Message, message_in

SHOWN = 40
"""Characters or bytes of a wrong content that are shown."""


class Journal:
    """The events of one connection. Any thread may call any method; all fields: under the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._bytes: dict[tuple[Side, Side], list[bytes]] = {}
        self._running: dict[str, tuple[str, float]] = {}

    def sent(self, side: Side, message: Message, error: str = "") -> None:
        self.add(Sent(time.monotonic(), side, thread_name(), message, error))

    def cause(self, side: Side, what: str, code: int | None = None, reason: str = "") -> None:
        self.add(Cause(time.monotonic(), side, thread_name(), what, code, reason))

    def received(self, side: Side, content: str | bytes, complete: bool = True) -> None:
        """Note a message, or, unless `complete`, as much of it as was received."""
        message = message_in(content)
        expected = "" if message is None else message.content
        if not complete:
            expected = expected[: len(content)]
        intact = message is not None and content == expected
        shown = "" if intact else describe(content, expected)
        now, thread = time.monotonic(), thread_name()
        self.add(Received(now, side, thread, message, intact, complete, shown))

    def add(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)

    @contextmanager
    def call(self, side: Side, name: str, bound_s: float | None) -> Iterator[None]:
        """Note how long the block takes, and the exception that it raises, which goes on."""
        started, error, text = time.monotonic(), None, ""
        with self._lock:
            self._running[thread_name()] = (name, started)
        try:
            yield
        except BaseException as raised:
            error, text = type(raised), str(raised)
            raise
        finally:
            now = time.monotonic()
            with self._lock:
                del self._running[thread_name()]
            took = now - started
            self.add(Call(now, side, thread_name(), name, took, bound_s, error, text))

    def tap(self, side: Side, sender: Side, data: bytes) -> None:
        """Note bytes that the tap of this side has seen."""
        with self._lock:
            self._bytes.setdefault((side, sender), []).append(data)

    def events(self) -> tuple[Event, ...]:
        with self._lock:
            return tuple(self._events)

    def seen(self, side: Side, sender: Side) -> bytes:
        """All bytes of `sender` that the tap of `side` has seen."""
        with self._lock:
            return b"".join(self._bytes.get((side, sender), ()))

    def running(self) -> dict[str, tuple[str, float]]:
        """The calls that have not ended: thread -> the name of the call, and when it began."""
        with self._lock:
            return dict(self._running)


def describe(content: str | bytes, expected: str | bytes) -> str:
    """Where a wrong content differs from the one that was expected, and what is there."""
    pairs = zip_longest(content, expected)
    at = next((i for i, (one, other) in enumerate(pairs) if one != other), 0)
    seen, meant = content[at : at + SHOWN], expected[at : at + SHOWN]
    return f"{len(content)} long; at {at} it is {seen!r}, expected {meant!r}"


def thread_name() -> str:
    return threading.current_thread().name
