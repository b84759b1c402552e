"""RFC 6455 §5.5.2, §5.5.3: the Pings that wait for their Pongs."""

from __future__ import annotations

import threading


class PendingPings:
    """The Pings that wait for their Pongs, oldest first. Any thread may call any method."""

    __slots__ = {
        "latency": "Seconds from the last answered Ping to its Pong. Written under the lock.",
        "_lock": "Held for a few dictionary operations only.",
        "_pings": "Payload -> (time, event of the thread that waits, or None). Under the lock.",
    }

    def __init__(self) -> None:
        self.latency = 0.0
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
