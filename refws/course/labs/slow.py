"""RFC 6455 §4.2, §10.4: a client that never finishes its opening handshake, and takes a place.

The cast: a server with a few places, slow clients that send a byte of a header from time to time,
and a good client. ("Slowloris", Hansen, 2009.) The defence is a time for the whole handshake.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

from ..services import echo
from .cast import Cast, no_log
from .neighbour import drawn, first_status, gets_in, memory
from .story import Crossed, Lab, Step

PLACES = 8
OPEN_TIMEOUT = 0.5
"""Seconds; the default of refws is 10."""

DRIP_INTERVAL = 0.1
WATCHED = 3.0
"""Seconds in which the good client tries again."""

START = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


def play(cast: Cast) -> Iterator[Step]:
    """The good client alone, the slow ones in all places, and the good one's next tries."""
    timeout = OPEN_TIMEOUT if cast.defended else None
    port = cast.websocket(
        echo,
        max_connections=PLACES,
        max_connections_per_address=None,
        open_timeout=timeout,
        logger=no_log(),
    )
    alone = gets_in(cast, port, WATCHED)
    yield Step("alone", alone is not None and cast.wait_until_empty(port))

    with memory() as held:
        slow = [cast.opened(port) for _ in range(PLACES)]
        for sock in slow:
            sock.sendall(START)
        cast.thread(drip, slow, cast.ending)
        status = first_status(cast, port)
        bars = drawn([("memory, at most", held(), "B")])
    came_out = status == HTTPStatus.SERVICE_UNAVAILABLE
    facts = {"places": f"{PLACES}", "drawn": bars}
    yield Step("all places taken", came_out, (Crossed("slow client", START),), facts)

    waited = gets_in(cast, port, WATCHED)
    shown = drawn(
        [("alone", round(alone or 0, 3), "s"), ("beside", round(waited or WATCHED, 3), "s")]
    )
    facts = {"drawn": shown, "watched": f"{WATCHED:g}", "timeout": f"{OPEN_TIMEOUT:g}"}
    yield Step("good client", (waited is not None) is cast.defended, (), facts)


LAB = Lab("slow", "§4.2, §10.4", 5, play)


def drip(clients: list[socket.socket], ending: threading.Event) -> None:
    """A byte for each of them, again and again: none is silent, and none gets on."""
    while not ending.wait(DRIP_INTERVAL):
        for sock in list(clients):
            try:
                sock.sendall(b"a")
            except OSError:  # the server has ended it
                clients.remove(sock)
