"""What happened on one connection, as frozen values: events, bytes, and how it ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from refws import Side, State
from scripts.stress import wire
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

    `message` is None if the content names none; `shown` says what is wrong.
    """

    message: Message | None
    intact: bool
    complete: bool = True
    shown: str = ""

    def __str__(self) -> str:
        what = self.message or "what no one sent"
        part = "" if self.complete else "the start of "
        return f"received {part}{what}" + ("" if self.intact else f": WRONG: {self.shown}")


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

    `sent` and `received` are the bytes that the taps of each side saw; `received` of a raw peer is
    what it read. `ends` has the sides that are refws. On the sides in `alone` no thread receives.
    `late_s` is how late the process woke up at worst. `reads_slowly`: only a few bytes at a time,
    so that a Close may be a long way off.
    """

    name: str
    events: tuple[Event, ...] = ()
    sent: Mapping[Side, bytes] = dataclasses.field(default_factory=dict)
    received: Mapping[Side, bytes] = dataclasses.field(default_factory=dict)
    ends: Mapping[Side, End] = dataclasses.field(default_factory=dict)
    deflate: bool = False
    alone: tuple[Side, ...] = ()
    slack_s: float = 2.0
    late_s: float = 0.0
    reads_slowly: bool = False

    @cached_property
    def directions(self) -> Mapping[Side, wire.Direction]:
        """What each side sent, as its peer received it."""
        return {
            side: wire.judge(self.received.get(side.peer, b""), side is Side.CLIENT, self.deflate)
            for side in Side
        }

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        return tuple(event for event in self.events if isinstance(event, Call))

    def sent_by(self, side: Side) -> list[Sent]:
        return [e for e in self.events if isinstance(e, Sent) and e.side is side]

    def received_by(self, side: Side) -> list[Received]:
        return [e for e in self.events if isinstance(e, Received) and e.side is side]

    def causes(self, side: Side | None = None) -> list[Cause]:
        found = [event for event in self.events if isinstance(event, Cause)]
        return found if side is None else [cause for cause in found if cause.side is side]

    def got_close(self, side: Side) -> bool:
        """Whether this side reports a Close of its peer."""
        end = self.ends.get(side)
        return end is not None and end.code not in (None, 1006)

    def has_failed(self, side: Side) -> bool:
        """§7.1.7: whether its peer broke a rule, after which a side processes nothing more."""
        return any(cause.what == "illegal frame" for cause in self.causes(side.peer))
