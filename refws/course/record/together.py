"""Several traces on one connection, as one trace."""

from __future__ import annotations

from collections.abc import Iterable

from ...endpoint.connection import Connection
from ...endpoint.log import log_error
from ...endpoint.taps import ChooseTrace, Tap
from ...protocol.frame import Side


def together(choices: Iterable[ChooseTrace], page: ChooseTrace | None = None) -> ChooseTrace | None:
    """One `trace` for `serve` that stands for several; `page` itself if there are no others.

    `page` may end its trace by setting the trace of the connection to None; the others stay.
    """
    several = tuple(choices)
    if not several:
        return page

    def choose(connection: Connection) -> Tap | None:
        traces = [trace for choice in several if (trace := choice(connection)) is not None]
        return Several(connection, traces, None if page is None else page(connection))

    return choose


class Several:
    """The traces of one connection. One that raises is logged and dropped, and no other."""

    def __init__(self, connection: Connection, traces: list[Tap], page: Tap | None) -> None:
        self._connection = connection
        self._traces = tuple(traces)
        self._page = page

    def __call__(self, sender: Side, data: bytes) -> None:
        for trace in self._traces:
            self._pass_to(trace, sender, data)
        if self._page is not None:
            self._pass_to_page(self._page, sender, data)

    def _pass_to(self, trace: Tap, sender: Side, data: bytes) -> None:
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

    def _pass_to_page(self, page: Tap, sender: Side, data: bytes) -> None:
        self._pass_to(page, sender, data)
        if self._connection.trace is None:
            self._page = None
            self._connection.trace = self
