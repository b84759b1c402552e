"""What the tests of one connection share besides the fixture `opened`, which gives them the
connection and the raw client at its other end.
"""

import threading
from time import monotonic

from wire import DEADLINE_S, eventually

EURO = "€".encode()


def waiting(connection):
    """True once a thread waits in a receive of this connection."""
    return eventually(lambda: connection._stream.waiting)


class PausedMessage:
    """The fragments "a" and "b" of a message, for `send`; "b" follows once `go_on` is set."""

    def __init__(self):
        self.go_on = threading.Event()

    def __iter__(self):
        yield "a"
        assert self.go_on.wait(2 * DEADLINE_S)
        yield "b"


class NoRoom:
    """The socket of a peer that has stopped reading: nothing can be sent without waiting."""

    def __init__(self, sock):
        self._sock = sock

    def __getattr__(self, name):
        return getattr(self._sock, name)

    def send(self, data, flags):
        raise BlockingIOError


def wait_readable(stream, seconds):
    """Whether a read of the stream finds bytes, or the end, before a deadline; none is taken."""
    stream.set_deadline(monotonic() + seconds)
    try:
        return bool(stream.file.peek(1)) or not stream.timed_out
    finally:
        stream.set_deadline(None)
