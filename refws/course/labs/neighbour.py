"""Good clients beside a hostile one, as a gauge looks at them: one that is in, one that comes."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from time import monotonic

from ...protocol.frame import TEXT
from .browser import opening, read_head, status_of
from .cast import LOOPBACK, Cast
from .readings import Delay
from .talk import Talk, masked


class Echoes:
    """A client that sends a message, and the next one when it has had the echo."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._asked: float | None = None

    def look(self, patience: float) -> Delay:
        """From the message to its echo."""
        if self._asked is None:
            self._asked = monotonic()
            self._talk.say(masked(TEXT, b"hello"), answers=0)
        asked, answered = self._asked, self._talk.hears(patience)
        if answered:
            self._talk.say(answers=1)
            self._asked = None
        return Delay(monotonic() - asked, answered)


class Entering:
    """A client that tries to get in, once at each look, until it has got in."""

    def __init__(self, cast: Cast, port: int) -> None:
        self.refused = 0
        """The tries that were answered with 503."""
        self.waited: float | None = None
        """Seconds from the first try to the 101."""
        self._began = monotonic()
        self._cast = cast
        self._port = port

    def look(self, patience: float) -> Delay:
        """From the first try to the 101. A server that is full answers at once, with 503."""
        status = 0
        if self.waited is None:
            with suppress(OSError, EOFError):  # it has been ended before its answer
                status = first_status(self._cast, self._port)
        passed = monotonic() - self._began
        self.refused += status == HTTPStatus.SERVICE_UNAVAILABLE
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            self.waited = passed
        return Delay(passed, False) if self.waited is None else Delay(self.waited, True)

    def is_in(self) -> bool:
        return self.waited is not None


def first_status(cast: Cast, port: int, source: str = LOOPBACK) -> int:
    """The status of the answer to one handshake."""
    with cast.client(port, source) as sock, sock.makefile("rb") as file:
        sock.sendall(opening(f"{LOOPBACK}:{port}", None))
        return status_of(read_head(file))
