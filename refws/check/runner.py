"""A selection of cases -> a report: some at a time, the results in the order of the cases."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from queue import SimpleQueue
from threading import Thread
from time import monotonic

from .case import Case, Group, Level, Need
from .engine import Grade, Result

Judge = Callable[[Case], Result]
"""Runs one case; several threads call it at once."""

Note = Callable[[Result], None]


# The selection


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases to run; an empty tuple leaves none out. `only` are globs of their names."""

    only: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    slow: bool = False

    def takes(self, case: Case, group: Group) -> bool:
        return (
            (not self.only or any(fnmatchcase(case.name, glob) for glob in self.only))
            and (not self.groups or group.name in self.groups)
            and (not self.levels or case.level in self.levels)
            and (self.slow or not case.slow)
        )


def select(groups: Iterable[Group], selection: Selection) -> tuple[Group, ...]:
    """The groups with the selected cases only; a group without any is left out."""
    chosen = (
        replace(group, cases=tuple(case for case in group.cases if selection.takes(case, group)))
        for group in groups
    )
    return tuple(group for group in chosen if group.cases)


# The report


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the cases of these groups, in their order.

    `address` is the URI of the endpoint under test, `started` when the run began. After an
    interruption, only the cases that were over then have a result. `remarks` are sentences on what
    a survey has found out.
    """

    address: str
    lacks: frozenset[Need]
    groups: tuple[Group, ...]
    results: tuple[Result, ...]
    started: datetime
    seconds: float
    interrupted: bool = False
    remarks: tuple[str, ...] = ()

    def graded(self, *grades: Grade) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.grade in grades)

    def by_group(self) -> Iterator[tuple[Group, tuple[Result, ...]]]:
        for group in self.groups:
            names = {case.name for case in group.cases}
            yield group, tuple(result for result in self.results if result.case.name in names)


def run_groups(
    groups: tuple[Group, ...],
    judge: Judge,
    address: str = "",
    lacks: frozenset[Need] = frozenset(),
    jobs: int = 1,
    note: Note = lambda result: None,
) -> Report:
    """Run all cases, `jobs` at a time; `note` gets each result at once, in this thread.

    Ctrl-C ends it early, with the results so far.
    """
    cases = [case for group in groups for case in group.cases]
    started, began = datetime.now(UTC), monotonic()
    results: dict[str, Result] = {}
    interrupted = False
    try:
        for result in judged(cases, judge, jobs):
            results[result.case.name] = result
            note(result)
    except KeyboardInterrupt:
        interrupted = True
    in_order = tuple(results[case.name] for case in cases if case.name in results)
    return Report(address, lacks, groups, in_order, started, monotonic() - began, interrupted)


def judged(cases: Sequence[Case], judge: Judge, jobs: int) -> Iterator[Result]:
    """The results, each as soon as it is known. If the caller stops, no more cases begin.

    The threads are not waited for: at an early end each is still in the middle of a case.
    """
    left = deque(cases)  # `popleft` is atomic
    results: SimpleQueue[Result] = SimpleQueue()

    def work() -> None:
        while left:
            try:
                case = left.popleft()
            except IndexError:  # another thread was faster
                return
            results.put(judged_safely(case, judge))

    for number in range(min(jobs, len(cases))):
        Thread(target=work, name=f"check {number + 1}", daemon=True).start()
    try:
        for _ in cases:
            yield results.get()
    finally:
        left.clear()


def judged_safely(case: Case, judge: Judge) -> Result:
    """The result. An internal error of refws is one, too: it never looks like a passed case.

    What crossed is kept only if somebody may ask for it, so that the memory stays small.
    """
    try:
        result = judge(case)
    except Exception as error:
        seen = f"an internal error of refws, {error!a}: please report it"
        return Result(case, Grade.FAIL, seen, case.best.words)
    if result.grade in (Grade.FAIL, Grade.WEAK):
        return result
    return replace(result, crossed=(), observed=None)
