"""Open connections as text: each line or block is shown as soon as it is known.

    the thread that sends or receives                         a file, or a display
    bytes -> Live -> Narration (Conversation, drawing) -> text -> Output.show

The thread that sends or receives the last byte of a frame also shows its text before it goes on. So
the order is right, and a line is shown before the next byte leaves. That thread waits for a slow
file, but not for long (see `output`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from logging import Logger, getLogger
from time import monotonic

from ...endpoint.connection import Connection
from ...endpoint.taps import Tap
from ...protocol.close import State
from ...protocol.frame import Side
from ..text.style import PLAIN, Style
from .narration import Narration

Show = Callable[[str], None]
"""Shows a line, or the lines of a block, given without the last line end; may raise OSError."""

LOGGER = getLogger("refws")


class Live:
    """Passes the text of all connections to `show`: for `serve(..., trace=live.choose)`, `connect`.

    A server's connections are named after their peers, a client's has no name. After an OSError of
    `show` nothing is shown; any other exception goes to the connection, which logs it and drops the
    trace.
    """

    def __init__(
        self,
        show: Show,
        full: bool = False,
        style: Style = PLAIN,
        logger: Logger = LOGGER,
    ) -> None:
        self._show = show
        self._full = full
        self._style = style
        self._logger = logger
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._off = False

    def choose(self, connection: Connection) -> Tap | None:
        """The trace of this connection; None once nothing can be shown."""
        if self._off:
            return None
        at_handshake = connection.state is State.CONNECTING
        return LiveTrace(
            Narration(self._name(connection), self._full, self._style, at_handshake), self
        )

    def _name(self, connection: Connection) -> str:
        if connection.side is Side.CLIENT:
            return ""
        if isinstance(connection.remote_address, tuple):
            return connection.peer
        return f"{connection.peer} #{next(self._numbers)}"  # Unix sockets have no addresses

    def show(self, text: str) -> None:
        """Show the text, unless an earlier one could not be shown."""
        if self._off:
            return
        try:
            self._show(text)
        except OSError as error:
            self._switch_off(error)

    def _switch_off(self, error: OSError) -> None:
        with self._lock:
            first, self._off = not self._off, True
        if first:
            self._logger.warning(
                "the trace is off, because its output cannot be written: %s",
                error.strerror or error,
            )


class LiveTrace:
    """The trace of one connection, for two threads: one sends, one receives."""

    def __init__(self, narration: Narration, live: Live) -> None:
        self._narration = narration
        self._live = live
        self._lock = threading.Lock()
        self._began = monotonic()

    def __call__(self, sender: Side, data: bytes) -> None:
        with self._lock:
            for text in self._narration.feed(monotonic() - self._began, sender, data):
                self._live.show(text)
