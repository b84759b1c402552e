"""The argument `trace` of `serve` and `connect`: the taps that a connection gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .arguments import check_function
from .connection import Connection
from .log import log_error
from .taps import Tap

ChooseTrace = Callable[[Connection], Tap | None]
"""Called before the first byte of a connection; the function that it returns gets every byte."""


def trace_choices(trace: ChooseTrace | Sequence[ChooseTrace] | None) -> tuple[ChooseTrace, ...]:
    """The functions in the argument: one, several, or none. TypeError for anything else."""
    if trace is None:
        return ()
    choices = tuple(trace) if isinstance(trace, Iterable) else (trace,)
    for choose in choices:
        check_function("trace", choose)
    return choices


def start_traces(connection: Connection, choices: Sequence[ChooseTrace]) -> None:
    """Add the taps that these functions return for the connection."""
    for choose in choices:
        try:
            if (tap := choose(connection)) is not None:
                connection.add_tap(tap)
        except Exception as error:
            logger, what = connection.settings.logger, "the trace could not be chosen, and is off"
            log_error(logger, connection.peer, what, error)
