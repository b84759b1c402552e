"""The timer thread runs every heartbeat and every deadline of a server, or of a program's clients.

There is one thread for all of them, because a timer thread for each connection would double the
threads. So a function that it calls must never block: it may send a Ping without waiting, or shut
down a socket. Times are in seconds, of `time.monotonic`.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from time import monotonic

RESOLUTION = 0.02
"""The thread sleeps at least this many seconds: thousands of timers must not wake it one by one."""

MAX_WAIT = 1_000_000.0
"""Seconds: no call of the system is asked to wait longer, because for some weeks it refuses."""

MAX_LATENESS = 1.0
"""Seconds after which a late timer thread is reported."""

TimerFunction = Callable[[float], "float | None"]
"""Called with the time; returns the time at which to call it again, or None."""

LATE = (
    "the thread %s is late by %.1f s, and with it all Pings and deadlines; "
    "the machine is overloaded, or a timer waits: please report that"
)

logger = logging.getLogger("refws")


def wait_time(seconds: float) -> float:
    """The seconds that a call of the system may be asked to wait; 0 for what is no number."""
    return min(max(0.0, seconds), MAX_WAIT)


class Timer:
    """A function that is due at some time. Any thread may call `cancel`, more than once."""

    __slots__ = {"function": "None once cancelled. Written by any thread that cancels."}

    def __init__(self, function: TimerFunction) -> None:
        self.function: TimerFunction | None = function

    def cancel(self) -> None:
        """Release the function at once, without waiting for a call in progress."""
        self.function = None


class Schedule:
    """Timers by their times. It has no clock and no lock: `Timers` has both.

    Heartbeats share their ticks, so there are far fewer times than timers. Only the times are kept
    in order.
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
        """The time of the first timer; None if there is none."""
        return self._times[0] if self._times else None

    def take_due(self, now: float) -> list[Timer]:
        """The timers that are due, taken out, earliest first."""
        due = []
        while self._times and self._times[0] <= now:
            due += self._timers.pop(heapq.heappop(self._times))
        return due


class Timers:
    """A schedule and the daemon thread that runs it; the thread starts with the first timer.

    The condition's lock guards every field. It is never held while a timer's function runs. Two
    reads do without it, of fields that are set once: `_run_due` may see `_stopped` late, and then
    runs one function more; `stop` reads `_thread` when no new thread can start.
    """

    def __init__(self, name: str = "refws-timers") -> None:
        self._name = name
        self._schedule = Schedule()
        self._condition = threading.Condition()
        self._wakes_at = float("inf")
        self._reported: float | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def call_at(self, when: float, function: TimerFunction) -> Timer:
        """A timer that calls `function(now)` at `when` or later; RuntimeError without a thread."""
        timer = Timer(function)
        with self._condition:
            self.start()
            self._schedule.add(when, timer)
            if when < self._wakes_at - RESOLUTION:
                self._condition.notify()
            lateness = monotonic() - self._wakes_at
        if lateness > MAX_LATENESS:
            self._report(lateness)
        return timer

    def _report(self, lateness: float) -> None:
        """Log that the thread should have looked at its timers this long ago; once.

        For the threads that need timers, because the thread itself may be stuck; and it must not
        wait for a log.
        """
        if threading.current_thread() is self._thread:
            return
        with self._condition:
            known, self._reported = self._reported == self._wakes_at, self._wakes_at
        if not known:
            logger.error(LATE, self._name, lateness)

    def start(self) -> None:
        """Start the thread if it does not run; RuntimeError if the system has none left."""
        with self._condition:
            if self._thread is None and not self._stopped:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread

    def stop(self) -> None:
        """End the thread, and wait while it runs a function; later timers are never called."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        again: list[tuple[float, Timer]] = []
        while (due := self._next_due(again)) is not None:
            again = self._run_due(due)
            del due  # their functions may hold connections that have ended

    def _next_due(self, again: list[tuple[float, Timer]]) -> list[Timer] | None:
        """Add the timers in `again`; then wait until some are due. None once stopped."""
        with self._condition:
            for when, timer in again:
                self._schedule.add(when, timer)
            while not self._stopped:
                now = monotonic()
                if due := self._schedule.take_due(now):
                    self._wakes_at = now
                    return due
                self._wait()
            return None

    def _run_due(self, due: list[Timer]) -> list[tuple[float, Timer]]:
        """Run these timers; return the ones that are to run again, with their times."""
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
        self._wakes_at = min(max(next_time, now + RESOLUTION), now + MAX_WAIT)
        self._condition.wait(self._wakes_at - now)


def run_timer(timer: Timer, now: float) -> float | None:
    """When to run the timer again, or None. An exception is logged and ends this timer."""
    function = timer.function
    if function is None:
        return None
    try:
        return function(now)
    except Exception:
        logger.exception("a timer failed and is not called again; please report this")
        return None
