"""RFC 6455 §5.4: a message may come in several frames, and a frame in several reads.

The dialogue is one that many articles tell: "hello", then "and a happy new year!" in three frames.
The cast: a client, and a server that puts frames together; or a server that takes the bytes of one
read for a frame, and each frame for a message.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from ...protocol.close_codes import CloseCode
from ...protocol.frame import (
    CONT,
    LENGTH,
    LENGTH_16,
    LENGTH_64,
    PING,
    PONG,
    TEXT,
    encode_frame,
    parse_header,
)
from ...protocol.heads import read_request
from ...protocol.http import Request
from ...protocol.masking import mask
from ..services import HELLO, NEW_YEAR, dialogue
from .browser import read_frame
from .cast import LOOPBACK, Cast, no_log
from .site import open_websocket, site
from .story import Crossed, Lab, Step
from .talk import Talk, masked, talk_with

AND_A = masked(TEXT, b"and a ", fin=False)
HAPPY_NEW = masked(CONT, b"happy new ", fin=False)
YEAR = masked(CONT, b"year!")

HEADER_SIZES = {LENGTH_16: 8, LENGTH_64: 14}
"""Of a masked frame, by its length field; others have 6 bytes."""

LONG = 1_000_000
"""Bytes of the message that the page sends. Chromium cuts it into frames."""

PAGE = """<!doctype html><title>sending</title><meta name=viewport content="width=device-width">
<h1>One send(), and the frames that arrive</h1><pre id=frames></pre><script>
const socket = new WebSocket(`ws://${location.host}/`);
socket.onopen = () => socket.send("a".repeat(LONG));
socket.onmessage = (event) => {
  document.querySelector("#frames").textContent = event.data;
  document.title = "arrived";
};
</script>
""".replace("LONG", str(LONG))

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
        refused = talk.was_closed(CloseCode.PROTOCOL_ERROR)
        yield Step("two messages", refused is good, crossed)

    port = cast.host(site({"/": PAGE}, upgraded=tells_the_frames))
    with talk_with(cast, port) as talk:
        crossed = talk.say(AND_A, HAPPY_NEW, YEAR, answers=1)
        expected = [(TEXT, b"text 6\ncontinuation 10\ncontinuation 5, FIN")]
        page = f"http://{LOOPBACK}:{port}/"
        yield Step("browser", talk.heard == expected, crossed, {"page": page, "size": f"{LONG:,}"})


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


def tells_the_frames(sock: socket.socket, asked: Request) -> None:
    """It answers a message with a line for each of its frames."""
    open_websocket(sock, asked)
    frames: list[str] = []
    with sock.makefile("rb") as file:
        while not frames or not frames[-1].endswith("FIN"):
            frame = read_frame(file, masked=True)
            header = parse_header(frame[:2])
            size = len(frame) - HEADER_SIZES.get(header.payload_length, 6)
            name = "text" if header.opcode == TEXT else "continuation"
            frames.append(f"{name} {size:,}{', FIN' if header.fin else ''}")
        sock.sendall(encode_frame(TEXT, "\n".join(frames).encode()))
        file.read(1)  # until the page ends


def takes_each_read_for_a_message(sock: socket.socket) -> None:
    """NOT to be copied: no FIN, no opcode, one read for one frame, as in many first servers."""
    with sock.makefile("rb") as file:
        request = read_request(file)
    open_websocket(sock, request)
    while data := sock.recv(4096):
        payload = mask(data[6 : 6 + (data[1] & LENGTH)], data[2:6]) if len(data) > 6 else b""
        answer = HELLO if payload == b"hello" else f"What is {payload.decode(errors='replace')!r}?"
        sock.sendall(encode_frame(TEXT, answer.encode()))
