"""RFC 6455 §7.2.3: a connection that was lost -> another one, after a delay that grows.

If a server fails, all its clients lose their connections at the same moment. Would they come back
at the same moment, too, then it would fail again. So the first delay is random.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

from ...protocol.errors import InvalidHandshake
from .session import Plan, Session

Start = Callable[[Plan, float], Session]
"""Waits for this number of seconds, opens a connection, and gives a session on it."""

ShowFailure = Callable[[InvalidHandshake | OSError], None]

FIRST_DELAY = 5.0
"""Seconds: the first attempt waits up to this long (§7.2.3)."""

MAX_DELAY = 60.0
"""Seconds that no attempt waits longer than: where the exponential backoff is truncated."""


def delays() -> Iterator[float]:
    """Seconds before each attempt: at random 0 to 5, then 5 to 10, 10 to 20, and so on.

    Each delay is in the upper half of a range that doubles, so it is never below the one before it,
    up to 30 to 60 seconds.
    """
    yield random.uniform(0, FIRST_DELAY)
    longest = FIRST_DELAY
    while True:
        longest = min(2 * longest, MAX_DELAY)
        yield random.uniform(longest / 2, longest)


def run_all(plan: Plan, first: Session, start: Start, show_failure: ShowFailure) -> int:
    """Run this session, and another one as often as the connection is lost; the last exit status.

    KeyboardInterrupt for Ctrl-C while no connection is open.
    """
    session, status = first, first.run()
    while session.lost:
        end_at_signals()
        if session.lost:  # no signal has come before that
            if plan.count is not None:
                plan = replace(plan, count=plan.count - session.received)
            session = start_again(plan, start, show_failure)
            status = session.run()
    return status


def end_at_signals() -> None:
    """The signals do what they do in any program, and no more what the last session has set."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def start_again(plan: Plan, start: Start, show_failure: ShowFailure) -> Session:
    """The next session, after as many attempts as that takes."""
    for delay in delays():
        try:
            return start(plan, delay)
        except (InvalidHandshake, OSError) as error:
            show_failure(error)
    raise AssertionError("the delays have no end")
