"""One timer thread for all clients of a process; a child of `os.fork` starts its own."""

from __future__ import annotations

import threading

from ..processes import call_in_children
from ..timers import Timers


class SharedTimers:
    """One timer thread for all clients of a process. It runs while there is a client."""

    def __init__(self) -> None:
        self._start_empty()
        call_in_children(self._start_empty)

    def _start_empty(self) -> None:
        """In a child the thread does not exist, and another thread may have held the lock."""
        self._lock = threading.Lock()
        self._timers: Timers | None = None
        self._users: set[object] = set()

    def join(self, user: object) -> Timers:
        with self._lock:
            self._timers = self._timers or Timers("refws-timers of clients")
            self._users.add(user)
            return self._timers

    def leave(self, user: object) -> None:
        """The thread ends with its last user. Does nothing for a user that has left before."""
        with self._lock:
            self._users.discard(user)
            timers = None if self._users else self._timers
            self._timers = None if timers else self._timers
        if timers is not None:
            timers.stop()
