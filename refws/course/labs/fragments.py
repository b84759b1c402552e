"""RFC 6455 §5.4: a message may come in several frames, and a frame in several reads.

The dialogue is one that many articles tell: "hello", then "and a happy new year!" in three frames.
The cast: a client, and a server that puts frames together; or a server that takes the bytes of one
read for a frame, and each frame for a message.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, CONT, LENGTH, PING, PONG, TEXT, encode_frame
from ...protocol.handshake import accept_key
from ...protocol.heads import read_request
from ...protocol.masking import mask
from ..services import HELLO, NEW_YEAR, dialogue
from .cast import Cast, no_log
from .key import switching
from .story import Crossed, Lab, Step
from .talk import Talk, masked, talk_with

AND_A = masked(TEXT, b"and a ", fin=False)
HAPPY_NEW = masked(CONT, b"happy new ", fin=False)
YEAR = masked(CONT, b"year!")

LOST_AFTER = 3
"""Bytes after which it is clear that the server which reads once for each frame is lost."""


def play(cast: Cast) -> Iterator[Step]:
    """One frame, three frames, a Ping in between, one byte at a time, two messages at once."""
    good = cast.defended
    port = (
        cast.websocket(dialogue, logger=no_log())
        if good
        else cast.host(takes_each_read_for_a_message)
    )
    hello, new_year = (TEXT, HELLO.encode()), (TEXT, NEW_YEAR.encode())

    with talk_with(cast, port) as talk:
        crossed = talk.say(masked(TEXT, b"hello"), answers=1)
        yield Step("one frame", talk.heard == [hello], crossed)

        crossed = in_turn(talk, [AND_A, HAPPY_NEW, YEAR], good)
        yield Step("three frames", (new_year in talk.heard) is good, crossed)

        crossed = in_turn(talk, [AND_A, masked(PING, b"alive?"), HAPPY_NEW + YEAR], good, 2)
        came_out = (talk.heard == [(PONG, b"alive?"), new_year]) is good
        yield Step("ping in between", came_out, crossed)

    with talk_with(cast, port) as talk:
        one_by_one = [bytes([byte]) for byte in AND_A + HAPPY_NEW + YEAR]
        crossed = in_turn(talk, one_by_one if good else one_by_one[:LOST_AFTER], good)
        yield Step("byte by byte", (talk.heard == [new_year]) is good, crossed)

    with talk_with(cast, port) as talk:
        crossed = in_turn(talk, [AND_A, masked(TEXT, b"hello")], good)
        refused = [(opcode, body[:2]) for opcode, body in talk.heard] == [
            (CLOSE, CloseCode.PROTOCOL_ERROR.to_bytes(2))
        ]
        yield Step("two messages", refused is good, crossed)


LAB = Lab("fragments", "§5.4", 10, play)


def in_turn(talk: Talk, frames: list[bytes], good: bool, answers: int = 1) -> tuple[Crossed, ...]:
    """Send frames. The server that takes each for a message answers each before the next is sent,
    so that its reads have no choice.
    """
    if good:
        return talk.say(*frames, answers=answers)
    heard: list[tuple[int, bytes]] = []
    crossed: list[Crossed] = []
    for frame in frames:
        crossed += talk.say(frame, answers=1)
        heard += talk.heard
    talk.heard = heard
    return tuple(crossed)


def takes_each_read_for_a_message(sock: socket.socket) -> None:
    """NOT to be copied: no FIN, no opcode, one read for one frame, as in many first servers."""
    with sock.makefile("rb") as file:
        request = read_request(file)
    sock.sendall(switching(accept_key(request.headers["Sec-WebSocket-Key"])))
    while data := sock.recv(4096):
        payload = mask(data[6 : 6 + (data[1] & LENGTH)], data[2:6]) if len(data) > 6 else b""
        answer = HELLO if payload == b"hello" else f"What is {payload.decode(errors='replace')!r}?"
        sock.sendall(encode_frame(TEXT, answer.encode()))
