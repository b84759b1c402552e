"""The raw files under the buffer of a stream: bytes from the socket, each read with its deadline.

One thread reads at a time, the one that holds the connection's `_reading` (reading.py).
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

from .readiness import is_readable
from .timers import wait_time

READ_BUFFER = 4 * 1024

AT_ONCE = 0.0
"""The deadline of a read in the timer thread, which calls no tap: one was added at this moment."""

UNTOUCHED = 0xFF
"""Written into a buffer before bytes are received: it starts no frame (§5.2), no record of TLS."""

StreamTap = Callable[[bool, bytes], None]
"""Called with whether we sent the bytes, and the bytes; none mean the end of that direction."""


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
        "waiting": "True while a thread waits for bytes, and after a read that found none.",
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
            self.waiting = False
            if self._interrupted is not None:
                self._interrupted = len(buffer) >= READ_BUFFER and buffer[0] == UNTOUCHED
            raise
        self.waiting = False
        self.receives += 1
        return received

    @property
    def expects_signals(self) -> bool:
        """Whether `expect_signals` was called."""
        return self._interrupted is not None

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
        if tap is not None and self.deadline != AT_ONCE:
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
