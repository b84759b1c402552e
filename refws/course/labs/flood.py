"""RFC 6455 §4.1, §10.4: one address that opens connections until no other gets in.

The cast: a server with a few places, a client that takes as many as it can, and a good client that
comes from another address. The defence is a limit on the connections from one address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus

from ..services import echo
from .browser import opening, read_head, status_of
from .cast import LOOPBACK, Cast, no_log
from .neighbour import delay_of, delays, drawn, first_status, memory
from .story import Lab, Step
from .talk import talk_with

PLACES, PER_ADDRESS = 20, 5
"""The defaults of refws are higher; these make the lab quick."""

LEFT = PLACES - 1
"""A good client that has come before has one."""

FLOOD = 30
"""Connections that the hostile client tries to open."""

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

    with memory() as held, talk_with(cast, port, source=OTHER_ADDRESS) as talk:
        before = delay_of(talk)
        opened = sum(takes_a_place(cast, port) for _ in range(FLOOD))
        beside = delay_of(talk)
        places = [("places that are left", LEFT, ""), ("taken by one address", opened, "")]
        bars = [drawn(places), drawn([("memory, at most", held(), "B")]), delays(before, beside)]
        expected = PER_ADDRESS if cast.defended else LEFT
        facts = {"drawn": "\n".join(bars), "tried": f"{FLOOD}"}
        yield Step("flood", opened == expected, (), facts)

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
