"""A good client beside a hostile one: whether it gets in, and how long its messages take."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from http import HTTPStatus
from statistics import median
from time import monotonic

from ...endpoint.connection import Connection
from ...protocol.frame import TEXT
from .browser import opening, read_head, status_of
from .cast import LOOPBACK, Cast
from .talk import masked, talk_with

RETRY_INTERVAL = 0.05
ROUND_TRIPS = 20
BAR = 30
"""Characters of the longest bar."""


def echo(connection: Connection) -> None:
    for message in connection:
        connection.send(message)


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
    """The median of the seconds from a message to its echo."""
    times = []
    with talk_with(cast, port) as talk:
        for _ in range(ROUND_TRIPS):
            began = monotonic()
            talk.say(masked(TEXT, b"hello"), answers=1)
            times.append(monotonic() - began)
    return median(times)


def drawn(values: Iterable[tuple[str, float, str]]) -> str:
    """A line for each (name, value, unit), with a bar; the largest value has the longest one."""
    rows = list(values)
    largest = max((value for _, value, _ in rows), default=0) or 1
    return "\n".join(
        f"  {name:<21}{value:>11,} {unit:<3}{'#' * max(1, round(BAR * value / largest))}"
        for name, value, unit in rows
    )
