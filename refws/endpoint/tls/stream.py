"""RFC 6455 §4.1 item 5, §4.2.2 item 1, §10.6: TLS between the frames and the socket, for two
threads at once.

Why memory buffers and not `SSLContext.wrap_socket`: one OpenSSL object must never be read and
written at the same time, but here one thread waits for bytes while others send. How far an
`SSLSocket` guards itself against that has changed from one CPython to the next: without a lock
requests got lost, with one a waiting reader held up the writers. So OpenSSL sees no socket here,
only two pieces of memory:

    socket --recv--> incoming --decrypt--> frames          the thread that reads
    socket <--send-- outgoing <--encrypt-- frames          the thread that writes

- A small lock is held for each call on the OpenSSL object; such a call moves bytes in memory and
  never waits.
- `recv` waits outside that lock, so a reader that waits holds up nobody.
- Ciphertext enters `outgoing` in its order under the small lock. Whoever has the turn to send takes
  it from there and gives it to the socket before the next one has the turn: so records arrive in
  the order in which they were made.
- Reading makes ciphertext too: key updates, alerts. The reader never waits for the turn. If a
  writer has it, which may be blocked, the reader leaves its bytes in `outgoing`: after each turn
  one looks there again.
"""

from __future__ import annotations

import io
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from selectors import EVENT_WRITE
from socket import socket
from time import monotonic
from typing import Any, cast

from ...protocol.frame import Side
from ..stream import (
    DONT_WAIT,
    READ_BUFFER,
    WRITE_PIECE,
    RawReader,
    Selector,
    SocketReader,
    Stream,
    Watch,
)
from ..timers import Timers
from .engine import Engine

RECEIVE_SIZE = 64 * 1024
"""Bytes to receive at once after the first ones; while nothing comes, a connection holds only a
small buffer.
"""

MAX_UNSENT = 4 * WRITE_PIECE
"""Bytes of ciphertext that may wait. A writer makes one piece at a time; all above that are answers
of the reader.
"""

LINGER = 1.0
"""Seconds that the peer has for reading the alert of a TLS handshake that failed."""

SMALL_RECORD = 512
"""Bytes that a socket takes at once if it takes any, where the system cannot be asked; a control
frame is smaller.
"""

SECTIONS = {Side.CLIENT: "§4.1 item 5", Side.SERVER: "§4.2.2 item 1"}


class Outgoing:
    """Ciphertext on its way to the socket. `turn` belongs to the one thread that sends.

    Only who may wait for the peer keeps the turn while blocked: a writer, under the connection's
    write lock, or the TLS handshake. So whoever else has that lock waits for the turn no longer
    than a send without waiting takes.
    """

    __slots__ = ("turn", "_engine", "_sock", "_unsent")

    def __init__(self, engine: Engine, sock: socket) -> None:
        self.turn = threading.Lock()
        self._engine = engine
        self._sock = sock
        self._unsent = memoryview(b"")

    @property
    def size(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._unsent) + self._engine.pending

    def send_what_fits(self) -> bool:
        """True if nothing waits any more, False if the socket is full. Never waits; only for who
        has the turn.
        """
        while self._next():
            sent = send_what_fits(self._sock, self._unsent)
            self._unsent = self._unsent[sent:]
            if self._unsent:
                return False
        return True

    def _next(self) -> memoryview:
        if not self._unsent:
            self._unsent = memoryview(self._engine.take())
        return self._unsent

    def take_unsent(self) -> memoryview:
        """The bytes that did not fit, for who has the turn and sends them himself."""
        unsent, self._unsent = self._unsent, memoryview(b"")
        return unsent

    def try_send(self) -> None:
        """Send what fits, unless another thread has the turn: that one looks again after it. Never
        waits.
        """
        while self.size and self.turn.acquire(blocking=False):
            try:
                if not self.send_what_fits():
                    return
            finally:
                self.turn.release()


class TLSReader(RawReader):
    """The raw file below the read buffer: what `received` gives, decrypted. For one thread at a
    time.
    """

    __slots__ = ("deadline", "ended", "watch", "_received", "_engine", "_outgoing")

    def __init__(self, received: SocketReader, engine: Engine, outgoing: Outgoing) -> None:
        self.deadline: float | None = None
        self.ended = False
        self.watch: Watch | None = None
        self._received = received
        self._engine = engine
        self._outgoing = outgoing

    def readinto(self, buffer: Any) -> int | None:
        """Bytes decrypted, 0 at the end of the stream; None if there were none by the deadline."""
        size = READ_BUFFER
        while (count := self._decrypt_into(buffer)) is None:
            if not self.receive(size):
                return None
            size = RECEIVE_SIZE
        self.ended = count == 0
        if self.watch is not None:
            self.watch(False, bytes(memoryview(buffer)[:count]))
        return count

    def _decrypt_into(self, buffer: Any) -> int | None:
        try:
            return self._engine.decrypt_into(buffer)
        finally:
            self._send_answers()

    def _send_answers(self) -> None:
        """What cannot be sent now goes with the next write, and a broken stream is noticed by
        reading from it.
        """
        if not self._outgoing.size:
            return
        with suppress(OSError):
            self._outgoing.try_send()
        if self._outgoing.size > MAX_UNSENT:
            raise ConnectionAbortedError(
                "the peer makes TLS answer again and again, and does not read the answers"
            )

    def receive(self, size: int = READ_BUFFER) -> bool:
        """Feed the engine with what comes next, at most `size` bytes. False if nothing came by the
        deadline.
        """
        buffer = bytearray(size)
        self._received.patience = None if self.deadline is None else self.deadline - monotonic()
        try:
            count = self._received.readinto(buffer)
        finally:
            self._received.patience = None
        if count is not None:
            self._engine.feed(memoryview(buffer)[:count])
        return count is not None


