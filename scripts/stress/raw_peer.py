"""A peer of bytes, client or server: it talks legally, and then dies as its plan says.

One thread does all, on a socket that never blocks: no thread of the peer can be in the way.
"""

from __future__ import annotations

import os
import random
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any

from refws import Side
from scripts.shared import client_wire
from scripts.shared.client_wire import BINARY, CLOSE, FIN, PING, PONG, TEXT
from scripts.shared.figures import wait_until
from scripts.stress.actors import choose_message, pieces
from scripts.stress.journal import Journal
from scripts.stress.messages import Form, Message
from scripts.stress.plans import SILENCE, Ending
from scripts.stress.wire import CONT, DATA, END_OF_HEAD, Frame, frame_at

MOST_WAITING = 200_000
"""Bytes that wait to be sent; above it no new message is made."""

LOOK_S = 0.01
CLOSED_WITHIN_S = 8.0
"""Seconds after which the peer gives up waiting for the other side to end TCP."""

SILENT_S = 12.0
"""Seconds for which a silent peer stays, unless the other side says before that it is CLOSED."""

PIECES = (65_536, 65_536, 65_536, 1000, 7, 3, 1)
"""Bytes to send at once: small pieces end inside headers."""

SENDER = 0
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing the socket sends a RST."""


HALF = 1000
"""Bytes of the payload of the frame that breaks off."""


def as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


class RawPeer:
    """One thread uses it. `sock` is connected, with any TLS handshake done.

    `is_over` says whether the other side reports the end.
    """

    def __init__(
        self,
        journal: Journal,
        side: Side,
        sock: socket.socket,
        source: random.Random,
        path: str,
        is_over: Callable[[], bool],
    ) -> None:
        self.journal = journal
        self.path = path
        self.is_over = is_over
        self.side = side
        self.sock = sock
        self.source = source
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.has_ended = False
        self.message: tuple[int, bytearray] | None = None
        self.number = 0
        self.closed = False
        self.piece = 0

    # Opening handshake

    def open(self, address: Any) -> bool:
        """§4, either side; client_wire.WireError if the other side does not play its part."""
        if self.side is Side.CLIENT:
            host, port = address if isinstance(address, tuple) else ("localhost", 80)
            self.sock.sendall(client_wire.request(f"/{self.path}", host, port))
            client_wire.check_response(client_wire.read_head(self.sock))
        else:
            head = client_wire.read_head(self.sock).decode("latin-1")
            key = next(
                line.split(":")[1].strip()
                for line in head.split("\r\n")
                if line.lower().startswith("sec-websocket-key:")
            )
            accept = client_wire.accept_value(key)
            self.sock.sendall(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            )
        self.journal.tap(self.side, self.side.peer, END_OF_HEAD)
        self.sock.setblocking(False)
        return True

    # Frames

    def frame(self, opcode: int, payload: bytes, fin: bool = True) -> bytes:
        is_client = self.side is Side.CLIENT
        header = client_wire.header(opcode, len(payload), is_client)
        header = bytes([header[0] & 0x7F | fin * FIN]) + header[1:]
        if not is_client:
            return header + payload
        key = os.urandom(4)
        return header + key + client_wire.masked(payload, key)

    def make_message(self) -> None:
        """The frames of a whole message, with Pings in between, appended to what goes out."""
        message = choose_message(self.source, self.side, SENDER, self.number)
        self.number += 1
        parts = [as_bytes(part) for part in pieces(message, self.source)]
        if message.form is Form.WHOLE:
            parts = [b"".join(parts)]
        opcode = TEXT if message.is_text else BINARY
        for i, part in enumerate(parts):
            self.outgoing += self.frame(opcode if i == 0 else CONT, part, i == len(parts) - 1)
            if self.source.random() < 0.1:
                self.outgoing += self.frame(PING, self.source.randbytes(4))
        self.journal.sent(self.side, message)

    def take_frames(self) -> None:
        start = 0
        while (frame := frame_at(self.incoming, start)) is not None:
            start = frame.end
            self.take(frame)
        del self.incoming[:start]

    def take(self, frame: Frame) -> None:
        if frame.opcode == PING and not self.closed:
            self.outgoing += self.frame(PONG, frame.payload)
        elif frame.opcode == CLOSE and not self.closed:
            self.closed = True
            self.outgoing += self.frame(CLOSE, frame.payload[:2])
        elif frame.opcode in DATA:
            if frame.opcode != CONT or self.message is None:
                self.message = (frame.opcode, bytearray())
            self.message[1].extend(frame.payload)
            if frame.fin:
                self.note(*self.message)
                self.message = None

    def note(self, opcode: int, payload: bytearray) -> None:
        try:
            content: str | bytes = payload.decode() if opcode == TEXT else bytes(payload)
        except UnicodeDecodeError:
            content = bytes(payload)
        self.journal.received(self.side, content)

    # Bytes

    def look(self, sends: bool = True) -> None:
        """Send what fits, take what has arrived; wait a moment for either."""
        wants = [self.sock] if sends and self.outgoing else []
        select.select([self.sock], wants, [], LOOK_S)
        try:
            if wants:
                self.send()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.outgoing.clear()
        self.receive()

    def send(self) -> None:
        """Send a piece. One that did not fit is tried again in full, because OpenSSL wants that."""
        self.piece = self.piece or self.source.choice(PIECES)
        del self.outgoing[: self.sock.send(self.outgoing[: self.piece])]
        self.piece = 0

    def receive(self) -> None:
        try:
            while not self.has_ended:
                data = self.sock.recv(65536)
                self.has_ended = not data
                self.journal.tap(self.side, self.side.peer, data)
                self.incoming += data
                self.take_frames()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.has_ended = True

    # Life and death

    def talk(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.has_ended and not self.closed:
            if len(self.outgoing) < MOST_WAITING:
                self.make_message()
            self.look()

    def wait_for_the_end(self) -> None:
        until = time.monotonic() + CLOSED_WITHIN_S
        while time.monotonic() < until and not self.has_ended:
            self.look()

    def end(self, ending: Ending | None) -> None:
        """Die as planned, if the other side has not ended the connection before."""
        if ending is not None and not self.closed and not self.has_ended:
            self.flush()
        if ending is not None and not self.closed and not self.has_ended:
            self.journal.cause(self.side, ending.what, *self.close_of(ending))
            self.die(ending)
        if not self.has_ended:
            self.wait_for_the_end()

    def close_of(self, ending: Ending) -> tuple[int | None, str]:
        if ending.what in ("raw close", "raw close and silence"):
            return ending.code, ending.reason
        return (1002, "§") if ending.what == "illegal frame" else (None, "")

    def flush(self) -> None:
        """What is written down as sent has left."""
        until = time.monotonic() + CLOSED_WITHIN_S
        while self.outgoing and not self.has_ended and time.monotonic() < until:
            self.look()

    def die(self, ending: Ending) -> None:
        broken = Message(self.side, SENDER, self.number, Form.BROKEN, False, HALF)
        half = self.frame(BINARY, as_bytes(broken.content))[: self.source.randrange(1, HALF)]
        self.closed = True  # no Pong follows, least of all into the half of a frame
        if ending.what == "reset":
            self.reset(half if self.source.random() < 0.5 else b"")
        elif ending.what in ("raw close", "raw close and silence"):
            body = ending.code.to_bytes(2, "big") + ending.reason.encode()
            self.outgoing += self.frame(CLOSE, body)
            if ending.what == "raw close and silence":
                self.flush()
                self.stay_silent()
        elif ending.what == "illegal frame":
            self.outgoing += b"\x83" + self.frame(BINARY, b"reserved opcode")[1:]
        elif ending.what == SILENCE:
            self.outgoing += half
            self.flush()
            self.stay_silent()
        else:
            self.outgoing += half if ending.what == "half a frame and fin" else b""
            self.flush()
            self.half_close()

    def reset(self, half: bytes) -> None:
        self.outgoing += half
        self.look()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.close()
        self.has_ended = True

    def stay_silent(self) -> None:
        """Neither read nor write nor end TCP, until the other side has given up."""
        wait_until(self.is_over, SILENT_S)
        self.has_ended = True

    def half_close(self) -> None:
        """A FIN. Nothing is sent afterwards, not even a Pong; what arrives is still read."""
        self.outgoing.clear()
        try:
            if isinstance(self.sock, ssl.SSLSocket):  # its own `shutdown` would end reading, too
                raw = socket.socket(fileno=os.dup(self.sock.fileno()))
                with raw:
                    raw.shutdown(socket.SHUT_WR)
            else:
                self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.has_ended = True
