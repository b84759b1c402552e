"""A good client beside a hostile one: whether it gets in, its delay, and the memory."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from statistics import median
from time import monotonic

from ...protocol.frame import TEXT
from .browser import opening, read_head, status_of
from .cast import LOOPBACK, Cast
from .talk import Talk, masked, talk_with

RETRY_INTERVAL = 0.05
ROUND_TRIPS = 20
BAR = 30
"""Characters of the longest bar."""


def gets_in(cast: Cast, port: int, seconds: float, source: str = LOOPBACK) -> float | None:
    """Seconds until a handshake from this address was answered with 101; None if none was."""
    began, pause = monotonic(), threading.Event()
    while (passed := monotonic() - began) <= seconds:
        if first_status(cast, port, source) == HTTPStatus.SWITCHING_PROTOCOLS:
            return passed
        pause.wait(RETRY_INTERVAL)
    return None


def first_status(cast: Cast, port: int, source: str = LOOPBACK) -> int:
    """The status of the answer to one handshake."""
    with cast.client(port, source) as sock, sock.makefile("rb") as file:
        sock.sendall(opening(f"{LOOPBACK}:{port}", None))
        return status_of(read_head(file))


def delay(cast: Cast, port: int) -> float:
    """The median of the seconds from a message to its echo, in a connection of its own."""
    with talk_with(cast, port) as talk:
        return delay_of(talk)


def delay_of(talk: Talk) -> float:
    """The same in a connection that is open."""
    times = []
    for _ in range(ROUND_TRIPS):
        began = monotonic()
        talk.say(masked(TEXT, b"hello"), answers=1)
        times.append(monotonic() - began)
    return median(times)


@contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """A function that gives the most bytes that Python has held for this lab since the start.

    What the system holds in buffers of sockets, and stacks of threads, are not among them.
    """
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield lambda: max(0, tracemalloc.get_traced_memory()[1] - before)
    finally:
        if not tracing:
            tracemalloc.stop()


def delays(alone: float, beside: float) -> str:
    """The delay of a good client without the hostile one and beside it, drawn."""
    rows = (("echo, alone", alone), ("echo, beside", beside))
    return drawn((name, round(seconds * 1000, 2), "ms") for name, seconds in rows)


def drawn(values: Iterable[tuple[str, float, str]]) -> str:
    """A line for each (name, value, unit), with a bar; the largest value has the longest one."""
    rows = list(values)
    largest = max((value for _, value, _ in rows), default=0) or 1
    return "\n".join(
        f"  {name:<21}{value:>11,} {unit:<3}{'#' * max(1, round(BAR * value / largest))}"
        for name, value, unit in rows
    )
