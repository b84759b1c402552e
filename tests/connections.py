"""What the tests of one connection share besides the fixture `opened`, which gives them the
connection and the raw client at its other end.
"""

from time import monotonic

from wire import eventually

EURO = "€".encode()


def waiting(connection):
    """True once a thread waits in a receive of this connection."""
    return eventually(lambda: connection._stream.waiting)


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
