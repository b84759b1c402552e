"""RFC 6455 §5: a small model of the frames on the wire, to judge the bytes that one side sends.

It shares no code with refws, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from scripts.shared.client_wire import BINARY, CLOSE, PING, PONG, TEXT, masked

CONT = 0x0
DATA, CONTROL = (CONT, TEXT, BINARY), (CLOSE, PING, PONG)
END_OF_HEAD = b"\r\n\r\n"


@dataclasses.dataclass(frozen=True)
class Frame:
    """A whole frame. `start` and `end` are offsets of its bytes; `payload` is unmasked."""

    start: int
    end: int
    fin: bool
    rsv: int
    opcode: int
    is_masked: bool
    is_shortest: bool
    payload: bytes

    @property
    def close_code(self) -> int:
        return int.from_bytes(self.payload[:2], "big") if self.payload else 1005

    @property
    def close_reason(self) -> str:
        return self.payload[2:].decode(errors="backslashreplace")


def frame_at(data: bytes | bytearray, start: int) -> Frame | None:
    """The frame that begins there; None if it is not whole."""
    if len(data) < start + 2:
        return None
    first, second = data[start], data[start + 1]
    length, at = second & 0x7F, start + 2
    extended = {126: 2, 127: 8}.get(length, 0)
    if extended:
        if len(data) < at + extended:
            return None
        length = int.from_bytes(data[at : at + extended], "big")
        at += extended
    shortest = length >= {0: 0, 2: 126, 8: 1 << 16}[extended]
    is_masked = second >= 0x80
    key = bytes(data[at : at + 4]) if is_masked else b""
    at += len(key) if len(key) == 4 or not is_masked else 4
    if len(data) < at + length:
        return None
    payload = bytes(data[at : at + length])
    if is_masked:
        payload = masked(payload, key)
    fin, rsv, opcode = first >= 0x80, first >> 4 & 7, first & 0xF
    return Frame(start, at + length, fin, rsv, opcode, is_masked, shortest, payload)


def frames(data: bytes, start: int = 0) -> Iterator[Frame]:
    """The whole frames, in order."""
    while (frame := frame_at(data, start)) is not None:
        yield frame
        start = frame.end


def after_head(data: bytes) -> int | None:
    """Where the first frame begins, after the head of the opening handshake; None if nowhere."""
    found = data.find(END_OF_HEAD)
    return None if found < 0 else found + len(END_OF_HEAD)


@dataclasses.dataclass(frozen=True)
class Direction:
    """What one side has sent: its frames, and what is illegal in them."""

    faults: tuple[str, ...] = ()
    close: Frame | None = None
    in_message: bool = False
    """Whether a message was not finished at the Close, or at the end."""


def judge(data: bytes, is_client: bool, deflate: bool) -> Direction:
    """The bytes of one side, from the opening handshake to the end, which may cut a frame."""
    start = after_head(data)
    if start is None:
        return Direction()
    faults: list[str] = []
    close: Frame | None = None
    in_message = False
    for frame in frames(data, start):
        wrong = list(faults_of(frame, is_client, deflate, in_message, close is not None))
        faults += [f"{text}; frame at byte {frame.start}, opcode {frame.opcode}" for text in wrong]
        if close is None and frame.opcode in DATA:
            in_message = not frame.fin
        if close is None and frame.opcode == CLOSE:
            close = frame
    return Direction(tuple(faults), close, in_message)


def faults_of(
    frame: Frame, is_client: bool, deflate: bool, in_message: bool, closed: bool
) -> Iterator[str]:
    """§5.1 to §5.5; a Pong after the own Close is legal (§5.5.2), all else is not (§5.5.1)."""
    if frame.is_masked is not is_client:
        yield "§5.1: wrong MASK bit"
    if frame.rsv and not (deflate and frame.rsv == 4 and frame.opcode in (TEXT, BINARY)):
        yield "§5.2: RSV bits"
    if frame.opcode not in (*DATA, *CONTROL):
        yield "§5.2: reserved opcode"
    if not frame.is_shortest:
        yield "§5.2: not the shortest length"
    if frame.opcode in CONTROL and (not frame.fin or len(frame.payload) > 125):
        yield "§5.5: control frame in fragments, or above 125 bytes"
    if frame.opcode in (TEXT, BINARY) and in_message:
        yield "§5.4: a message begins inside another one"
    if frame.opcode == CONT and not in_message:
        yield "§5.4: a continuation of nothing"
    if closed and frame.opcode != PONG:
        yield "§5.5.1: something follows the Close"
