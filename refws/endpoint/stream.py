"""One blocking byte stream over a TCP or Unix socket: a binary file to read frames from, whole
frames written out.

Who may do what: one thread reads; writers take turns under the connection's write lock; any thread,
the timer thread above all, may call `try_write` under that lock and `abort` without it, as neither
ever blocks.
"""

from __future__ import annotations

import io
import selectors
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from .timers import Timer, Timers

READ_BUFFER = 4 * 1024
WRITE_PIECE = 64 * 1024
"""Bytes that a slow peer must take before the deadline of a blocked write starts anew."""

WORTH_NO_COPY = 16 * 1024
"""Bytes up to which a payload is copied behind its header, as that is faster than handing the
system both.
"""

DONT_WAIT = getattr(socket, "MSG_DONTWAIT", None)
"""None where a blocking socket cannot be asked to write without waiting (Windows)."""

Watch = Callable[[bool, bytes], None]
"""Called with whether we sent them, and the bytes; no bytes are the end of that direction."""

Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class RawReader(io.RawIOBase):
    """What the two raw files below a read buffer have in common. `Stream.close` closes the socket,
    not they.
    """

    closed = False
    """Told here, as the read buffer asks at each read, and RawIOBase takes its time to tell."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return True


class SocketReader(RawReader):
    """The raw file below the read buffer. Tells the heartbeat when bytes came, and whether a thread
    waits for some.
    """

    __slots__ = ("receives", "waiting", "patience", "_watch", "_read_size", "_sock", "_receive")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._receive: Callable[[Any], int] = sock.recv_into
        self.receives = 0
        self.waiting = False
        self.patience: float | None = None
        self._read_size = 0
        self._watch: Watch | None = None

    def readinto(self, buffer: Any) -> int | None:
        """Bytes received, 0 at the end of the stream; None if none came within `patience` seconds."""
        self.waiting = True
        try:
            if self.patience is not None and not self._is_readable(self.patience):
                return None
            received = self._receive(buffer)
        finally:
            self.waiting = False
        self.receives += 1
        return received

    @property
    def watch(self) -> Watch | None:
        """Told of all that comes; None tells nobody."""
        return self._watch

    @watch.setter
    def watch(self, watch: Watch | None) -> None:
        self._watch = watch
        self._choose_way()

    @property
    def read_size(self) -> int:
        """The most bytes to receive at once; 0 for as many as there is room for."""
        return self._read_size

    @read_size.setter
    def read_size(self, size: int) -> None:
        self._read_size = size
        self._choose_way()

    def _choose_way(self) -> None:
        """The system's own call, unless somebody looks: looking for that at each receive would cost
        all the others.
        """
        looked_at = self._watch is not None or self._read_size
        self._receive = self._receive_looked_at if looked_at else self._sock.recv_into

    def _receive_looked_at(self, buffer: Any) -> int:
        view = memoryview(buffer)
        received = self._sock.recv_into(view[: self._read_size] if self._read_size else view)
        self.waiting = False  # as the watch may take its time
        if self._watch is not None:
            self._watch(False, bytes(view[:received]))
        return received

    def _is_readable(self, seconds: float) -> bool:
        with Selector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            return bool(selector.select(max(seconds, 0)))


class Stream:
    """`file` is the receiving side, a buffered binary file; the methods are the sending side and
    the end.
    """

    __slots__ = (
        "file",
        "writes",
        "cause",
        "_watch",
        "_sock",
        "_reader",
        "_timers",
        "_write_timeout",
        "_blocked_since",
        "_watched",
        "_socket_lock",
    )

    def __init__(self, sock: socket.socket, timers: Timers, write_timeout: float) -> None:
        self._sock = sock
        self._reader = SocketReader(sock)
        self._timers = timers
        self._write_timeout = write_timeout
        self._blocked_since: float | None = None
        self._watched = False
        self._socket_lock = threading.Lock()
        self.file = io.BufferedReader(self._reader, READ_BUFFER)
        self.writes = 0
        self.cause = ""
        self._watch: Watch | None = None

    @property
    def read_size(self) -> int:
        """The most bytes to receive at once; 0, as usual, for as many as there is room for."""
        return self._reader.read_size

    @read_size.setter
    def read_size(self, size: int) -> None:
        self._reader.read_size = size

    def watch(self, function: Watch | None) -> None:
        """Tell it all bytes from now on: what came, and what is about to be sent. None tells
        nobody.
        """
        self._watch = self._reader.watch = function

    @property
    def local_address(self) -> Any:
        """That of our end of the socket."""
        return self._sock.getsockname()

    def handshake(self) -> None:
        """Nothing is to be agreed on before the first byte; TLS has its own (tls.py)."""

    @property
    def receives(self) -> int:
        """How often bytes have arrived; the heartbeat's sign of life."""
        return self._reader.receives

    @property
    def waiting(self) -> bool:
        """True while a thread waits for bytes to arrive."""
        return self._reader.waiting

    def wait_readable(self, seconds: float) -> bool:
        """True once there is something to read, be it the end of the stream; False after `seconds`
        without.
        """
        before = self._reader.receives
        self._reader.patience = seconds
        try:
            return bool(self.file.peek(1)) or self._reader.receives != before
        finally:
            self._reader.patience = None

    def write(self, data: bytes, long_data: bytes = b"") -> None:
        """All of both, in one call of the system if they fit; blocks until the system has taken
        them.

        OSError once the stream is broken or aborted. A peer that takes nothing for `write_timeout`
        seconds gets it aborted.
        """
        if self._watch is not None:
            self._watch(True, data + long_data)
        if len(long_data) > WORTH_NO_COPY:
            self._write_both(data, long_data)
        else:
            data += long_data
            try:
                sent = self._sock.send(data, DONT_WAIT) if DONT_WAIT is not None else 0
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                self._write_blocking(memoryview(data)[sent:])
        self.writes += 1

    def _write_both(self, data: bytes, long_data: bytes) -> None:
        try:
            sent = (
                self._sock.sendmsg((data, long_data), (), DONT_WAIT) if DONT_WAIT is not None else 0
            )
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._write_blocking(memoryview(data)[sent:])
            sent = len(data)
        self._write_blocking(memoryview(long_data)[sent - len(data) :])

    def _write_blocking(self, data: memoryview) -> None:
        if not data:
            return
        self._watch_write()
        try:
            for start in range(0, len(data), WRITE_PIECE):
                self._blocked_since = monotonic()
                self._sock.sendall(data[start : start + WRITE_PIECE])
        finally:
            self._blocked_since = None

    def _watch_write(self) -> None:
        """See to it that a timer looks after blocked writes: one for all that follow, as one for
        each is slow.
        """
        with self._socket_lock:
            self._blocked_since = monotonic()
            if not self._watched:
                self._watched = True
                self._timers.call_at(self._blocked_since + self._write_timeout, self._look_at_write)

    def _look_at_write(self, now: float) -> float | None:
        with self._socket_lock:
            due = None if self._blocked_since is None else self._blocked_since + self._write_timeout
            self._watched = due is not None and now < due
        if due is not None and now >= due:
            self.abort(f"the peer took nothing of a frame for {self._write_timeout:g} s")
            return None
        return due

    def try_write(self, data: bytes) -> bool:
        """True if `data`, at most a control frame, could be written without waiting; OSError on a
        broken stream.
        """
        if self._watch is not None:
            self._watch(True, data)
        if DONT_WAIT is None:
            return self._try_write_when_writable(data)
        try:
            sent = self._sock.send(data, DONT_WAIT)
        except BlockingIOError:
            return False
        if sent < len(data):
            self.abort("half a control frame fitted the send buffer, as the peer does not read")
            raise BrokenPipeError(self.cause)
        self.writes += 1
        return True

    def _try_write_when_writable(self, data: bytes) -> bool:
        with Selector() as selector:
            selector.register(self._sock, selectors.EVENT_WRITE)
            if not selector.select(0):
                return False
        self._sock.sendall(data)
        self.writes += 1
        return True

    def half_close(self) -> None:
        """Say that nothing more will be written (TCP FIN); what was written still arrives."""
        self._shutdown(socket.SHUT_WR)

    def drain(self, seconds: float) -> None:
        """Read and drop until the peer ends the stream, for at most `seconds` (§7.1.1).

        Closing with bytes unread makes TCP send a reset, which can destroy our last frame before
        the peer reads it.
        """
        deadline = self.abort_at(monotonic() + seconds)
        scratch = bytearray(READ_BUFFER)
        try:
            while self._reader.readinto(scratch):
                pass
        except OSError:
            pass
        finally:
            deadline.cancel()

    def abort(self, cause: str = "") -> None:
        """End both directions at once, waking every thread that is blocked in a read or a write.
        Never blocks.

        The first `cause` given is kept, to be told to whoever finds the stream at its end.
        """
        self.cause = self.cause or cause
        self._shutdown(socket.SHUT_RDWR)

    def abort_at(self, when: float, cause: str = "") -> Timer:
        """A deadline that ends the stream unless it is cancelled."""
        return self._timers.call_at(when, lambda now: self.abort(cause))

    def _shutdown(self, how: int) -> None:
        if self._watch is not None:
            self._watch(True, b"")
        with self._socket_lock:
            try:
                self._sock.shutdown(how)
            except OSError:
                pass

    def close(self) -> None:
        """Give the socket back to the system. Only for the thread that reads, with no writer under
        way.
        """
        with self._socket_lock:
            self._sock.close()
