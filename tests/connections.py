"""What the tests of one connection share besides the fixture `opened`, which gives them the
connection and the raw client at its other end.
"""

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
