"""What happened on one connection, as frozen events: written by its threads, read by the judge."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from refws import Side, State
from scripts.stress.messages import Message


@dataclasses.dataclass(frozen=True)
class Event:
    """`time` is one of `time.monotonic`; `side` is the side on which it happened."""

    time: float
    side: Side
    thread: str


@dataclasses.dataclass(frozen=True)
class Sent(Event):
    """A call of `send` has ended; `error` is empty if it returned."""

    message: Message
    error: str = ""

    def __str__(self) -> str:
        return f"sent {self.message}" + (f": {self.error}" if self.error else "")


@dataclasses.dataclass(frozen=True)
class Received(Event):
    """A message, or as much of it as was received before the stream was abandoned.

    `message` is None if the content names none; `shown` is the start of such a content.
    """

    message: Message | None
    intact: bool
    complete: bool = True
    shown: str = ""

    def __str__(self) -> str:
        what = self.message or self.shown
        part = "" if self.complete else "the start of "
        return f"received {part}{what}" + ("" if self.intact else ": WRONG")


@dataclasses.dataclass(frozen=True)
class Call(Event):
    """A call has ended; `time` is when. `bound_s` is how long it may take; None for no bound."""

    name: str
    took_s: float
    bound_s: float | None
    error: type[BaseException] | None = None
    text: str = ""

    def __str__(self) -> str:
        error = "" if self.error is None else f": {self.error.__name__}: {self.text}"
        return f"{self.name} took {self.took_s:.3f} s{error}"


@dataclasses.dataclass(frozen=True)
class Cause(Event):
    """Something begins that ends the connection: `code` and `reason` if it sends a Close."""

    what: str
    code: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"the end begins: {self.what}" + (f" with {self.code}" if self.code else "")


@dataclasses.dataclass(frozen=True)
class End:
    """What a connection of refws reports once all is over."""

    state: State
    code: int | None
    reason: str | None


@dataclasses.dataclass(frozen=True)
class History:
    """All that is known of one connection.

    `sent` and `received` are the bytes that the taps of each side saw. `ends` has the sides that
    are refws; the other one is the raw peer. `alone` are the sides on which no thread receives.
    """

    name: str
    events: tuple[Event, ...] = ()
    sent: Mapping[Side, bytes] = dataclasses.field(default_factory=dict)
    received: Mapping[Side, bytes] = dataclasses.field(default_factory=dict)
    ends: Mapping[Side, End] = dataclasses.field(default_factory=dict)
    deflate: bool = False
    alone: tuple[Side, ...] = ()
    slack_s: float = 2.0


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


def thread_name() -> str:
    return threading.current_thread().name
