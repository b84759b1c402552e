"""The cases of a run, and whether the server has outlived them: a dead server fails no further one.

A server of one thread, or of Node, ends at the first error that it does not catch. So the case that
did it fails, also if its answer was fine; the ones after it say nothing of the server's rules.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Condition, Event
from time import monotonic

from .case import Case
from .engine import Abilities, Grade, Result, run
from .opening import VALID
from .outcomes import Opens
from .seen import End
from .target import Target

RETURN_TIME = 5.0
"""Seconds that a server has to answer again, as one does that is started in a loop."""

PAUSE = 0.1
"""Seconds between two tries."""

VALID_REQUEST = Case("4.1-opening", "A valid request is answered with a valid 101.", "", Opens())

ENDED = "the server had ended before, or took no more connections"

NO_CONNECTION = "no connection"
"""How the result of a case begins for which TCP or TLS was not opened."""

OTHERS = "other cases ran at the same time, and it may have been one of them: --jobs 1 shows which"

TOO_MANY = 429, 503
"""Statuses of a server that takes no more connections for now."""


class Guard:
    """`judge` runs a case; several threads may call it.

    If the server has ended while several cases ran, and is back, each of them is run again alone.
    `_changed` is the lock of `_started` and `_running`, numbers of cases.
    """

    def __init__(self, target: Target, abilities: Abilities, patience: float = RETURN_TIME) -> None:
        self._target, self._abilities = target, abilities
        self._patience = patience
        self._ended = Event()
        self._changed = Condition()
        self._started = self._running = 0

    def judge(self, case: Case) -> Result:
        """The result of the case; skipped, if the server has ended before it."""
        if self._ended.is_set():
            return Result(case, Grade.SKIPPED, ENDED, case.best.words)
        result, were_others = self._run(case)
        result = self._examined(result)
        if result.outlived or not were_others:
            return result
        if self._ended.is_set():
            return replace(result, seen=f"{result.seen}; {OTHERS}")
        with self._changed:  # no other one can start meanwhile
            self._changed.wait_for(lambda: not self._running)
            return self._examined(run(case, self._target, self._abilities))

    def _run(self, case: Case) -> tuple[Result, bool]:
        """The result, and whether other cases ran at any time meanwhile."""
        with self._changed:
            were_others = self._running > 0
            self._running += 1
            self._started += 1
            started = self._started
        try:
            result = run(case, self._target, self._abilities)
        finally:
            with self._changed:
                self._running -= 1
                were_others = were_others or self._started > started
                self._changed.notify_all()
        return result, were_others

    def _examined(self, result: Result) -> Result:
        """The same, or the result of another try, or a failure if the server has ended."""
        case = result.case
        turned_away = is_turned_away(result)
        if not (turned_away or is_doubtful(result)):
            return result
        problem, is_back = ask(self._target, self._patience, self._ended)
        if not is_back:
            self._ended.set()
        if turned_away and is_back:  # what the case does before has been done, and had its effect
            again = run(replace(case, before=()), self._target, self._abilities)
            return replace(again, case=case)
        if turned_away:
            return replace(result, grade=Grade.FAIL)
        if is_back and not problem.startswith(NO_CONNECTION):
            return result  # it was only busy
        seen = f"{result.seen}; after that a valid opening handshake fails: {problem}"
        return replace(result, grade=Grade.FAIL, seen=seen, outlived=False)


def ask(target: Target, patience: float, given_up: Event) -> tuple[str, bool]:
    """What was wrong with a valid opening handshake, and whether one succeeds in the end.

    Blocks for `patience` seconds and one try at most; the event ends it sooner.
    """
    until = monotonic() + patience
    worst = problem = problem_with(target)
    while problem and monotonic() < until and not given_up.wait(PAUSE):
        problem = problem_with(target)
        if problem.startswith(NO_CONNECTION):
            worst = problem
    return worst, not problem


def problem_with(target: Target) -> str:
    result = run(VALID_REQUEST, target, Abilities())
    return "" if result.grade is Grade.PASS else result.seen


def is_doubtful(result: Result) -> bool:
    """Whether the server may have ended in this case: it left without a word, or is silent."""
    seen = result.observed
    if seen is None or seen.close is not None or (seen.response and not seen.agreement):
        return False
    return result.grade is not Grade.PASS or seen.end is not End.OPEN


def is_turned_away(result: Result) -> bool:
    """Whether the server did not take the connection, so that the result says nothing of a rule."""
    seen = result.observed
    if seen is None:
        return is_unreached(result)
    is_silent = seen.response is None and result.case.opening == VALID
    return is_silent or seen.status in TOO_MANY


def is_unreached(result: Result) -> bool:
    return result.observed is None and result.seen.startswith(NO_CONNECTION)
