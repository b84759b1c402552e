"""What the system says of a socket, without a byte being read or written."""

from __future__ import annotations

import errno
import math
import select
import socket
import sys

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

POLL = getattr(select, "poll", None)
"""None on Windows. Unlike `select`, it has no limit for the number of a descriptor."""


def is_readable(sock: socket.socket, seconds: float) -> bool:
    """Whether bytes or the end arrive within `seconds`, 0 for now. OSError for a closed socket."""
    return is_ready(sock, seconds, readable=True)


def is_writable(sock: socket.socket) -> bool:
    """Whether the system takes a control frame, or a short response, now. OSError as above."""
    return is_ready(sock, 0, readable=False)


def is_ready(sock: socket.socket, seconds: float, readable: bool) -> bool:
    try:
        if POLL is None:
            waits = ([sock], []) if readable else ([], [sock])
            return any(select.select(*waits, [], seconds))
        poll = POLL()
        poll.register(sock, select.POLLIN if readable else select.POLLOUT)
        return bool(poll.poll(math.ceil(seconds * 1000)))
    except ValueError:
        raise OSError(errno.EBADF, "the socket is closed") from None


def unsent_bytes(sock: socket.socket) -> int:
    """Bytes in the send queue of a socket (Linux); 0 where the system does not tell."""
    if fcntl is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0
