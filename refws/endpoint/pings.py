"""RFC 6455 §5.5.2, §5.5.3: the Pings that wait for their Pongs, ours and the peer's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf
from time import monotonic

LISTEN_INTERVAL = 0.2
"""Seconds after which a thread that waits for a Pong looks whether it can listen itself."""

Listen = Callable[["float | None", Callable[[], bool]], None]
"""Called with a deadline and a function; deals with control frames until the function says True.

Returns at once while another thread receives, and where a data frame is next.
"""


class Answered(threading.Event):
    """Set when the Pong arrives, or the connection ends.

    A thread that waits for it listens for the Pong itself while no thread receives.
    """

    def __init__(self, listen: Listen) -> None:
        super().__init__()
        self._listen = listen

    def wait(self, timeout: float | None = None) -> bool:
        """True once it is set, False after `timeout` seconds; None for no limit.

        While a message waits to be received, its Pong waits, too: frames are read in order.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while not self.is_set():
            self._listen(deadline, self.is_set)
            left = inf if deadline is None else deadline - monotonic()
            if not super().wait(min(left, LISTEN_INTERVAL)) and left <= LISTEN_INTERVAL:
                return False
        return True


class PendingPings:
    """Our Pings that wait for their Pongs, oldest first, and the peer's newest one.

    Any thread may call any method.
    """

    __slots__ = {
        "latency": "Seconds from the last answered Ping to its Pong. Written under the lock.",
        "unanswered": "The payload of the peer's newest Ping, until our Pong. Under the lock.",
        "muted": "Whether no Pong leaves, and no Ping on schedule. Written by any thread.",
        "_lock": "Held for a few dictionary operations only.",
        "_pings": "Payload -> (time, event of the thread that waits, or None). Under the lock.",
    }

    def __init__(self) -> None:
        self.latency = 0.0
        self.unanswered: bytes | None = None
        self.muted = False
        self._lock = threading.Lock()
        self._pings: dict[bytes, tuple[float, threading.Event | None]] = {}

    def __len__(self) -> int:
        return len(self._pings)

    def add(self, payload: bytes, now: float, answered: threading.Event | None = None) -> bool:
        """Note a Ping before it is sent; False if one with the same payload already waits.

        Of the Pings without an event, the heartbeat's, only the newest is kept.
        """
        with self._lock:
            if payload in self._pings:
                return False
            if answered is None:
                self._pings = {key: ping for key, ping in self._pings.items() if ping[1]}
            self._pings[payload] = (now, answered)
            return True

    def discard(self, payload: bytes) -> None:
        """Forget a Ping that could not be sent."""
        with self._lock:
            self._pings.pop(payload, None)

    def receive(self, payload: bytes) -> bool:
        """Note the peer's Ping; only the newest one has to be answered (§5.5.3).

        True if every earlier one is answered.
        """
        if self.muted:
            return False
        with self._lock:
            first, self.unanswered = self.unanswered is None, payload
            return first

    def sent_pong(self, payload: bytes) -> None:
        """Note that this Pong is sent, or cannot be; a newer Ping still waits for its own."""
        with self._lock:
            if self.unanswered is payload:
                self.unanswered = None

    def answer(self, payload: bytes, now: float) -> bool:
        """A Pong answers its Ping and all earlier ones (§5.5.3). False if it answers none."""
        with self._lock:
            if payload not in self._pings:
                return False
            self.latency = now - self._pings[payload][0]
            while payload in self._pings:
                self._release(next(iter(self._pings)))
            return True

    def release_all(self) -> None:
        """Wake every thread that waits for a Pong, because the connection has ended."""
        with self._lock:
            for payload in list(self._pings):
                self._release(payload)

    def _release(self, payload: bytes) -> None:
        answered = self._pings.pop(payload)[1]
        if answered is not None:
            answered.set()
