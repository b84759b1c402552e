"""RFC 6455 §4.1 item 5, §4.2.2 item 1, §10.6: TLS between the frames and the socket.

Why memory buffers and not `SSLContext.wrap_socket`: one OpenSSL object must never be read and
written at the same time, but here one thread waits for bytes while others send. Versions of CPython
differ in how an `SSLSocket` protects itself: without a lock data were lost, and with a lock a
reader that waits blocked the writers. So OpenSSL gets no socket here, only two buffers in memory:

    socket --recv--> incoming --decrypt--> frames          the thread that reads
    socket <--send-- outgoing <--encrypt-- frames          the thread that writes

- The engine's lock is held for each call on the OpenSSL object. Such a call moves bytes in memory
  and never waits.
- `recv` waits outside that lock, so a reader that waits blocks no writer.
- Ciphertext enters `outgoing` in the order of its records, under the engine's lock. The thread that
  holds the lock of `outgoing` takes ciphertext out and passes it to the socket before it releases
  the lock. So records arrive in the order in which they were made.
- Reading makes ciphertext, too: key updates, alerts. The reader never waits for the lock of
  `outgoing`, because a blocked writer may hold it. Then the reader leaves its bytes in `outgoing`,
  and the writer looks there again after it has released the lock.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from contextlib import suppress
from socket import socket
from typing import Any, cast

from ...protocol.frame import Side
from ..reader import AT_ONCE, READ_BUFFER, RawReader, SocketReader, StreamTap
from ..stream import WRITE_CHUNK, LaterTap, Stream
from ..timers import Timers
from .engine import Engine
from .outgoing import Outgoing

RECEIVE_SIZE = 64 * 1024
"""Bytes to receive at once after the first ones. An idle connection holds only a small buffer."""

MAX_UNSENT = 4 * WRITE_CHUNK
"""Bytes of ciphertext that may wait: one chunk of a writer, and the answers of TLS itself."""

LINGER = 1.0
"""Seconds that the peer has to read the alert of a TLS handshake that failed."""

SECTIONS = {Side.CLIENT: "§4.1 item 5", Side.SERVER: "§4.2.2 item 1"}


class TLSReader(RawReader):
    """The raw file under the read buffer: the bytes of `received`, decrypted. For one thread."""

    __slots__ = {
        "tap": "Gets all that arrives, decrypted. Written by any thread.",
        "_received": "The raw file that reads from the socket.",
        "_engine": "Decrypts.",
        "_outgoing": "Takes the answers that TLS itself makes.",
    }

    def __init__(self, received: SocketReader, engine: Engine, outgoing: Outgoing) -> None:
        self.tap: StreamTap | None = None
        self._received = received
        self._engine = engine
        self._outgoing = outgoing

    def readinto(self, buffer: Any) -> int | None:
        """The number of bytes decrypted, 0 at the end; None if none arrived by the deadline."""
        size = len(buffer)
        while (count := self._decrypt_into(buffer)) is None:
            if not self.receive(size):
                return None
            size = RECEIVE_SIZE if size == READ_BUFFER else size
        tap = self.tap
        if tap is not None and self._received.deadline != AT_ONCE:
            tap(False, bytes(memoryview(buffer)[:count]))
        return count

    def _decrypt_into(self, buffer: Any) -> int | None:
        try:
            return self._engine.decrypt_into(buffer)
        finally:
            self._send_answers()

    def _send_answers(self) -> None:
        """Send the answers of TLS itself, or leave them to the next write; reads find errors."""
        if not self._outgoing.size:
            return
        with suppress(OSError):
            self._outgoing.try_send()
        if self._outgoing.size > MAX_UNSENT:
            raise ConnectionAbortedError(
                "the peer makes TLS answer again and again, and does not read the answers"
            )

    def receive(self, size: int = READ_BUFFER) -> bool:
        """Feed the engine with at most `size` bytes. False if none arrive by the deadline."""
        buffer = bytearray(size)
        count = self._received.readinto(buffer)
        if count is not None:
            self._engine.feed(memoryview(buffer)[:count])
        return count is not None


class TLSStream(Stream):
    """A `Stream` whose bytes are encrypted on the wire. Call `handshake` before all else."""

    __slots__ = {
        "_side": "Our end of the connection.",
        "_engine": "The OpenSSL object.",
        "_outgoing": "Ciphertext for the socket.",
        "_decrypted": "The raw file under the read buffer.",
    }

    def __init__(
        self,
        sock: socket,
        timers: Timers,
        write_timeout: float,
        context: ssl.SSLContext,
        side: Side,
        server_hostname: str | None = None,
    ) -> None:
        """A client gives `server_hostname`: it is sent (SNI, §4.1); the certificate must fit it."""
        super().__init__(sock, timers, write_timeout)
        self._side = side
        self._engine = Engine(context, side, server_hostname)
        self._outgoing = Outgoing(self._engine, sock)
        self._decrypted = TLSReader(self.reader, self._engine, self._outgoing)
        self.file = io.BufferedReader(cast(Any, self._decrypted), READ_BUFFER)

    @property
    def version(self) -> str | None:
        """The version of TLS, such as "TLSv1.3"; None before the TLS handshake is done."""
        return self._engine.version

    def set_tap(self, tap: StreamTap | None, later: LaterTap | None = None) -> None:
        """As in `Stream`: it gets the bytes as they are inside TLS."""
        self._tap = self._decrypted.tap = tap
        self._tap_later = later

    def handshake(self) -> None:
        """The TLS handshake, in the thread that reads. Blocks; `abort_at` gives it a deadline.

        OSError if it fails, most often an ssl.SSLError, whose text says what to do. Then the peer
        gets an alert and a second to read it, and the stream can only be closed.
        """
        try:
            while not self._engine.handshake():
                self._send_all()
                self._decrypted.receive()
            self._send_all()
        except ssl.SSLError as error:
            section = SECTIONS[self._side]
            if self.cause:
                seen = f"{section}: the TLS handshake was not done yet"
                raise ConnectionAbortedError(seen) from error
            self._send_alert()
            error.strerror = f"{section}: the TLS handshake failed: {error.strerror}"
            raise

    def _send_alert(self) -> None:
        """Send the alert, and let the peer read it: a reset would destroy it (`Stream.drain`)."""
        with suppress(OSError):
            self._outgoing.try_send()
        super().half_close()
        super().drain(LINGER)

    def write(self, data: bytes, long_data: bytes = b"") -> None:
        """As in `Stream`. One chunk at a time is encrypted, which saves memory."""
        if (tap := self._tap) is not None:
            tap(True, data + long_data)
        try:
            for chunk in chunks(data, long_data):
                self._engine.encrypt(chunk)
                self._send_all()
        except BaseException as error:  # a signal's too: half of a frame may be written
            self.abort(str(error) or "a write was interrupted")
            raise
        self.writes += 1

    def _send_all(self) -> None:
        """Send all ciphertext, the reader's, too; blocks until the system has taken it.

        Waits for the lock, because the reader may just be sending our bytes, and may leave some
        that do not fit.
        """
        again = True
        while again:
            with self._outgoing.lock:
                while not self._outgoing.send_what_fits():
                    self._write_blocking(self._outgoing.take_unsent())
            again = self._outgoing.size > 0

    def try_write(self, data: bytes, in_timer: bool = True) -> bool:
        """True if `data`, at most a control frame, is on its way; False if it does not fit.

        What the system does not take at once is sent before the next write, because a record is
        numbered and cannot be left out. Taps as in `Stream`; OSError on a broken stream.
        """
        if not self.has_room:
            return False
        with self._outgoing.lock:
            if not self._outgoing.send_what_fits():
                return False
            self._show(data, in_timer)
            self._engine.encrypt(data)
            self._outgoing.send_what_fits()
        self._outgoing.try_send()
        self.writes += 1
        return True

    def half_close(self) -> None:
        """As in `Stream`, with a close_notify first: a FIN alone looks as if bytes were missing.

        Never waits. What does not fit is sent, with the FIN, while `drain` reads, or never.
        """
        self._engine.close_notify()
        with suppress(OSError):
            self._outgoing.try_send()
        if not self._outgoing.size:
            super().half_close()

    def drain(self, seconds: float) -> None:
        """As in `Stream`. The peer's close_notify is answered with ours (RFC 8446 §6.1)."""
        self._drain(self._decrypted, seconds)
        self.half_close()


def chunks(data: bytes, long_data: bytes) -> Iterator[memoryview]:
    """Both, cut into chunks. A frame's header is in one chunk with the start of its payload."""
    for part in (memoryview(data + long_data[:WRITE_CHUNK]), memoryview(long_data)[WRITE_CHUNK:]):
        for start in range(0, len(part), WRITE_CHUNK):
            yield part[start : start + WRITE_CHUNK]
