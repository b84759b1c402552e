"""What a round may not leave: threads, file descriptors, connections, timers, lines in the log."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from refws import Connection
from refws.endpoint.heartbeat import HeartbeatTimer
from refws.endpoint.timers import Timer
from scripts.shared.figures import wait_until

SETTLED_WITHIN_S = 4.0
"""Seconds for threads that are ending: the timer thread of the clients, the taps' threads."""

PULSE_S = 0.02
DESCRIPTORS = "/proc/self/fd"
EXPECTED_IN_LOG = ("the handler failed",)
"""A handler that raises is planned in some rounds."""


@dataclasses.dataclass(frozen=True)
class Held:
    """What the process holds: names of threads, descriptors, connections and timers of refws."""

    threads: frozenset[str]
    descriptors: frozenset[str]
    objects: int

    def left_over(self, base: Held) -> list[str]:
        threads = sorted(self.threads - base.threads)
        descriptors = sorted(self.descriptors - base.descriptors)
        lines = [f"thread {name}" for name in threads]
        lines += [f"descriptor {name}" for name in descriptors]
        if self.objects > base.objects:
            lines.append(f"{self.objects - base.objects} connections or timers of refws")
        return lines


def held() -> Held:
    gc.collect()
    threads = frozenset(f"{thread.name} {thread.ident}" for thread in threading.enumerate())
    return Held(threads, frozenset(descriptors()), sum(map(is_in_use, gc.get_objects())))


def is_in_use(thing: Any) -> bool:
    kind = type(thing)
    if issubclass(kind, Timer):
        return thing.function is not None
    return issubclass(kind, Connection)


def heartbeats() -> int:
    """Timers of connections that are open, or were not cancelled at the end."""
    owners = (
        getattr(thing.function, "__self__", None)
        for thing in gc.get_objects()
        if type(thing) is Timer
    )
    return sum(isinstance(owner, HeartbeatTimer) for owner in owners)


def descriptors() -> Iterator[str]:
    """Number and target of each open descriptor; none where there is no /proc."""
    if not os.path.isdir(DESCRIPTORS):
        return
    for name in os.listdir(DESCRIPTORS):
        try:
            yield f"{name} {os.readlink(f'{DESCRIPTORS}/{name}')}"
        except FileNotFoundError:  # the one that has read the directory
            continue


def left_over(base: Held) -> list[str]:
    """What is still there that was not there before the round, after some time to settle."""
    wait_until(lambda: not held().left_over(base), SETTLED_WITHIN_S)
    return held().left_over(base)


class Watch(logging.Handler):
    """What the logger of refws says at a level above warning, and exceptions that end threads."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        if not any(expected in text for expected in EXPECTED_IN_LOG) or "Planned" not in text:
            self.lines.append(text)

    def thread_died(self, arguments: threading.ExceptHookArgs) -> None:
        self.note(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def note(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        name = threading.current_thread().name
        text = "".join(traceback.format_exception(kind, error, trace))
        self.lines.append(f"thread {name} ended with an exception:\n{text}")

    def unraisable(self, arguments: Any) -> None:
        self.note(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


@contextmanager
def watching() -> Iterator[Watch]:
    """The log of refws goes here and nowhere else, until the block ends."""
    watch, logger = Watch(), logging.getLogger("refws")
    before = logger.propagate, threading.excepthook, sys.unraisablehook
    logger.addHandler(watch)
    logger.propagate = False
    threading.excepthook = watch.thread_died
    sys.unraisablehook = watch.unraisable
    try:
        with warnings.catch_warnings():
            # of a socket that no one closed before the garbage collector
            warnings.simplefilter("error", ResourceWarning)
            yield watch
    finally:
        logger.removeHandler(watch)
        logger.propagate, threading.excepthook, sys.unraisablehook = before


class Pulse:
    """How late this process wakes up at worst: a machine that is busy is no fault of refws."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            started = time.monotonic()
            if self._over.wait(PULSE_S):
                return
            self.worst_s = max(self.worst_s, time.monotonic() - started - PULSE_S)


def stack_of(thread: threading.Thread) -> str:
    """Where a thread is just now."""
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)) if frame else "it has just ended\n"
