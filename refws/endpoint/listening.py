"""Listening sockets, TCP and Unix."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress

BACKLOG = 4096
"""Connections that the system accepts for us while the accept thread is busy.

Above it the system drops what a client sends to connect, and the client repeats it 1, 3, 7, ... s
later. All that were dropped then come at once again, so a crowd of 10,000 may need a minute. Linux
uses the lower one of this and net.core.somaxconn.
"""


def listen(host: str | None, port: int, unix_path: str | None = None) -> socket.socket:
    """A socket that listens on the first address of `host`, or at `unix_path`; or OSError."""
    if unix_path is not None:
        return listen_on_path(unix_path)
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)


def listen_on_path(path: str) -> socket.socket:
    """A Unix socket at `path`; replaces one that a dead server has left there.

    OSError if a server still listens there, or if another file is there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove_dead_socket(path)
        sock.bind(path)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def remove_dead_socket(path: str) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
