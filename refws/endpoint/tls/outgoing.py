"""RFC 6455 §10.6: ciphertext on its way to the socket, in the order in which it was made."""

from __future__ import annotations

import threading
from socket import socket

from ..readiness import is_writable
from ..stream import DONT_WAIT
from .engine import Engine

SMALL_RECORD = 512
"""Bytes that a socket takes at once if it takes any; a control frame is smaller.

Used where the system cannot be asked to write without waiting.
"""


class Outgoing:
    """The bytes between the engine and the socket. The thread that holds `lock` may send.

    Only two kinds of threads keep the lock while the peer blocks them: a writer, which also holds
    the connection's write lock, and one in the TLS handshake. So any other thread that holds the
    write lock waits for `lock` only as long as a send without waiting takes.
    """

    __slots__ = {
        "lock": "Held by the one thread that sends. Only its owner can release it.",
        "_engine": "Where the ciphertext comes from.",
        "_sock": "Where it goes.",
        "_unsent": "Bytes that did not fit. Under the lock.",
    }

    def __init__(self, engine: Engine, sock: socket) -> None:
        self.lock = threading.RLock()
        self._engine = engine
        self._sock = sock
        self._unsent = memoryview(b"")

    @property
    def size(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._unsent) + self._engine.pending

    def send_what_fits(self) -> bool:
        """True if all is sent, False if the socket is full. Under the lock; never waits."""
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
        """The bytes that did not fit, for the thread that holds the lock to send them itself."""
        unsent, self._unsent = self._unsent, memoryview(b"")
        return unsent

    def try_send(self) -> None:
        """Send what fits, unless another thread holds the lock, which then looks again itself.

        Never waits.
        """
        while self.size and self._try_once():
            pass

    def _try_once(self) -> bool:
        """True if all is sent, but more may have come meanwhile."""
        lock: threading.RLock | None = self.lock
        try:
            if not self.lock.acquire(blocking=False):
                lock = None
                return False
            return self.send_what_fits()
        finally:
            if lock is not None:
                lock.release()


def send_what_fits(sock: socket, data: memoryview) -> int:
    """Bytes that the system took without waiting; 0 if none."""
    if DONT_WAIT is None:
        return sock.send(data[:SMALL_RECORD]) if is_writable(sock) else 0
    try:
        return sock.send(data, DONT_WAIT)
    except BlockingIOError:
        return 0
