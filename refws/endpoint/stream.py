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
from .readiness import is_readable, is_writable, unsent_bytes
from .timers import Timer, TimerFunction, Timers, wait_time

READ_BUFFER = 4 * 1024
WRITE_CHUNK = 64 * 1024
"""Bytes that a slow peer must take in time, before the deadline of a blocked write starts again."""

MAX_COPIED = 16 * 1024
"""Bytes up to which a payload is copied after its header; a longer one is passed separately."""

UNTOUCHED = 0xFF
"""Written into a buffer before bytes are received: it starts no frame (§5.2), no record of TLS."""

DONT_WAIT = getattr(socket, "MSG_DONTWAIT", None)
"""None if a blocking socket cannot be asked to write without waiting (Windows)."""

StreamTap = Callable[[bool, bytes], None]
"""Called with whether we sent the bytes, and the bytes; none mean the end of that direction."""

LaterTap = Callable[[bytes], None]
"""Called with bytes that we sent, or none for the end, by a thread that must not wait."""


class RawReader(io.RawIOBase):
    """What SocketReader and TLSReader share. `Stream.close`, not `close`, closes the socket."""

    closed = False  # FAST: the read buffer asks at each read, and RawIOBase answers slowly

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return True


class SocketReader(RawReader):
    """The raw file under the read buffer.

    The thread that reads writes the fields; any thread may set the tap and the read size.
    """

    __slots__ = {
        "receives": "How often bytes, or their end, have arrived; the heartbeat's sign of life.",
        "waiting": "True while the thread waits for bytes, and after a look that found none.",
        "_interrupted": "Whether a signal's exception came before a byte; None: not expected here.",
        "deadline": "When `readinto` gives up, a time of `monotonic`; None for never.",
        "timed_out": "Whether it has given up.",
        "_is_late": "Whether it has looked once after the deadline.",
        "_tap": "Gets all that arrives.",
        "_read_size": "The most bytes to receive at once; 0 for no limit.",
        "_sock": "The socket.",
        "_receive": "The function that receives into a buffer.",
    }

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._receive: Callable[[Any], int] = sock.recv_into
        self.receives = 0
        self.waiting = False
        self._interrupted: bool | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self._is_late = False
        self._read_size = 0
        self._tap: StreamTap | None = None

    def readinto(self, buffer: Any) -> int | None:
        """The number of bytes received, 0 at the end; None if none arrived by the deadline."""
        self.waiting = True
        try:
            if self.deadline is not None and not self._is_readable(self.deadline, buffer):
                self.timed_out = True
                return None
            received = self._receive(buffer)
        except BaseException:
            if self._interrupted is not None:
                self._interrupted = len(buffer) >= READ_BUFFER and buffer[0] == UNTOUCHED
            raise
        finally:
            self.waiting = False
        self.receives += 1
        return received

    def take_interrupted(self) -> bool:
        """Whether the last receive ended with an exception before it took a byte; asked once.

        A signal's exception can also come just after the system has put bytes into the buffer; and
        a read buffer that has some bytes of a read already asks for fewer than it has room for.
        """
        interrupted = bool(self._interrupted)
        if interrupted:
            self._interrupted = False
        return interrupted

    def expect_signals(self) -> None:
        """Let `take_interrupted` know whether a byte was taken; this costs some time."""
        self._interrupted = False
        self._choose_receive()

    def set_tap(self, tap: StreamTap | None) -> None:
        self._tap = tap
        self._choose_receive()

    @property
    def read_size(self) -> int:
        """The most bytes to receive at once; 0, the default, for no limit."""
        return self._read_size

    @read_size.setter
    def read_size(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"read_size is {size}; use a number of bytes, or 0 for no limit")
        self._read_size = size
        self._choose_receive()

    def _choose_receive(self) -> None:
        """FAST: call the system directly, unless there is a tap, a read size or the main thread.

        A check on every receive would slow all other connections.
        """
        special = self._tap is not None or self._read_size or self._interrupted is not None
        self._receive = self._receive_with_care if special else self._sock.recv_into

    def _receive_with_care(self, buffer: Any) -> int:
        buffer[0] = UNTOUCHED
        view = memoryview(buffer)
        received = self._sock.recv_into(view[: self._read_size] if self._read_size else view)
        self.waiting = False  # the peer is not silent while the tap runs
        tap = self._tap
        if tap is not None:
            tap(False, bytes(view[:received]))
        return received

    def set_deadline(self, deadline: float | None) -> None:
        self.deadline = deadline
        self.timed_out = False
        self._is_late = False

    def _is_readable(self, deadline: float, buffer: Any) -> bool:
        """Wait for bytes until the deadline. After it, one look is allowed, for a deadline of now;
        not more, because a peer that sends without end would keep the reader from its deadline.
        """
        if self._is_late:
            return False
        buffer[0] = UNTOUCHED
        while not (found := is_readable(self._sock, wait_time(deadline - monotonic()))):
            if monotonic() >= deadline:
                break
        self._is_late = monotonic() >= deadline
        return found


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
        if DONT_WAIT is None and not self.has_room:
            return False
        if not in_timer and (tap := self._tap) is not None:
            tap(True, data)
        try:
            sent = self._sock.send(data, DONT_WAIT or 0)
        except BlockingIOError:
            return False
        if sent < len(data):
            self.abort("only a part of a control frame fitted; the peer does not read")
            raise BrokenPipeError(self.cause)
        self.writes += 1
        if in_timer and (later := self._tap_later) is not None:
            later(data)
        return True

    # The end

    def half_close(self) -> None:
        """Tell the peer that no more bytes follow (TCP FIN); what was written still arrives."""
        self._shutdown(socket.SHUT_WR)

    def abort(self, cause: str = "") -> None:
        """End both directions at once; every thread blocked in a read or write wakes. Never blocks.

        The first `cause` is kept, so that exceptions can name it.
        """
        self.cause = self.cause or cause
        self.aborted = True
        self._shutdown(socket.SHUT_RDWR)

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