class TLSStream(Stream):
    """A `Stream` whose bytes are encrypted on the wire. Call `handshake` before anything is read or
    written.
    """

    __slots__ = ("_side", "_engine", "_outgoing", "_decrypted")

    def __init__(
        self,
        sock: socket,
        timers: Timers,
        write_timeout: float,
        context: ssl.SSLContext,
        side: Side,
        server_hostname: str | None = None,
    ) -> None:
        """A client names the server with `server_hostname`: it is sent (SNI, §4.1), and the
        certificate must fit it.
        """
        super().__init__(sock, timers, write_timeout)
        self._side = side
        self._engine = Engine(context, side, server_hostname)
        self._outgoing = Outgoing(self._engine, sock)
        self._decrypted = TLSReader(self._reader, self._engine, self._outgoing)
        self.file = io.BufferedReader(cast(Any, self._decrypted), READ_BUFFER)

    @property
    def version(self) -> str | None:
        """Such as "TLSv1.3"; None before the TLS handshake is done."""
        return self._engine.version

    def watch(self, function: Watch | None) -> None:
        """As in `Stream`: it is told the bytes as they are inside TLS."""
        self._watch = self._decrypted.watch = function

    def handshake(self) -> None:
        """The TLS handshake, in the thread that reads. Blocks until it is done; `abort_at` gives it
        a deadline.

        OSError if it fails, most often an ssl.SSLError, whose text says what to do. The peer gets
        an alert then and has a second to read it. Nothing else can be done with the stream then but
        `close`.
        """
        try:
            while not self._engine.handshake():
                self._send_all()
                self._decrypted.receive()
            self._send_all()
        except ssl.SSLError as error:
            section = SECTIONS[self._side]
            if self.cause:
                raise ConnectionAbortedError(
                    f"{section}: the TLS handshake was not done yet"
                ) from error
            self._send_alert()
            error.strerror = f"{section}: the TLS handshake failed: {error.strerror}"
            raise

    def _send_alert(self) -> None:
        """Closing with bytes unread makes TCP send a reset, which can destroy the alert (as in
        `Stream.drain`).
        """
        with suppress(OSError):
            self._outgoing.try_send()
        super().half_close()
        super().drain(LINGER)

    def wait_readable(self, seconds: float) -> bool:
        """As in `Stream`; bytes that are no data yet, such as half a record or a session ticket, do
        not count.
        """
        self._decrypted.deadline = monotonic() + seconds
        try:
            return bool(self.file.peek(1)) or self._decrypted.ended
        finally:
            self._decrypted.deadline = None

    def write(self, data: bytes, long_data: bytes = b"") -> None:
        """As in `Stream`. Encrypted piece by piece, so that no more than a piece of ciphertext is
        in memory.
        """
        if self._watch is not None:
            self._watch(True, data + long_data)
        for piece in pieces(data, long_data):
            self._engine.encrypt(piece)
            self._send_all()
        self.writes += 1

    def _send_all(self) -> None:
        """All ciphertext, also that of the reader; blocks until the system has taken it.

        The turn is always waited for, as the reader may just be sending our bytes, and leave what
        does not fit.
        """
        again = True
        while again:
            with self._outgoing.turn:
                while not self._outgoing.send_what_fits():
                    self._write_blocking(self._outgoing.take_unsent())
            again = self._outgoing.size > 0

    def try_write(self, data: bytes) -> bool:
        """True if the system has taken all of `data`, at most a control frame; OSError on a broken
        stream.

        False if the peer does not read: either nothing was done, as earlier ciphertext still waits,
        or `data` itself waits now. It cannot be taken back, as the records are numbered, and is
        sent before whatever is written next.
        """
        if self._watch is not None:
            self._watch(True, data)
        with self._outgoing.turn:
            fits = self._outgoing.send_what_fits()
            if fits:
                self._engine.encrypt(data)
                fits = self._outgoing.send_what_fits()
        self._outgoing.try_send()
        if fits:
            self.writes += 1
        return fits

    def half_close(self) -> None:
        """As in `Stream`, and a close_notify before the FIN, which alone would look like a cut.
        Never waits.

        What does not fit, and the FIN behind it, goes out while `drain` reads, or not at all.
        """
        self._engine.close_notify()
        with suppress(OSError):
            self._outgoing.try_send()
        if not self._outgoing.size:
            super().half_close()

    def drain(self, seconds: float) -> None:
        """As in `Stream`. The end may be the peer's close_notify, which is answered with ours (RFC
        8446 §6.1).
        """
        deadline = self.abort_at(monotonic() + seconds)
        scratch = bytearray(READ_BUFFER)
        try:
            while self._decrypted.readinto(scratch):
                pass
        except OSError:
            pass
        finally:
            deadline.cancel()
        self.half_close()


def pieces(data: bytes, long_data: bytes) -> Iterator[memoryview]:
    """Both, cut into pieces; a frame's header and the start of its payload share a piece, and so a
    record.
    """
    for part in (memoryview(data + long_data[:WRITE_PIECE]), memoryview(long_data)[WRITE_PIECE:]):
        for start in range(0, len(part), WRITE_PIECE):
            yield part[start : start + WRITE_PIECE]


def send_what_fits(sock: socket, data: memoryview) -> int:
    """Bytes that the system took without waiting; 0 if none."""
    if DONT_WAIT is None:
        return sock.send(data[:SMALL_RECORD]) if is_writable(sock) else 0
    try:
        return sock.send(data, DONT_WAIT)
    except BlockingIOError:
        return 0


def is_writable(sock: socket) -> bool:
    with Selector() as selector:
        selector.register(sock, EVENT_WRITE)
        return bool(selector.select(0))
