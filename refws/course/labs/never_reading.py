"""RFC 6455 §10.4: a client that asks for much and never reads. TCP stops the server in its send.

The cast: a server that answers "more" with a long message again and again, a client that does not
read it, and a good client. The defence is a time for each part of a send that makes no progress.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from math import inf

from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConnectionClosed
from ...protocol.frame import TEXT
from .cast import Cast, no_log
from .gauge import memory, watched
from .neighbour import Echoes
from .story import Lab, Step
from .talk import masked, talk_with

SEND_TIMEOUT = 0.5
"""Seconds; the default of refws is 20."""

ALONE = 0.4
"""Seconds in which the good client is alone."""

WATCHED = 2.0
"""Seconds for which the server's thread is watched, if nothing ends its send."""

GIVEN_UP = 10.0
"""Seconds in which a server with this timeout has surely ended its send."""

PIECE = "x" * 65_536


class Sending:
    """The server: what it has sent to the client that does not read, and whether that ended."""

    def __init__(self) -> None:
        self.bytes = 0
        self.ended = threading.Event()

    def handler(self, connection: Connection) -> None:
        """Echo; but answer "more" with PIECE until the connection is over."""
        for message in connection:
            if message == "more":
                self.send_on(connection)
            else:
                connection.send(message)

    def send_on(self, connection: Connection) -> None:
        try:
            while True:
                connection.send(PIECE)
                self.bytes += len(PIECE)
        except ConnectionClosed:
            self.ended.set()
            raise


def play(cast: Cast) -> Iterator[Step]:
    """Ask and do not read, look at the server's thread, and at a good client beside it."""
    server = Sending()
    port = cast.websocket(
        server.handler, send_timeout=SEND_TIMEOUT if cast.defended else inf, logger=no_log()
    )
    with talk_with(cast, port) as talk, talk_with(cast, port) as good, memory() as held:
        echoes = Echoes(good)
        with watched(cast, "asks", {}, held, echoes.look, lambda: server.bytes):
            cast.ending.wait(ALONE)
            crossed = talk.say(masked(TEXT, b"more"), answers=0)[:1]
            cast.wait_for(server.ended.is_set, GIVEN_UP if cast.defended else WATCHED)
        ended = server.ended.is_set()
        seconds = SEND_TIMEOUT if ended else WATCHED
        facts = {"taken": f"{server.bytes:,}", "seconds": f"{seconds:g}"}
        yield Step("asks", ended is cast.defended, crossed, facts)

        facts = {"memory": f"{held.most():,}"}
        answered = cast.wait_for(lambda: echoes.look(0).answered, GIVEN_UP)
        yield Step("good client", answered, (), facts)


LAB = Lab("never-reading", "§10.4", 5, play)
