"""Memory and delay while an attack goes on, read at a steady pace.

The memory is what Python's `tracemalloc` counts in this process: both sides of the lab, and the
pages that are sent to a browser meanwhile. Its counting makes each message slower, with the attack
and without it: so the first readings are taken with the counting on, before the attack begins, and
the later ones are to be compared with them.
"""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from .cast import Cast
from .readings import Delay, Reading

PACE = 0.15
"""Seconds from one reading to the next."""

PATIENCE = 0.05
"""Seconds that a reading waits for the good client's answer, which then is "not yet" there."""

Look = Callable[[float], Delay]
"""Asks a good client for its delay, and waits at most that many seconds for the answer."""


class Memory:
    """Bytes that Python has taken since the start, and holds; `memory` makes one.

    What the system holds in buffers of sockets, and stacks of threads, are not among them.
    """

    def __init__(self) -> None:
        tracemalloc.reset_peak()
        self._before, _ = tracemalloc.get_traced_memory()

    def now(self) -> int:
        return max(0, tracemalloc.get_traced_memory()[0] - self._before)

    def most(self) -> int:
        """The largest number since the start, also between two readings."""
        return max(0, tracemalloc.get_traced_memory()[1] - self._before)


@contextmanager
def memory() -> Iterator[Memory]:
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        yield Memory()
    finally:
        if not tracing:
            tracemalloc.stop()


@contextmanager
def watched(
    cast: Cast,
    step: str,
    facts: Mapping[str, str],
    held: Memory,
    look: Look,
    count: Callable[[], int],
) -> Iterator[None]:
    """Add to the cast's readings until the `with` ends: one at its start, one at its end, and one
    after each PACE in a thread of its own. `look` and `count` are called by one thread at a time.
    """
    began, over = monotonic(), threading.Event()

    def read() -> None:
        delay = look(PATIENCE)
        reading = Reading(step, facts, monotonic() - began, held.now(), delay, count())
        cast.readings.add(reading)

    def read_on() -> None:
        while not over.wait(PACE):
            read()

    read()
    thread = cast.thread(read_on)
    try:
        yield
    finally:
        over.set()
        thread.join()
    read()
