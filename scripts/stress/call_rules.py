"""The rules of calls: in time, with documented exceptions, ended by someone."""

from __future__ import annotations

from collections.abc import Iterator

import refws
from scripts.shared.client_wire import WireError
from scripts.stress.history import History
from scripts.stress.plans import SILENCE
from scripts.stress.times import ALONE_S, END_S

FINE = (1000, 1001, 1005)


class Planned(Exception):
    """What a planned iterable or handler raises."""


CLOSED = (refws.ConnectionClosed,)
DOCUMENTED: dict[str, tuple[type[BaseException], ...]] = {
    "connect": (OSError, refws.InvalidHandshake, WireError),
    "recv": CLOSED,
    "recv with a timeout": (*CLOSED, TimeoutError),
    "recv_streaming": CLOSED,
    "send": CLOSED,
    "send fragments": CLOSED,
    "send what breaks off": (*CLOSED, Planned),
    "send what cannot be sent": (*CLOSED, TypeError, ValueError),
    "ping": CLOSED,
    "ping with known data": (*CLOSED, refws.ConcurrencyError),
    "pong": CLOSED,
}
"""Call -> the exceptions that it may raise; a call that is not here may raise none."""


def ends_in_time(history: History) -> Iterator[str]:
    """Every call ends within its bound."""
    for call in history.calls:
        if call.bound_s is None:
            continue
        bound = call.bound_s + history.slack_s
        if call.error is not None and issubclass(call.error, refws.ConnectionClosed):
            bound += END_S
        if call.took_s > bound:
            yield f"{call.side.value}, {call.thread}: {call}; at most {bound:.1f} s were allowed"


def the_end_comes_in_time(history: History) -> Iterator[str]:
    """Once something happens that ends the connection, it has ended soon: for every call."""
    sure = [cause.time for cause in history.causes() if cause.what != SILENCE]
    if not sure:
        return
    bound = END_S + history.slack_s
    for call in history.calls:
        is_end = call.error is not None and issubclass(call.error, refws.ConnectionClosed)
        if is_end and call.time > min(sure) + bound:
            after_s = call.time - min(sure)
            yield f"{call.side.value}, {call.thread}: {call}, {after_s:.1f} s after the end began"


def raises_what_is_documented(history: History) -> Iterator[str]:
    for call in history.calls:
        if call.error is not None and not issubclass(call.error, DOCUMENTED.get(call.name, ())):
            yield f"{call.side.value}, {call.thread}: {call}"


def ends_for_a_reason(history: History) -> Iterator[str]:
    """A connection ends because one side ends it, never by itself."""
    first_cause = min((cause.time for cause in history.causes()), default=float("inf"))
    for call in history.calls:
        is_end = call.error is not None and issubclass(call.error, refws.ConnectionClosed)
        if (is_end or (call.error and call.name == "connect")) and call.time < first_cause:
            yield f"{call.side.value}, {call.thread}: {call}, and no one had ended the connection"
            return


def learns_of_a_close(history: History) -> Iterator[str]:
    """A side on which no thread receives learns of its peer's Close from its next `send`."""
    first = min(history.causes(), key=lambda cause: cause.time, default=None)
    if first is None or first.code is None or first.side.peer not in history.alone:
        return
    if history.causes(first.side.peer):  # it ended the connection, too
        return
    side, late = first.side.peer, first.time + ALONE_S + history.slack_s
    for event in history.sent_by(side):
        if not event.error and event.time > late:
            yield f"{event.thread} could send {event.time - first.time:.1f} s after a Close"
    for call in history.calls:
        is_end = call.side is side and call.name == "send" and call.error is not None
        if is_end and first.code in FINE and call.error is not refws.ConnectionClosedOK:
            yield f"{call.thread}: {call}; ConnectionClosedOK was expected"
