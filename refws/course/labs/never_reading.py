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
from .neighbour import delay, delays, drawn, memory
from .story import Lab, Step
from .talk import masked, talk_with

SEND_TIMEOUT = 0.5
"""Seconds; the default of refws is 20."""

WATCHED = 2.0
"""Seconds for which the server's thread is watched."""

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
    alone = delay(cast, port)
    with memory() as held, talk_with(cast, port) as talk:
        crossed = talk.say(masked(TEXT, b"more"), answers=0)[:1]
        yield Step("asks", True, crossed)

        ended = server.ended.wait(WATCHED)
        facts = {"taken": f"{server.bytes:,}", "seconds": f"{SEND_TIMEOUT if ended else WATCHED:g}"}
        yield Step("the server's thread", ended is cast.defended, (), facts)

        beside = delay(cast, port)
        rows = [("taken by the systems", server.bytes, "B"), ("memory, at most", held(), "B")]
        facts = {"drawn": f"{drawn(rows)}\n{delays(alone, beside)}"}
        yield Step("good client", True, (), facts)


LAB = Lab("never-reading", "§10.4", 5, play)
