"""What the system says of a socket, without a byte being read or written."""

from __future__ import annotations

import errno
import selectors
import socket
import sys

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def is_readable(sock: socket.socket, seconds: float) -> bool:
    """Whether bytes or the end arrive within `seconds`, 0 for now. OSError for a closed socket."""
    return is_ready(sock, selectors.EVENT_READ, seconds)


def is_writable(sock: socket.socket) -> bool:
    """Whether the system takes a control frame, or a short response, now. OSError as above."""
    return is_ready(sock, selectors.EVENT_WRITE, 0)


def is_ready(sock: socket.socket, event: int, seconds: float) -> bool:
    with Selector() as selector:
        try:
            selector.register(sock, event)
        except ValueError:
            raise OSError(errno.EBADF, "the socket is closed") from None
        return bool(selector.select(seconds))


def unsent_bytes(sock: socket.socket) -> int:
    """Bytes in the send queue of a socket (Linux); 0 where the system does not tell."""
    if fcntl is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0
