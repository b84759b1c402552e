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

    @property
    def progress(self) -> int: ...

    @property
    def unsent(self) -> int: ...


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


@dataclass(slots=True)
class Heartbeat:
    """When to send a Ping, and when to give the peer up. Used by the timer thread only.

    Every byte received counts as life, because a peer inside a long frame cannot answer (§5.5.2);
    so does every chunk that a slow peer takes of a long message, which its Pong must wait for.
    Silence counts only while a thread waits to read, or a look finds nothing to read. A Ping that
    does not fit the send buffer for `timeout` seconds, with no byte of it taken and nothing else
    written either, means a peer that does not read.
    """

    interval: float
    timeout: float | None
    next_ping: float
    silence_judged_at: float | None = None
    """When the answer to a Ping must have come; None with no Ping out."""
    receives_at_ping: int = 0
    progress_at_ping: int = 0
    unsent_at_ping: int = 0
    """What `Activity` said after that Ping."""
    suspected: bool = False
    """Whether the peer was silent at the first look."""
    blocked: tuple[float, int, int] | None = None
    """Since when no Ping fits, the writes until then, and the unsent bytes; None if one did."""

    @property
    def next_time(self) -> float:
        """When `next_step` is to be called next."""
        if self.silence_judged_at is None:
            return self.next_ping
        return min(self.next_ping, self.silence_judged_at)

    def next_step(self, now: float, activity: Activity) -> Step:
        """What to do at this time."""
        judged_at = self.silence_judged_at
        if judged_at is not None and now >= judged_at and self._is_silent(now, activity):
            return GiveUp(f"nothing received for {self.timeout:g} s after a Ping")
        return SendPing() if now >= self.next_ping else Wait(self.next_time)

    def _is_silent(self, now: float, activity: Activity) -> bool:
        if activity.receives != self.receives_at_ping or not activity.waiting:
            self.silence_judged_at = None
            return False
        if activity.progress != self.progress_at_ping or activity.unsent < self.unsent_at_ping:
            assert self.timeout is not None
            self._judge_silence(now + self.timeout, activity)
            return False
        if not self.suspected:
            self.suspected = True
            self.silence_judged_at = now + SECOND_LOOK
            return False
        return True

    def _judge_silence(self, when: float, activity: Activity) -> None:
        self.silence_judged_at = when
        self.progress_at_ping = activity.progress
        self.unsent_at_ping = activity.unsent
        self.suspected = False

    def ping_sent(
        self, now: float, sent: bool | None, receives: int, activity: Activity
    ) -> Wait | GiveUp:
        """What to do after a Ping: `sent` is False if it did not fit, None if that is unknown.

        `receives` is how often bytes had arrived before it: its Pong may be here already.
        """
        due = self.next_ping
        self.next_ping += ((now - due) // self.interval + 1) * self.interval
        if sent is False:
            if self._stays_blocked(now, activity):
                seconds = f"{self.timeout:g} s"
                return GiveUp(f"no Ping could be sent for {seconds}; the peer does not read")
            return Wait(self.next_time)
        self.blocked = None
        if sent and self.timeout is not None and self.silence_judged_at is None:
            self._judge_silence(due + self.timeout, activity)
            self.receives_at_ping = receives
        return Wait(self.next_time)

    def _stays_blocked(self, now: float, activity: Activity) -> bool:
        since, writes, unsent = self.blocked or (now, activity.writes, activity.unsent)
        if activity.writes != writes or activity.unsent < unsent:
            since, writes, unsent = now, activity.writes, activity.unsent
        self.blocked = (since, writes, unsent)
        return self.timeout is not None and now - since >= self.timeout


@dataclass(slots=True)
class HeartbeatTimer:
    """Takes the steps of a heartbeat in the timer thread, so it never waits.

    `give_up` is called with the reason. `count` numbers the Pings.
    """

    heartbeat: Heartbeat
    stream: Stream
    sender: Sender
    pings: PendingPings
    give_up: Callable[[str], None]
    count: int = 0

    def start(self, timers: Timers) -> Timer:
        return timers.call_at(self.heartbeat.next_time, self._run)

    def _run(self, now: float) -> float | None:
        """The time of the next step, None once the peer is given up."""
        receives = self.stream.receives
        step = self.heartbeat.next_step(now, self.stream)
        if isinstance(step, SendPing):
            step = self.heartbeat.ping_sent(now, self._send_ping(now), receives, self.stream)
        if isinstance(step, GiveUp):
            self.give_up(step.cause)
            return None
        return step.until

    def _send_ping(self, now: float) -> bool | None:
        if self.pings.muted:  # any byte would be life to a peer that counts as this side does
            return None
        self.count += 1
        payload = self.count.to_bytes(4)
        self.pings.add(payload, now)
        return self.sender.try_ping(payload)
