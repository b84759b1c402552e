"""RFC 6455 §10.4, RFC 7692: a few bytes that inflate to many. The limit must count the many.

The cast: a server that takes compressed messages, and a client that sends one of millions of zeros.
The defence is a limit on the message after inflating, checked while it inflates.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack

from ...endpoint.connection import Connection
from ...protocol.close_codes import CloseCode
from ...protocol.frame import BINARY, TEXT, encode_frame
from .cast import Cast, no_log
from .gauge import memory, watched
from .neighbour import Echoes
from .story import Lab, Step
from .talk import MASKING_KEY, Talk, talk_with

INFLATED = 16 * 2**20
LIMIT = 2**20
"""Bytes: the default of refws."""

CLIENTS = 6
"""They send the bomb one after the other, and stay."""

ALONE = 0.4
"""Seconds in which the good client is alone, before they come."""

PAUSE = 0.3
"""Seconds from one of them to the next."""

OFFER = "permessage-deflate"


def play(cast: Cast) -> Iterator[Step]:
    """Send the bomb, see what the server makes of it, and send it from several clients."""

    def handler(connection: Connection) -> None:
        for message in connection:  # it is kept until the next one arrives
            connection.send(f"{len(message)} bytes")

    port = cast.websocket(
        handler,
        compression="deflate",
        max_size=LIMIT if cast.defended else None,
        logger=no_log(),
    )
    bomb = encode_frame(BINARY, compressed(INFLATED), rsv1=True, masking_key=MASKING_KEY)
    with talk_with(cast, port, extensions=OFFER) as talk:
        (crossed, _) = talk.say(bomb, answers=0)
        facts = {"wire": f"{len(bomb):,}", "inflated": f"{INFLATED:,}"}
        yield Step("bomb", len(bomb) * 500 < INFLATED, (*talk.opened, crossed), facts)
        (_, crossed) = talk.say(answers=1)
        yield Step("answer", is_expected(talk, cast.defended), (crossed,))

    facts = {"clients": f"{CLIENTS}"}
    with ExitStack() as hostile, talk_with(cast, port) as good, memory() as held:
        answered: list[bool] = []
        look, count = Echoes(good).look, answered.__len__
        with watched(cast, "several clients", facts, held, look, count):
            cast.ending.wait(ALONE)
            for _ in range(CLIENTS):
                talk = hostile.enter_context(talk_with(cast, port, extensions=OFFER))
                talk.say(bomb, answers=1)
                answered.append(is_expected(talk, cast.defended))
                cast.ending.wait(PAUSE)
        most = held.most()
    enough = most < INFLATED if cast.defended else most >= CLIENTS * INFLATED
    facts = {**facts, "memory": f"{most:,}"}
    yield Step("several clients", all(answered) and enough, (), facts)


LAB = Lab("bomb", "§10.4", 5, play)


def is_expected(talk: Talk, refused: bool) -> bool:
    """Whether the bomb was answered with a Close that says "too big", or else with its length."""
    if refused:
        return talk.was_closed(CloseCode.MESSAGE_TOO_BIG)
    return talk.heard == [(TEXT, f"{INFLATED} bytes".encode())]


def compressed(size: int) -> bytes:
    """`size` zeros as the payload of a compressed message (RFC 7692 §7.2.1)."""
    compressor = zlib.compressobj(9, wbits=-15)
    data = compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(b"\x00\x00\xff\xff")
