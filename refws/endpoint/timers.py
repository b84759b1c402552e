"""The one timer thread: every heartbeat and every deadline of a server, or of all the clients of a
program.

What it calls must never block: a Ping that is sent without waiting, or a `shutdown` of a socket.
Times are those of `time.monotonic`, in seconds.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from time import monotonic

RESOLUTION = 0.02
"""Seconds that the thread sleeps at least, so that thousands of timers do not wake it one by one.
"""

TimerFunction = Callable[[float], "float | None"]
"""Called with the time; gives the time at which it wants to be called again, or None."""

logger = logging.getLogger("refws")


class Timer:
    """A function and the time at which it is due. `cancel` may be called from any thread, more than
    once.
    """

    __slots__ = ("function",)

    def __init__(self, function: TimerFunction) -> None:
        self.function: TimerFunction | None = function

    def cancel(self) -> None:
        """A function that is just running is not waited for. What it refers to is let go at once."""
        self.function = None


class Schedule:
    """Timers by their times. No clock and no lock: `Timers` has those.

    Heartbeats share their beats, so there are far fewer times than timers, and only the times are
    kept in order.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._timers: dict[float, list[Timer]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._timers.values()))

    def add(self, when: float, timer: Timer) -> None:
        if when not in self._timers:
            heapq.heappush(self._times, when)
            self._timers[when] = []
        self._timers[when].append(timer)

    def next_time(self) -> float | None:
        """When the first timer is due; None if there is none."""
        return self._times[0] if self._times else None

    def take_due(self, now: float) -> list[Timer]:
        """The timers that are due, taken out, earliest first."""
        due = []
        while self._times and self._times[0] <= now:
            due += self._timers.pop(heapq.heappop(self._times))
        return due


class Timers:
    """A schedule and the daemon thread that runs it; the thread starts with the first timer."""

    def __init__(self, name: str = "refws-timers") -> None:
        self._name = name
        self._schedule = Schedule()
        self._condition = threading.Condition()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None
        self._stopped = False

    def call_at(self, when: float, function: TimerFunction) -> Timer:
        """A timer that calls `function(now)` at `when` or at most about 20 ms later, in the timer
        thread.
        """
        timer = Timer(function)
        with self._condition:
            self._add(when, timer)
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return timer

    def stop(self) -> None:
        """End the thread, and wait for the timer that it may be running; those not due yet are
        never called.
        """
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _add(self, when: float, timer: Timer) -> None:
        self._schedule.add(when, timer)
        if when < self._wakes_at - RESOLUTION:
            self._condition.notify()

    def _run(self) -> None:
        with self._condition:
            while not self._stopped:
                due = self._schedule.take_due(monotonic())
                if not due:
                    self._wait()
                    continue
                self._condition.release()
                try:
                    again = self._run_due(due)
                finally:
                    self._condition.acquire()
                for when, timer in again:
                    self._schedule.add(when, timer)

    def _run_due(self, due: list[Timer]) -> list[tuple[float, Timer]]:
        """The timers that want to run again, with their times."""
        again = []
        for timer in due:
            if self._stopped:
                break
            if (when := run_timer(timer, monotonic())) is not None:
                again.append((when, timer))
        return again

    def _wait(self) -> None:
        next_time = self._schedule.next_time()
        if next_time is None:
            self._wakes_at = float("inf")
            self._condition.wait()
            return
        now = monotonic()
        self._wakes_at = max(next_time, now + RESOLUTION)
        self._condition.wait(self._wakes_at - now)


def run_timer(timer: Timer, now: float) -> float | None:
    """The time at which the timer wants to run again, or None; an error in it is logged and ends
    that timer only.
    """
    function = timer.function
    if function is None:
        return None
    try:
        return function(now)
    except Exception:
        logger.exception("a timer failed and is not called again; please report this")
        return None
