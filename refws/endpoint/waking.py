"""A pair of sockets, with which a signal or another thread ends the accept thread's `select`."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

WAKE_BYTES = 4096
"""Bytes to take at once; each is for one signal or one `send`."""


class WakeUp:
    """`receiver` is readable after a signal or a `send`, until `pause` has returned."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)

    def send(self) -> None:
        """May be called in a signal handler, by any thread, and after `close`."""
        with suppress(OSError):
            self._sender.send(b"\0")

    def pause(self, seconds: float) -> None:
        """Wait that long, or until a signal or a `send` arrives."""
        self.receiver.settimeout(seconds)
        with suppress(BlockingIOError, TimeoutError):
            self.receiver.recv(WAKE_BYTES)

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Let a signal end `select`: Python calls the signal's handler only after `select`."""
        if threading.current_thread() is not threading.main_thread() or self._sender.fileno() < 0:
            yield
            return
        previous = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)

    def close(self) -> None:
        self.receiver.close()
        self._sender.close()
