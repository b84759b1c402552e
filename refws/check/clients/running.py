"""All cases against one client: it connects by itself, or a command is started for each case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from ..case import Case
from ..engine import Grade, Result
from ..target import TIMEOUT
from .listening import Listener, Run, Session, resource_of, with_problem
from .program import Program, started, words_of

DEADLINE = 10.0
"""Seconds after its start in which a command must connect."""

POLL = 0.05
"""Seconds after which is looked whether a command has ended."""

LATE = 0.5
"""Seconds in which a connection may still come from what a command has started before it ended."""

GRACE = 1.0
"""Seconds after its case in which a command may end by itself."""

MANY_SILENT = 2
"""Commands in a row that do not connect, before any has, until no more are started."""


def ignore(result: Result) -> None:
    """For a caller that wants no progress."""


def run_clients(
    listener: Listener,
    cases: Sequence[Case],
    command: str | None = None,
    progress: Callable[[Result], None] = ignore,
    *,
    timeout: float = TIMEOUT,
    deadline: float = DEADLINE,
    wait: float | None = None,
) -> list[Result]:
    """A result for each case, in their order; `progress` gets each one as soon as it is there.

    Without a command it waits for the client to connect for each case, at most `wait` seconds each
    time; Ctrl-C ends that, and the cases that have not run are skipped. `timeout` is for each
    answer of the client, `deadline` for a command to connect. BadCommand if it cannot be started.
    """
    session = Session(listener, cases, progress, timeout)
    try:
        if command is None:
            session.listen(wait)
        else:
            run_command(session, listener, cases, words_of(command), deadline)
    except KeyboardInterrupt:
        pass  # what has run is worth a report
    return session.results()


def run_command(
    session: Session,
    listener: Listener,
    cases: Sequence[Case],
    words: list[str],
    deadline: float,
) -> None:
    silent, connected = 0, False
    for number, case in enumerate(cases, 1):
        with started(words, listener.uri(resource_of(number))) as program:
            run = wait_for_run(session, listener, program, number, deadline)
            if run is not None:
                program.wait(GRACE)
            result = (
                never_connected(case, program, deadline, session.tls_problem)
                if run is None
                else run.result
            )
            session.note(number, replace(result, output=program.output()))
        connected |= run is not None
        silent = 0 if run is not None else silent + 1
        if silent >= MANY_SILENT and not connected:
            return


def wait_for_run(
    session: Session, listener: Listener, program: Program, number: int, deadline: float
) -> Run | None:
    """The run of this case; None if the command does not connect in time, or ends before."""
    session.tls_problem = ""
    until = monotonic() + deadline
    has_ended = False
    while (left := until - monotonic()) > 0:
        sock = listener.accept(min(left, POLL))
        if sock is not None and (run := session.serve(sock, number)):
            return run
        if not has_ended and program.status is not None:
            has_ended, until = True, min(until, monotonic() + LATE)
    return None


def never_connected(case: Case, program: Program, deadline: float, tls_problem: str) -> Result:
    status = program.status
    if status is None:
        seen = f"the command did not connect within {deadline:g} s"
    else:
        seen = f"the command ended with exit status {status}, without a connection"
    return Result(case, Grade.FAIL, with_problem(seen, tls_problem), case.best.words)
