"""RFC 6455 §5.5.2, §5.5.3: Pings sent on a schedule, Pongs matched to their Pings, a silent peer
noticed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

SECOND_LOOK = 1.0
"""Seconds after which a silent peer is looked at again before it is given up.

At the first look our thread may just have come back from a busy handler, with bytes of the peer not
read yet.
"""


BEATS_PER_INTERVAL = 50
"""Into so many beats the Pings of all connections are gathered: sent one by one they would cost a
third more.
"""


def next_beat(now: float, interval: float) -> float:
    """The start for a heartbeat, at `now` or a little later, on the beats that all of this interval
    share.
    """
    beat = interval / BEATS_PER_INTERVAL
    return math.ceil(now / beat) * beat


class Watched(Protocol):
    """What the heartbeat sees of a connection's stream."""

    @property
    def receives(self) -> int: ...

    @property
    def waiting(self) -> bool: ...

    @property
    def writes(self) -> int: ...


class PendingPings:
    """The Pings that wait for their Pongs, oldest first; and the round-trip time of the last one
    that got it.
    """

    __slots__ = ("latency", "_lock", "_pings")

    def __init__(self) -> None:
        self.latency = 0.0
        self._lock = threading.Lock()
        self._pings: dict[bytes, tuple[float, threading.Event | None]] = {}

    def __len__(self) -> int:
        return len(self._pings)

    def add(self, payload: bytes, now: float, answered: threading.Event | None = None) -> bool:
        """Note a Ping about to be sent; False if one with this payload waits already.

        Of the Pings that nobody waits for, those of the heartbeat, only the newest is kept.
        """
        with self._lock:
            if payload in self._pings:
                return False
            if answered is None:
                self._pings = {
                    key: ping for key, ping in self._pings.items() if ping[1] is not None
                }
            self._pings[payload] = (now, answered)
            return True

    def discard(self, payload: bytes) -> None:
        """Forget a Ping that could not be sent."""
        with self._lock:
            self._pings.pop(payload, None)

    def answer(self, payload: bytes, now: float) -> bool:
        """Match a Pong: its Ping and all earlier ones count as answered (§5.5.3). False for an
        unsolicited Pong.
        """
        with self._lock:
            if payload not in self._pings:
                return False
            self.latency = now - self._pings[payload][0]
            while payload in self._pings:
                self._release(next(iter(self._pings)))
            return True

    def release_all(self) -> None:
        """Wake whoever waits for a Pong: the connection has ended."""
        with self._lock:
            for payload in list(self._pings):
                self._release(payload)

    def _release(self, payload: bytes) -> None:
        answered = self._pings.pop(payload)[1]
        if answered is not None:
            answered.set()


class Heartbeat:
    """When to send a Ping, and when to give the peer up. Called by the timer thread only; all times
    in seconds.

    Any byte received counts as life, as a peer inside a long frame cannot answer (§5.5.2). Silence
    counts only while our own thread waits to read. A Ping that does not fit the send buffer for
    `timeout` seconds, with nothing else written either, means a peer that does not read.

    `send_ping(now)` gives True if the Ping was sent, False if it did not fit, None if a writer is
    just at work.
    """

    __slots__ = (
        "_interval",
        "_timeout",
        "_stream",
        "_send_ping",
        "_give_up",
        "_next_ping",
        "_silence_judged_at",
        "_receives_at_ping",
        "_suspected",
        "_blocked",
    )

    def __init__(
        self,
        now: float,
        interval: float,
        timeout: float | None,
        stream: Watched,
        send_ping: Callable[[float], bool | None],
        give_up: Callable[[str], None],
    ) -> None:
        self._interval = interval
        self._timeout = timeout
        self._stream = stream
        self._send_ping = send_ping
        self._give_up = give_up
        self._next_ping = now + interval
        self._silence_judged_at: float | None = None
        self._receives_at_ping = 0
        self._suspected = False
        self._blocked: tuple[float, int] | None = None

    @property
    def next_time(self) -> float:
        """When the heartbeat wants to be called next."""
        return (
            self._next_ping
            if self._silence_judged_at is None
            else min(self._next_ping, self._silence_judged_at)
        )

    def __call__(self, now: float) -> float | None:
        """Do what is due; the time of the next call, or None once the peer was given up."""
        if (
            self._silence_judged_at is not None
            and now >= self._silence_judged_at
            and self._is_silent(now)
        ):
            self._give_up(f"nothing received for {self._timeout:g} s after a Ping")
            return None
        if now >= self._next_ping and self._ping_is_blocked(now):
            self._give_up(
                f"no Ping could be sent for {self._timeout:g} s, as the peer does not read"
            )
            return None
        return self.next_time

    def _is_silent(self, now: float) -> bool:
        if self._stream.receives != self._receives_at_ping or not self._stream.waiting:
            self._silence_judged_at = None
            return False
        if not self._suspected:
            self._suspected = True
            self._silence_judged_at = now + SECOND_LOOK
            return False
        return True

    def _ping_is_blocked(self, now: float) -> bool:
        receives_before = self._stream.receives
        sent = self._send_ping(now)
        due = self._next_ping
        self._next_ping += ((now - due) // self._interval + 1) * self._interval
        if sent is False:
            return self._stays_blocked(now)
        self._blocked = None
        if sent and self._timeout is not None and self._silence_judged_at is None:
            self._silence_judged_at = due + self._timeout
            self._receives_at_ping = receives_before
            self._suspected = False
        return False

    def _stays_blocked(self, now: float) -> bool:
        if self._blocked is None or self._blocked[1] != self._stream.writes:
            self._blocked = (now, self._stream.writes)
        return self._timeout is not None and now - self._blocked[0] >= self._timeout
