"""RFC 6455 §5: a client of a lab that sends any bytes, and keeps what crossed for the step."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from select import select

from ...protocol.close_codes import CloseCode
from ...protocol.frame import (
    CLOSE,
    LENGTH_16,
    LENGTH_64,
    OPCODE,
    BinaryFile,
    Side,
    encode_frame,
    parse_header,
)
from .browser import opening, read_frame, read_head
from .cast import LOOPBACK, Cast
from .story import Crossed

MASKING_KEY = bytes.fromhex("37fa213d")
"""The key of the example in §5.7. A real client takes a new one for each frame (§5.3)."""


class Talk:
    """An open WebSocket, seen from its client. `opened` has the heads of the opening handshake."""

    def __init__(self, sock: socket.socket, file: BinaryFile, opened: tuple[Crossed, ...]) -> None:
        self.opened = opened
        self.heard: list[tuple[int, bytes]] = []
        """Opcode and payload of each answer to what was said last."""
        self._sock = sock
        self._file = file

    def say(self, *chunks: bytes, answers: int) -> tuple[Crossed, ...]:
        """Send each chunk alone, and read that many frames, fewer only if the stream ends."""
        for chunk in chunks:
            self._sock.sendall(chunk)
        frames = self._read(answers)
        self.heard = [(frame[0] & OPCODE, payload_of(frame)) for frame in frames]
        return (
            Crossed("client to server", b"".join(chunks), Side.CLIENT),
            Crossed("server to client", b"".join(frames), Side.SERVER),
        )

    def was_closed(self, code: CloseCode) -> bool:
        """Whether the only answer was a Close with this code."""
        closes = [(CLOSE, code.to_bytes(2))]
        return [(opcode, body[:2]) for opcode, body in self.heard] == closes

    def hears(self, seconds: float) -> bool:
        """Whether there is something to read: at once, or within these seconds."""
        return bool(select([self._sock], [], [], seconds)[0])

    def _read(self, count: int) -> list[bytes]:
        frames: list[bytes] = []
        try:
            while len(frames) < count:
                frames.append(read_frame(self._file))
        except (EOFError, ConnectionResetError):
            pass
        return frames


@contextmanager
def talk_with(
    cast: Cast, port: int, extensions: str | None = None, source: str = LOOPBACK
) -> Iterator[Talk]:
    """A WebSocket to a server of the lab, which ends with the `with`."""
    with cast.client(port, source) as sock, sock.makefile("rb") as file:
        request = opening(f"{LOOPBACK}:{port}", None, extensions=extensions)
        sock.sendall(request)
        opened = (
            Crossed("client to server", request, Side.CLIENT),
            Crossed("server to client", read_head(file), Side.SERVER),
        )
        yield Talk(sock, file, opened)


def masked(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """A frame of a client."""
    return encode_frame(opcode, payload, fin, masking_key=MASKING_KEY)


def payload_of(frame: bytes) -> bytes:
    """The payload of a whole frame without a mask."""
    header = parse_header(frame[:2])
    start = 2 + {LENGTH_16: 2, LENGTH_64: 8}.get(header.payload_length, 0)
    return frame[start:]
