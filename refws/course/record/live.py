"""RFC 6455 §5: connections narrated while they live."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from logging import Logger, getLogger
from time import monotonic

from ...endpoint.connection import Connection
from ...endpoint.log import log_error
from ...endpoint.taps import ChooseTrace
from ...endpoint.taps import Tap as Trace
from ...protocol.close import State
from ...protocol.frame import Side
from ..text.drawing import PLAIN, Style
from .narration import Narration

Show = Callable[[str], None]
"""Called with a line, or with the lines of a block, without the last line end. OSError if it can
show no more.
"""


class Live:
    """For `serve(..., trace=live.choose)`, and `connect`: tells every connection with `show`, until
    that fails.

    A server's connections have their peers for names, a client's has none. What `show` raises but
    OSError goes to the connection, which logs it and drops the trace.
    """

    def __init__(
        self,
        show: Show,
        full: bool = False,
        style: Style = PLAIN,
        logger: Logger = getLogger("refws"),
    ) -> None:
        self._show = show
        self._full = full
        self._style = style
        self._logger = logger
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._off = False

    def choose(self, connection: Connection) -> Trace | None:
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
        """Show it, unless that has failed once."""
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
                "the trace is off, as its output cannot be written: %s", error.strerror or error
            )


class LiveTrace:
    """The trace of one connection, whose two directions come from two threads."""

    def __init__(self, narration: Narration, live: Live) -> None:
        self._narration = narration
        self._live = live
        self._lock = threading.Lock()
        self._began = monotonic()

    def __call__(self, sender: Side, data: bytes) -> None:
        with self._lock:
            for text in self._narration.tell(monotonic() - self._began, sender, data):
                self._live.show(text)


def together(choices: Iterable[ChooseTrace], page: ChooseTrace | None = None) -> ChooseTrace | None:
    """One `trace` for `serve` out of several; None for none.

    `page` may end its trace by setting that of the connection to None; the others stay.
    """
    several = tuple(choices)
    if not several:
        return page

    def choose(connection: Connection) -> Trace | None:
        traces = [trace for choice in several if (trace := choice(connection)) is not None]
        return Several(connection, traces, None if page is None else page(connection))

    return choose


class Several:
    """The traces of one connection. One that raises is logged and dropped, and no other."""

    def __init__(self, connection: Connection, traces: list[Trace], page: Trace | None) -> None:
        self._connection = connection
        self._traces = tuple(traces)
        self._page = page

    def __call__(self, sender: Side, data: bytes) -> None:
        for trace in self._traces:
            self._tell(trace, sender, data)
        if self._page is not None:
            self._tell_page(self._page, sender, data)

    def _tell(self, trace: Trace, sender: Side, data: bytes) -> None:
        try:
            trace(sender, data)
        except Exception as error:
            self._traces = tuple(other for other in self._traces if other is not trace)
            connection = self._connection
            log_error(
                connection.settings.logger,
                connection.peer,
                "the trace failed, and is off now",
                error,
            )

    def _tell_page(self, page: Trace, sender: Side, data: bytes) -> None:
        self._tell(page, sender, data)
        if self._connection.trace is None:
            self._page = None
            self._connection.trace = self
