"""A listening Unix socket, and the path that others find it by: made once, removed by its maker.

A server leaves its path there when it is killed, so the next one must remove it; but it must never
remove the path of a server that lives. No system call looks whether one lives and removes the path
in one step. So servers start one after the other: each locks the directory while it does both. When
a server ends, it removes the path only if that is still its own file, and while it still listens:
until then, no server that starts takes the path for a dead one's.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

try:
    import fcntl
except ImportError:  # Windows, which has no Unix sockets in Python either
    fcntl = None  # type: ignore[assignment]

LOCK_TIMEOUT = 5.0
"""Seconds to wait for the lock; a server that starts holds it for less than a millisecond."""

LOCK_RETRY = 0.01
"""Seconds from one try to the next."""

FileIdentity = tuple[int, int]


class UnixListener(socket.socket):
    """A Unix socket that listens at `path`; `close` removes the path, if it is still its own.

    OSError if a server listens there, or if another file is there. Blocks for `LOCK_TIMEOUT` at
    most. In a child of `os.fork`, `close` leaves the path to the parent.
    """

    __slots__ = {
        "_path": "The absolute path, so that a change of the directory does not matter.",
        "_file": "Which file it is; None until there is one, and once it is removed.",
        "_process": "The id of the process that made it.",
    }

    def __init__(self, path: str, backlog: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = os.path.abspath(path)
        self._file: FileIdentity | None = None
        self._process = os.getpid()
        try:
            with alone_in(os.path.dirname(self._path)):
                remove_dead_socket(path)
                self.bind(path)
                self._file = identify(path)
                self.listen(backlog)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._file is not None and self._process == os.getpid():
            with suppress(OSError):
                if identify(self._path) == self._file:
                    os.unlink(self._path)
            self._file = None
        super().close()


def identify(path: str) -> FileIdentity:
    """Which file is at the path. The numbers are not used again while a socket is bound to it."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino


@contextmanager
def alone_in(directory: str) -> Iterator[None]:
    """Keep other servers from starting in this directory. OSError if another program does that."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        lock(descriptor, directory)
        yield
    finally:
        # To close is not enough: a child that another thread has forked has the descriptor too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def lock(descriptor: int, directory: str) -> None:
    give_up_at = monotonic() + LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > give_up_at:
                what_to_do = "another program has locked this directory; use a path in another one"
                raise OSError(errno.EADDRINUSE, what_to_do, directory) from None
            sleep(LOCK_RETRY)
        else:
            return


def remove_dead_socket(path: str) -> None:
    """Remove the Unix socket at the path if no process listens there; leave any other file."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(path)
            except BlockingIOError:
                return  # It lives, and has more connections waiting than it can take.
            except ConnectionRefusedError:
                os.unlink(path)
