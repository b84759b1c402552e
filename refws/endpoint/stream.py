"""One blocking byte stream over a TCP or Unix socket: a file to read from, and methods to write.

One thread reads. Threads that write take turns under the connection's write lock. Any thread, above
all the timer thread, may call `try_write` under that lock and `abort` without it, because neither
ever blocks.

The socket has no timeout: with one, Python asks the system twice for each read and write. Deadlines
are timers that end the stream (`abort`); only that wakes a thread that is blocked in the system.
Only the deadline of a read (`set_deadline`) ends nothing: such a read waits in `select` first.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from .blocked_writes import WriteDeadline
from .reader import READ_BUFFER, RawReader, SocketReader, StreamTap
from .readiness import is_readable, is_writable, unsent_bytes
from .timers import Timer, TimerFunction, Timers

WRITE_CHUNK = 64 * 1024
"""Bytes that a slow peer must take in time, before the deadline of a blocked write starts again."""

MAX_COPIED = 16 * 1024
"""Bytes up to which a payload is copied after its header; a longer one is passed separately."""

DONT_WAIT = getattr(socket, "MSG_DONTWAIT", None)
"""None if a blocking socket cannot be asked to write without waiting (Windows)."""

LaterTap = Callable[[bytes], None]
"""Called with bytes that we sent, or none for the end, by a thread that must not wait."""


class Stream:
    """`file` is the receiving side, a buffered binary file; the methods are the sending side."""

    __slots__ = {
        "file": "For the thread that reads.",
        "reader": "The raw file under it, next to the socket.",
        "writes": "How often bytes were sent. Written under the connection's write lock.",
        "cause": "Why the stream was aborted, for people. The first one stays.",
        "aborted": "Whether it was. Set once, by any thread.",
        "_tap": "Gets all that is sent by a thread that may wait.",
        "_tap_later": "Gets what is sent without waiting, and the end; must not wait itself.",
        "_sock": "The socket.",
        "_timers": "For deadlines.",
        "_write_timeout": "Seconds that a chunk of a blocked write may take.",
        "_write_deadline": "Made at the first write that blocks, by the thread that writes.",
        "_socket_lock": "Held while the socket is shut down or closed: one at a time.",
    }

    def __init__(self, sock: socket.socket, timers: Timers, write_timeout: float) -> None:
        self._sock = sock
        self.reader = SocketReader(sock)
        self.file = io.BufferedReader(self.reader, READ_BUFFER)
        self.writes = 0
        self.cause = ""
        self.aborted = False
        self._tap: StreamTap | None = None
        self._tap_later: LaterTap | None = None
        self._timers = timers
        self._write_timeout = write_timeout
        self._write_deadline: WriteDeadline | None = None
        self._socket_lock = threading.Lock()

    def set_tap(self, tap: StreamTap | None, later: LaterTap | None = None) -> None:
        """From now on pass all bytes to `tap`: after they arrive, and before they are sent."""
        self._tap, self._tap_later = tap, later
        self.reader.set_tap(tap)

    @property
    def local_address(self) -> Any:
        """The address of our end of the socket."""
        return self._sock.getsockname()

    def handshake(self) -> None:
        """Nothing is agreed on before the first byte. TLS has a handshake of its own."""

    # Reading

    @property
    def receives(self) -> int:
        """How often bytes, or their end, have arrived; the heartbeat's sign of life."""
        return self.reader.receives

    @property
    def waiting(self) -> bool:
        """True while a thread waits for bytes, or while none are there and they would be taken."""
        return self.reader.waiting

    @property
    def has_arrived(self) -> bool:
        """Whether the system has bytes, or the end of the stream, that are not read yet."""
        with suppress(OSError):
            return is_readable(self._sock, 0)
        return True

    @property
    def tapped(self) -> bool:
        """Whether a function sees all bytes; it may make a read wait."""
        return self._tap is not None

    def set_deadline(self, deadline: float | None) -> None:
        """Let `file` give up at this time of `monotonic`: a read then gives what it has."""
        self.reader.set_deadline(deadline)

    @property
    def timed_out(self) -> bool:
        """Whether a read has given up since the deadline was set."""
        return self.reader.timed_out

    def drain(self, seconds: float) -> None:
        """Read and drop until the peer ends the stream, for at most `seconds` (§7.1.1).

        Closing with bytes unread makes TCP send a reset, which can destroy our last frame before
        the peer reads it.
        """
        self._drain(self.reader, seconds)

    def _drain(self, reader: RawReader, seconds: float) -> None:
        deadline = self.abort_at(monotonic() + seconds)
        scratch = bytearray(READ_BUFFER)
        try:
            with suppress(OSError):
                while reader.readinto(scratch):
                    pass
        finally:
            deadline.cancel()

    # Writing

    @property
    def progress(self) -> int:
        """How often the peer has taken a chunk of a write that was blocked."""
        return 0 if self._write_deadline is None else self._write_deadline.chunks

    @property
    def unsent(self) -> int:
        """Bytes that the system has taken and the peer has not; 0 where that cannot be asked."""
        return unsent_bytes(self._sock)

    def write(self, data: bytes, long_data: bytes = b"") -> None:
        """Send both, in one call of the system if they fit; blocks until the system has them.

        OSError once the stream is broken or aborted; it is aborted if the peer takes less than
        WRITE_CHUNK, or than the rest, in `write_timeout` seconds. The first try does not wait,
        because nearly every write fits: only for the others the write deadline is set.
        """
        if (tap := self._tap) is not None:
            tap(True, data + long_data)
        try:
            if len(long_data) > MAX_COPIED:
                self._write_both(data, long_data)
            else:
                data += long_data
                try:
                    sent = self._sock.send(data, DONT_WAIT) if DONT_WAIT is not None else 0
                except BlockingIOError:
                    sent = 0
                if sent < len(data):
                    self._write_blocking(memoryview(data)[sent:])
        except BaseException as error:  # a signal's too: half of a frame may be written
            self.abort(str(error) or "a write was interrupted")
            raise
        self.writes += 1

    def _write_both(self, data: bytes, long_data: bytes) -> None:
        sent = 0
        if DONT_WAIT is not None:
            with suppress(BlockingIOError):
                sent = self._sock.sendmsg((data, long_data), (), DONT_WAIT)
        if sent < len(data):
            self._write_blocking(memoryview(data)[sent:])
            sent = len(data)
        self._write_blocking(memoryview(long_data)[sent - len(data) :])

    def _write_blocking(self, data: memoryview) -> None:
        if not data:
            return
        if self._write_deadline is None:
            self._write_deadline = WriteDeadline(self._timers, self._write_timeout, self.abort)
        try:
            for start in range(0, len(data), WRITE_CHUNK):
                self._write_deadline.begin()
                self._sock.sendall(data[start : start + WRITE_CHUNK])
        finally:
            self._write_deadline.end()

    @property
    def has_room(self) -> bool:
        """Whether a control frame fits the send buffer in whole; OSError once it is closed.

        A full buffer may still take a part, and after half a frame nothing else can be sent. So
        what can wait should: from a third of the buffer being free on, the system says yes.
        """
        return is_writable(self._sock)

    def try_write(self, data: bytes, in_timer: bool = True) -> bool:
        """True if `data`, at most a control frame, was written; False if it does not fit.

        Never waits; but a tap may, unless `in_timer`, which passes the data to it later. OSError on
        a broken stream; the stream is broken, too, if only a part of `data` fits.
        """
        if not self.has_room:
            return False
        self._show(data, in_timer)
        try:
            sent = self._sock.send(data, DONT_WAIT or 0)
        except BlockingIOError:
            return False
        if sent < len(data):
            self.abort("only a part of a control frame fitted; the peer does not read")
            raise BrokenPipeError(self.cause)
        self.writes += 1
        return True

    def _show(self, data: bytes, in_timer: bool) -> None:
        """Pass what `try_write` sends to the tap, before its answer can arrive."""
        tap, later = self._tap, self._tap_later
        if in_timer and later is not None:
            later(data)
        elif not in_timer and tap is not None:
            tap(True, data)

    # The end

    def half_close(self) -> None:
        """Tell the peer that no more bytes follow (TCP FIN); what was written still arrives."""
        self._shutdown(socket.SHUT_WR)

    def abort(self, cause: str = "") -> None:
        """End both directions at once; every thread blocked in a read or write wakes. Never blocks.

        The first `cause` is kept, so that exceptions can name it.
        """
        self.note_cause(cause)
        self.aborted = True
        self._shutdown(socket.SHUT_RDWR)

    def note_cause(self, cause: str) -> None:
        """Why the stream ends; the first cause is kept."""
        self.cause = self.cause or cause

    def limit_writes(self, write_timeout: float) -> None:
        """The seconds that a chunk of a blocked write may take. Not to be called during a write."""
        self._write_timeout = write_timeout
        self._write_deadline = None

    def abort_at(self, when: float, cause: str = "") -> Timer:
        """A deadline that ends the stream unless it is cancelled."""
        return self._timers.call_at(when, lambda now: self.abort(cause))

    def call_at(self, when: float, function: TimerFunction) -> Timer:
        """Have the timer thread call a function that must not wait; RuntimeError without one."""
        return self._timers.call_at(when, function)

    def _shutdown(self, how: int) -> None:
        if (tap := self._tap_later) is not None:
            tap(b"")
        with self._socket_lock, suppress(OSError):
            self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket. Only for the thread that reads, while no other thread writes."""
        with self._socket_lock:
            self._sock.close()


def send_at_once(sock: socket.socket) -> None:
    """Let TCP not wait for more data. The next read reports it if TCP has ended already."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
