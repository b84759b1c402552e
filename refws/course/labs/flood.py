"""RFC 6455 §4.1, §10.4: one address that opens connections until no other gets in.

The cast: a server with a few places, a client that takes as many as it can, and a good client that
comes from another address. The defence is a limit on the connections from one address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from ..services import echo
from .browser import opening, read_head, status_of
from .cast import LOOPBACK, Cast, no_log
from .gauge import memory, watched
from .neighbour import Echoes, first_status
from .story import Lab, Step
from .talk import talk_with

PLACES, PER_ADDRESS = 20, 5
"""The defaults of refws are higher; these make the lab quick."""

LEFT = PLACES - 1
"""A good client that has come before has one."""

FLOOD = 30
"""Connections that the hostile client tries to open."""

ALONE = 0.4
"""Seconds in which the good client is alone."""

PAUSE = 0.08
"""Seconds from one of them to the next, so that a reader can see them come."""

OTHER_ADDRESS = "127.0.0.2"
"""Of the good client, on this machine as well."""


def play(cast: Cast) -> Iterator[Step]:
    """The good client alone, the flood, and the good client again."""
    port = cast.websocket(
        echo,
        max_connections=PLACES,
        max_connections_per_address=PER_ADDRESS if cast.defended else None,
        logger=no_log(),
    )
    alone = first_status(cast, port, OTHER_ADDRESS)
    got_in = alone == HTTPStatus.SWITCHING_PROTOCOLS
    yield Step("alone", got_in and cast.wait_until_empty(port))

    taken = partial(cast.places_taken, port)
    facts = {"tried": f"{FLOOD}", "places": f"{PLACES}"}
    with talk_with(cast, port, source=OTHER_ADDRESS) as talk:
        opened = 0
        with memory() as held, watched(cast, "flood", facts, held, Echoes(talk).look, taken):
            cast.ending.wait(ALONE)
            for _ in range(FLOOD):
                opened += takes_a_place(cast, port)
                cast.ending.wait(PAUSE)
        expected = PER_ADDRESS if cast.defended else LEFT
        yield Step("flood", opened == expected, (), {**facts, "opened": f"{opened}"})

        status = first_status(cast, port, OTHER_ADDRESS)
        got_in = status == HTTPStatus.SWITCHING_PROTOCOLS
        yield Step("good client", got_in is cast.defended, (), {"status": f"{status}"})


LAB = Lab("flood", "§4.1, §10.4", 5, play)


def takes_a_place(cast: Cast, port: int) -> bool:
    """Open a connection, and keep it until the lab ends. False if it was refused."""
    sock = cast.opened(port)
    with suppress(OSError, EOFError), sock.makefile("rb") as file:
        sock.sendall(opening(f"{LOOPBACK}:{port}", None))
        return status_of(read_head(file)) == HTTPStatus.SWITCHING_PROTOCOLS
    return False
