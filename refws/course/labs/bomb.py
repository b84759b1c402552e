"""RFC 6455 §10.4, RFC 7692: a few bytes that inflate to many. The limit must count the many.

The cast: a server that takes compressed messages, and a client that sends one of millions of zeros.
The defence is a limit on the message after inflating, checked while it inflates.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ...endpoint.connection import Connection
from ...protocol.close_codes import CloseCode
from ...protocol.frame import BINARY, CLOSE, encode_frame
from .cast import Cast, no_log
from .neighbour import delay, delays, drawn, memory
from .story import Lab, Step
from .talk import MASKING_KEY, talk_with

INFLATED = 32 * 2**20
LIMIT = 2**20
"""Bytes: the default of refws."""

OFFER = "permessage-deflate"


def play(cast: Cast) -> Iterator[Step]:
    """Send the bomb, and see what the server makes of it."""

    def handler(connection: Connection) -> None:
        for message in connection:
            connection.send(f"{len(message)} bytes")

    port = cast.websocket(
        handler,
        compression="deflate",
        max_size=LIMIT if cast.defended else None,
        logger=no_log(),
    )
    bomb = encode_frame(BINARY, compressed(INFLATED), rsv1=True, masking_key=MASKING_KEY)
    alone = delay(cast, port)
    with memory() as held, talk_with(cast, port, extensions=OFFER) as talk:
        facts = {"wire": f"{len(bomb):,}", "inflated": f"{INFLATED:,}"}
        (crossed, _) = talk.say(bomb, answers=0)
        beside = delay(cast, port)
        yield Step("bomb", len(bomb) * 500 < INFLATED, (*talk.opened, crossed), facts)
        (_, crossed) = talk.say(answers=1)
        opcode, body = talk.heard[0]
        refused = opcode == CLOSE and body[:2] == CloseCode.MESSAGE_TOO_BIG.to_bytes(2)
        came_out = refused if cast.defended else body == f"{INFLATED} bytes".encode()
        bars = drawn([("on the wire", len(bomb), "B"), ("memory, at most", held(), "B")])
        yield Step("answer", came_out, (crossed,), {"drawn": f"{bars}\n{delays(alone, beside)}"})


LAB = Lab("bomb", "§10.4", 5, play)


def compressed(size: int) -> bytes:
    """`size` zeros as the payload of a compressed message (RFC 7692 §7.2.1)."""
    compressor = zlib.compressobj(9, wbits=-15)
    data = compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(b"\x00\x00\xff\xff")
