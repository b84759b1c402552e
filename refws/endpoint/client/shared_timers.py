"""One timer thread for all the clients of a program."""

from __future__ import annotations

import threading

from ..timers import Timers


class SharedTimers:
    """One timer thread for all the clients of a program, there as long as any of them is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: Timers | None = None
        self._users: set[object] = set()

    def join(self, user: object) -> Timers:
        with self._lock:
            self._timers = self._timers or Timers("refws-timers of clients")
            self._users.add(user)
            return self._timers

    def leave(self, user: object) -> None:
        """Harmless for one that has left. The thread ends with its last user."""
        with self._lock:
            self._users.discard(user)
            timers = None if self._users else self._timers
            self._timers = None if timers else self._timers
        if timers is not None:
            timers.stop()
