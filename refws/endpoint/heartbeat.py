"""RFC 6455 §5.5.2: Pings on a schedule, and the end of a peer that stays silent.

`Heartbeat` only decides on the next step, from the time and what the stream has done. So its tests
need no socket, no thread and no clock. `HeartbeatTimer` takes the steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .pings import PendingPings
from .sending import Sender
from .stream import Stream
from .timers import Timer, Timers

SECOND_LOOK = 1.0
"""Seconds after which a silent peer is looked at again before it is given up.

At the first look, our thread may just have returned from a busy handler and not have read yet.
"""

TICKS_PER_INTERVAL = 50
"""Pings leave at this many times of an interval, many together: one by one they would cost more."""


def next_tick(now: float, interval: float) -> float:
    """When to start a heartbeat: at the next tick, shared by all heartbeats of this interval."""
    tick = interval / TICKS_PER_INTERVAL
    return math.ceil(now / tick) * tick


class Activity(Protocol):
    """What the heartbeat must know of a connection's stream."""

    @property
    def receives(self) -> int: ...

    @property
    def waiting(self) -> bool: ...

    @property
    def writes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    until: float


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send a Ping without waiting, and report it with `ping_sent`."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The peer is gone, or does not read."""

    cause: str


Step = Wait | SendPing | GiveUp


class Heartbeat:
    """When to send a Ping, and when to give the peer up. Used by the timer thread only.

    Every byte received counts as life, because a peer inside a long frame cannot answer (§5.5.2).
    Silence counts only while our own thread waits to read. A Ping that does not fit the send buffer
    for `timeout` seconds, with nothing else written either, means a peer that does not read.
    """

    __slots__ = {
        "_interval": "Seconds from Ping to Ping.",
        "_timeout": "Seconds of silence, or of blocked Pings; None for no end.",
        "_next_ping": "When the next Ping is due.",
        "_silence_judged_at": "When to judge whether the peer is silent; None if no Ping is out.",
        "_receives_at_ping": "How often bytes had arrived before that Ping.",
        "_suspected": "Whether the peer was silent at the first look.",
        "_blocked": "When the first Ping did not fit, and the writes until then; None if one did.",
    }

    def __init__(self, now: float, interval: float, timeout: float | None) -> None:
        self._interval = interval
        self._timeout = timeout
        self._next_ping = now + interval
        self._silence_judged_at: float | None = None
        self._receives_at_ping = 0
        self._suspected = False
        self._blocked: tuple[float, int] | None = None

    @property
    def next_time(self) -> float:
        """When `next_step` is to be called next."""
        if self._silence_judged_at is None:
            return self._next_ping
        return min(self._next_ping, self._silence_judged_at)

    def next_step(self, now: float, activity: Activity) -> Step:
        """What to do at this time."""
        judged_at = self._silence_judged_at
        if judged_at is not None and now >= judged_at and self._is_silent(now, activity):
            return GiveUp(f"nothing received for {self._timeout:g} s after a Ping")
        return SendPing() if now >= self._next_ping else Wait(self.next_time)

    def _is_silent(self, now: float, activity: Activity) -> bool:
        if activity.receives != self._receives_at_ping or not activity.waiting:
            self._silence_judged_at = None
            return False
        if not self._suspected:
            self._suspected = True
            self._silence_judged_at = now + SECOND_LOOK
            return False
        return True

    def ping_sent(
        self, now: float, sent: bool | None, receives: int, activity: Activity
    ) -> Wait | GiveUp:
        """What to do after a Ping: `sent` is False if it did not fit, None if that is unknown.

        `receives` is how often bytes had arrived before it: its Pong may be here already.
        """
        due = self._next_ping
        self._next_ping += ((now - due) // self._interval + 1) * self._interval
        if sent is False:
            if self._stays_blocked(now, activity):
                seconds = f"{self._timeout:g} s"
                return GiveUp(f"no Ping could be sent for {seconds}; the peer does not read")
            return Wait(self.next_time)
        self._blocked = None
        if sent and self._timeout is not None and self._silence_judged_at is None:
            self._silence_judged_at = due + self._timeout
            self._receives_at_ping = receives
            self._suspected = False
        return Wait(self.next_time)

    def _stays_blocked(self, now: float, activity: Activity) -> bool:
        if self._blocked is None or self._blocked[1] != activity.writes:
            self._blocked = (now, activity.writes)
        return self._timeout is not None and now - self._blocked[0] >= self._timeout


class HeartbeatTimer:
    """Takes the steps of a heartbeat in the timer thread, so it never waits."""

    __slots__ = {
        "_heartbeat": "Decides on the steps.",
        "_stream": "What the heartbeat decides on.",
        "_sender": "Sends the Pings.",
        "_pings": "Where the Pings wait for their Pongs.",
        "_give_up": "Called with the reason when the peer is given up.",
        "_count": "The number of the last Ping, which is its payload. For the timer thread only.",
    }

    def __init__(
        self,
        heartbeat: Heartbeat,
        stream: Stream,
        sender: Sender,
        pings: PendingPings,
        give_up: Callable[[str], None],
    ) -> None:
        self._heartbeat = heartbeat
        self._stream = stream
        self._sender = sender
        self._pings = pings
        self._give_up = give_up
        self._count = 0

    def start(self, timers: Timers) -> Timer:
        return timers.call_at(self._heartbeat.next_time, self._run)

    def _run(self, now: float) -> float | None:
        """The time of the next step; None once the peer is given up."""
        receives = self._stream.receives
        step = self._heartbeat.next_step(now, self._stream)
        if isinstance(step, SendPing):
            step = self._heartbeat.ping_sent(now, self._send_ping(now), receives, self._stream)
        if isinstance(step, GiveUp):
            self._give_up(step.cause)
            return None
        return step.until

    def _send_ping(self, now: float) -> bool | None:
        self._count += 1
        payload = self._count.to_bytes(4)
        self._pings.add(payload, now)
        return self._sender.try_ping(payload)
