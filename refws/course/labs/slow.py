"""RFC 6455 §4.2, §10.4: a client that never finishes its opening handshake, and takes a place.

The cast: a server with a few places, slow clients that send a byte of a header from time to time,
and a good client. ("Slowloris", Hansen, 2009.) The defence is a time for the whole handshake.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial

from ..services import echo
from .cast import Cast, no_log
from .gauge import memory, watched
from .neighbour import Entering
from .story import Crossed, Lab, Step

PLACES = 8
OPEN_TIMEOUT = 0.5
"""Seconds; the default of refws is 10."""

DRIP_INTERVAL = 0.1
WATCHED = 3.0
"""Seconds for which the good client tries in vain."""

GIVEN_UP = 10.0
"""Seconds in which it has surely got in, if the slow ones lose their places."""

START = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


def play(cast: Cast) -> Iterator[Step]:
    """The good client alone, and while slow ones have all places."""
    port = cast.websocket(
        echo,
        max_connections=PLACES,
        max_connections_per_address=None,
        open_timeout=OPEN_TIMEOUT if cast.defended else None,
        logger=no_log(),
    )
    alone = Entering(cast, port)
    got_in = cast.wait_for(lambda: alone.look(0).answered, GIVEN_UP)
    yield Step("alone", got_in and cast.wait_until_empty(port))

    facts = {"places": f"{PLACES}"}
    with memory() as held:
        slow = [cast.opened(port) for _ in range(PLACES)]
        cast.thread(drip, slow, cast.ending)
        good = Entering(cast, port)
        places = partial(cast.places_taken, port)
        with watched(cast, "slow clients", facts, held, good.look, places):
            cast.wait_for(good.is_in, GIVEN_UP if cast.defended else WATCHED)
    facts = {**facts, "refused": f"{good.refused}", "waited": f"{good.waited or WATCHED:.1f}"}
    crossed = (Crossed("slow client", START),)
    yield Step("slow clients", good.is_in() is cast.defended, crossed, facts)


LAB = Lab("slow", "§4.2, §10.4", 5, play)


def drip(clients: list[socket.socket], ending: threading.Event) -> None:
    """The start, then a byte for each of them, again and again: none is silent, none gets on."""
    data = START
    while not ending.is_set():
        for sock in list(clients):
            try:
                sock.sendall(data)
            except OSError:  # the server has ended it
                clients.remove(sock)
        data = b"a"
        ending.wait(DRIP_INTERVAL)
