"""The write deadline: a stream whose peer takes too little of a blocked write in time is aborted.

Too little is less than a chunk, `stream.WRITE_CHUNK`, or less than the last bytes of the write: a
chunk is sent with one `sendall`, which reports no smaller progress.

`SO_SNDTIMEO` would start again with each call of the system, and a timeout of the socket would cost
every read and write a second call. So one timer watches the blocked writes of a stream: it starts
with the first one and runs as long as it finds another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from .timers import Timers


class WriteDeadline:
    """`begin` and `end` surround a write that may block; `begin` again: the next chunk follows."""

    __slots__ = {
        "chunks": "How often a write went on: the peer has taken a chunk. Under the lock.",
        "_timers": "Where the timer runs.",
        "_timeout": "Seconds that a chunk of a write may take.",
        "_abort": "Called in the timer thread, with the reason.",
        "_blocked_since": "When the write last began or went on; None without one. Under the lock.",
        "_watched": "Whether a timer is set. Under the lock.",
        "_lock": "Held for an assignment only, so the timer thread never waits for a write.",
    }

    def __init__(self, timers: Timers, timeout: float, abort: Callable[[str], None]) -> None:
        self._timers = timers
        self._timeout = timeout
        self._abort = abort
        self._blocked_since: float | None = None
        self._watched = False
        self.chunks = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start the deadline, or start it again because the system has just taken a chunk."""
        now = monotonic()
        with self._lock:
            self.chunks += self._blocked_since is not None
            self._blocked_since = now
            first, self._watched = not self._watched, True
        if first:
            self._timers.call_at(now + self._timeout, self._look)

    def end(self) -> None:
        """Stop the deadline: the system has taken all, or the write has failed."""
        with self._lock:
            self._blocked_since = None

    def _look(self, now: float) -> float | None:
        with self._lock:
            since = self._blocked_since
            due = None if since is None else since + self._timeout
            self._watched = due is not None and now < due
        if due is not None and now >= due:
            self._abort(f"the peer took less than 64 KiB of a frame in {self._timeout:g} s")
            return None
        return due
