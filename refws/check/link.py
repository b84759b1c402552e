"""One connection to the endpoint under test: bytes out, bytes in, and what both said, timed."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from time import monotonic
from typing import NamedTuple, Self

from ..protocol.frame import Header, Side, read_header
from ..protocol.masking import mask
from .seen import End

RECEIVE_SIZE = 64 * 1024

KEPT_AT_THE_END = 100
"""Parts of what arrives after the last step that are kept: an endpoint may send without end."""

LONGEST_HEADER = 14
"""Bytes of a header with a 64-bit length and a masking key (§5.2)."""


class Crossed(NamedTuple):
    """Bytes that one side sent, `seconds` after the connection was made; none for its end."""

    seconds: float
    sender: Side
    data: bytes


class Frame(NamedTuple):
    """A frame as it arrived, with its payload unmasked, and its key; b"" if it has none."""

    header: Header
    payload: bytes
    key: bytes


class Link:
    """For one thread. `side` is ours. No method raises an error of the socket: see `end`."""

    def __init__(self, sock: socket.socket, side: Side) -> None:
        self._sock = sock
        self._side = side
        self._started = monotonic()
        self._can_send = True
        self._was_reset = False
        self.crossed: list[Crossed] = []
        self.end = End.OPEN

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._sock.close()

    def send(self, data: bytes, timeout: float) -> None:
        """Send all of it; the part that the endpoint does not take within `timeout` is lost.

        A send that breaks leaves what has arrived to be read: a Close may be there.
        """
        if not self._can_send:
            return
        self._note(self._side, data)
        try:
            self._sock.settimeout(timeout)
            self._sock.sendall(data)
        except OSError as error:  # BrokenPipeError if the endpoint has ended TCP in good order
            self._can_send = False
            self._was_reset = isinstance(error, ConnectionResetError)

    def half_close(self) -> None:
        """End our direction of TCP, below TLS."""
        self._note(self._side, b"")
        self._can_send = False
        with suppress(OSError):  # it is reset already: `receive` reports that
            # SSLSocket.shutdown would end TLS in both directions.
            socket.socket.shutdown(self._sock, socket.SHUT_WR)

    def reset_when_closed(self) -> None:
        """Make the end of this connection a RST: what a process that is killed may leave."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def receive(self, timeout: float) -> bytes:
        """What arrives next; b"" at the end, and after `timeout` seconds without anything."""
        if self.end is not End.OPEN:
            return b""
        try:
            self._sock.settimeout(max(timeout, 0.001))
            data = self._sock.recv(RECEIVE_SIZE)
        except TimeoutError:
            return b""
        except ssl.SSLEOFError:  # a server that just ends TCP, without the close of TLS
            data = b""
        except OSError:
            self._was_reset, data = True, b""
        self._note(self._side.peer, data)
        if not data:
            self.end = End.RESET if self._was_reset else End.FIN
        return data

    def finish(self, timeout: float) -> None:
        """End TCP so that the last bytes reach the endpoint: wait for its end, but not for long.

        To close with unread bytes sends a RST, which can take them away (§7.1.1).
        """
        self.half_close()
        until, kept = monotonic() + timeout, len(self.crossed) + KEPT_AT_THE_END
        while self.end is End.OPEN and (left := until - monotonic()) > 0:
            self.receive(left)
            del self.crossed[kept:]

    def _note(self, sender: Side, data: bytes) -> None:
        self.crossed.append(Crossed(monotonic() - self._started, sender, data))


class Inbox:
    """Bytes, cut anywhere -> frames. `masked` is what §5.1 asks of their sender."""

    def __init__(self, masked: bool) -> None:
        self._masked = masked
        self._buffer = bytearray()

    def frames(self, data: bytes) -> Iterator[Frame]:
        """The frames that these next bytes complete. ProtocolError for a header that is illegal."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        file = BytesIO(self._buffer[:LONGEST_HEADER])
        try:
            header = read_header(file, self._masked, rsv1_defined=True)
        except EOFError:
            return None
        start = file.tell() + (4 if header.masked else 0)
        end = start + header.payload_length
        if len(self._buffer) < end:
            return None
        key, payload = bytes(self._buffer[file.tell() : start]), bytes(self._buffer[start:end])
        del self._buffer[:end]
        return Frame(header, mask(payload, key) if key else payload, key)
