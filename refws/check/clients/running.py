"""All cases against one client: it connects by itself, or a command is started for each case.

Commands may run some at a time, each on a port of its own: so what connects there is known to be
for the case of its command, even if it asks for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from queue import SimpleQueue
from threading import Event
from time import monotonic

from ..case import Case, Need
from ..engine import Grade, Result
from ..target import TIMEOUT
from .listening import CONNECTION, Listener, Run, Session, with_problem
from .program import Program, kill, started, words_of

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


OF_SEVERAL = frozenset({Need.EARLIER, Need.STARTS, Need.KEYS, Need.MASKS})
"""What a client has only after some connections."""


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
    jobs: int = 1,
) -> list[Result]:
    """A result for each case, in their order; `progress` gets them one by one, as soon as it can.

    Without a command it waits for the client to connect for each case, at most `wait` seconds each
    time; NoClient if it never does. Ctrl-C ends the run, and only the cases that have run then
    have a result. `timeout` is for each answer of the client, `deadline` for a command to connect,
    `jobs` the number of commands at a time. BadCommand if it cannot be started, OSError if there
    are not enough ports.
    """
    session = Session(listener, cases, progress, timeout)
    try:
        if command is None:
            session.listen(wait)
        else:
            run_command(session, listener, cases, words_of(command), deadline, jobs)
    except KeyboardInterrupt:
        return session.results_so_far()  # they are worth a report
    return session.results()


def run_command(
    session: Session,
    listener: Listener,
    cases: Sequence[Case],
    words: list[str],
    deadline: float,
    jobs: int,
) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(listener.another()) for _ in range(1, jobs)]
        sessions = [session, *map(session.beside, others)]
        run_at([Post(each, words, deadline) for each in sessions], cases, session.note)


def run_at(
    posts: Sequence[Post], cases: Iterable[Case], note: Callable[[int, Result], None]
) -> None:
    """Run each case at a post that is free; `note` gets the results in the order of `in_turn`.

    At its end no command runs, also after an error or Ctrl-C.
    """
    free: SimpleQueue[Post] = SimpleQueue()
    for post in posts:
        free.put(post)

    def run(numbered: tuple[int, Case]) -> tuple[Result, bool]:
        post = free.get()
        try:
            return post.run(*numbered)
        finally:
            free.put(post)

    silent, connected = 0, False
    with ThreadPoolExecutor(len(posts), "check") as executor:
        try:
            numbered = in_turn(cases)
            runs = zip(numbered, executor.map(run, numbered), strict=True)
            for (number, _), (result, has_connected) in runs:
                note(number, result)
                connected |= has_connected
                silent = 0 if has_connected else silent + 1
                if silent >= MANY_SILENT and not connected:
                    return
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for post in posts:
                post.stop()


def in_turn(cases: Iterable[Case]) -> list[tuple[int, Case]]:
    """The cases with their numbers; at the end those that judge several connections together."""
    return sorted(enumerate(cases, 1), key=lambda numbered: bool(numbered[1].needs & OF_SEVERAL))


class Post:
    """A port where one command at a time is tested. For one thread; `stop` is for any."""

    def __init__(self, session: Session, words: list[str], deadline: float) -> None:
        self._session = session
        self._words = words
        self._deadline = deadline
        self._program: Program | None = None  # written by the thread of `run`
        self._stopped = Event()

    def run(self, number: int, case: Case) -> tuple[Result, bool]:
        """The result of the case, and whether the command has connected for it."""
        with started(self._words, self._session.uri_of(number)) as program:
            self._program = program
            run = self._wait_for_run(program, number)
            if run is not None:
                program.wait(GRACE)
            result = self._never_connected(case, program) if run is None else run.result
        return replace(result, output=program.output()), run is not None

    def stop(self) -> None:
        """End the command that runs, and with it its case; no other one gets a case.

        A command that starts just now is ended by its own thread, which looks at `_stopped` next.
        """
        self._stopped.set()
        if (program := self._program) is not None:
            kill(program.process)

    def _wait_for_run(self, program: Program, number: int) -> Run | None:
        """The run of this case; None if the command does not connect in time, or ends before."""
        session = self._session
        session.tls_problem = ""
        until = monotonic() + self._deadline
        has_ended = False
        while (left := until - monotonic()) > 0 and not self._stopped.is_set():
            sock = session.listener.accept(min(left, POLL))
            if sock is not None and (run := session.serve(sock, number)):
                return run
            if not has_ended and program.status is not None:
                has_ended, until = True, min(until, monotonic() + LATE)
        return None

    def _never_connected(self, case: Case, program: Program) -> Result:
        status, expected = program.status, CONNECTION
        if status is None:
            seen = f"the command did not connect within {self._deadline:g} s"
            expected += "; --wait 60 gives the command more time"
        else:
            seen = f"the command ended with exit status {status}, without a connection"
        return Result(case, Grade.FAIL, with_problem(seen, self._session.tls_problem), expected)
