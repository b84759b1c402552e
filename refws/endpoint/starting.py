"""Threads that are started for a thread that must not wait, above all the timer thread.

`Thread.start` waits until the new thread runs. With many threads that compute that takes some
switch intervals of the interpreter, and 500 such waits would make all deadlines late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from .processes import call_in_children

IDLE = 1.0
"""Seconds after the last start until the thread that starts the others ends."""


class Starter:
    """Starts threads from a thread of its own, which ends when there are none to start."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin without a thread, as a child of `os.fork` must."""
        self._condition = threading.Condition()
        self._waiting: list[tuple[Callable[[], None], str]] = []
        self._runs = False

    def start(self, function: Callable[[], None], name: str) -> None:
        """Call the function in a thread with this name, soon; never, if none can be started.

        So the caller asks again if it is important. Waits for a thread only if none was started in
        the last second.
        """
        with self._condition:
            self._waiting.append((function, name))
            self._condition.notify()
            if self._runs:
                return
            self._runs = True
        try:
            threading.Thread(target=self._run, name="refws-starter", daemon=True).start()
        except RuntimeError:
            with self._condition:
                self._runs, self._waiting = False, []

    def _run(self) -> None:
        while work := self._next():
            for function, name in work:
                with suppress(RuntimeError):  # no thread left
                    threading.Thread(target=function, name=name, daemon=True).start()

    def _next(self) -> list[tuple[Callable[[], None], str]]:
        """What is to be started; empty after a second without any, and then the thread ends."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting, IDLE)
            work, self._waiting = self._waiting, []
            self._runs = bool(work)
            return work


STARTER = Starter()
call_in_children(STARTER.reset)
