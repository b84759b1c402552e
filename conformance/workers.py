"""Portions of the cases, several of them at a time, until all are done.

A worker is a process that runs a portion, and what it needs. A case that hangs is given up, and the
other cases of its portion run again.
"""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import processes
from cases import typical_s
from progress import Progress

CASE_STARTS = re.compile(r"^Running test case ID (\S+) for agent", re.MULTILINE)

SILENT_S, TIMES_TYPICAL = 60, 5
"""A portion hangs if it takes this time and this many times the typical one, and prints nothing."""


class RunFailed(Exception):
    """The run could not finish."""


@dataclass(frozen=True)
class Limits:
    """Seconds for one case and for the whole run."""

    case_s: float
    run_s: float


def last_started(output: str) -> str | None:
    """The case that the testsuite has printed last."""
    started = CASE_STARTS.findall(output)
    return started[-1] if started else None


class Worker:
    """One portion of the cases while it runs, until `process` ends.

    `output` is where the testsuite prints each case as it starts, None if it prints nothing;
    `started` ends `process` and what it needs; `all_is_well` waits for the reports after the end.
    """

    def __init__(
        self,
        cases: Sequence[str],
        directory: Path,
        process: processes.Process,
        output: Path | None,
        started: ExitStack,
        all_is_well: Callable[[], bool],
    ) -> None:
        self.cases = cases
        self.directory = directory
        self.process = process
        self.all_is_well = all_is_well
        self.current: str | None = None
        self._output = output
        self._started = started
        self._current_since = time.monotonic()

    def look(self, now: float) -> None:
        """Read what the testsuite has printed since the last call."""
        if self._output is None:
            return
        case = last_started(self._output.read_text("utf-8", "replace"))
        if case != self.current:
            self.current = case
            self._current_since = now

    @property
    def done(self) -> Sequence[str]:
        """The cases before the current one, or all when the process has ended."""
        if self.process.status is not None:
            return self.cases
        return self.cases[: self.cases.index(self.current)] if self.current in self.cases else ()

    @property
    def what(self) -> str:
        """What it does now: a case, or the portion if the case is not known."""
        if self.current or len(self.cases) == 1:
            return self.current or self.cases[0]
        return f"the first of {len(self.cases)} cases"

    def hangs(self, now: float, case_s: float) -> bool:
        return self.process.status is None and now - self._current_since > self.patience_s(case_s)

    def patience_s(self, case_s: float) -> float:
        """Seconds for the current case; for the whole portion if the cases are not printed."""
        if self._output is not None:
            return case_s
        return min(case_s, SILENT_S + TIMES_TYPICAL * sum(map(typical_s, self.cases)))

    def portions_again(self) -> list[list[str]]:
        """What to run again after the current case was given up.

        Nothing if not even one has started; each case by itself if the current one is not known.
        """
        if self._output is None:
            return [[case] for case in self.cases] if len(self.cases) > 1 else []
        others = [case for case in self.cases if case != self.current]
        return [others] if self.current and others else []

    def stop(self) -> None:
        self._started.close()


class Run:
    """All portions, several of them at a time; `server` is the one under test, if it is one.

    `directories` holds the reports of the portions that are done, `notes` the errors of the run.
    """

    def __init__(
        self,
        start: Callable[[Sequence[str], Path], Worker],
        directory: Path,
        server: processes.Process | None = None,
    ) -> None:
        self.directories: list[Path] = []
        self.notes: list[str] = []
        self._start = start
        self._directory = directory
        self._server = server
        self._waiting: deque[Sequence[str]] = deque()
        self._workers: list[Worker] = []
        self._done: set[str] = set()
        self._numbers = itertools.count(1)

    def execute(
        self, portions: Iterable[Sequence[str]], jobs: int, limits: Limits, progress: Progress
    ) -> None:
        """Block until all portions are done, at most `limits.run_s`; RunFailed."""
        deadline = time.monotonic() + limits.run_s
        self._waiting.extend(portions)
        with ExitStack() as cleanup:
            cleanup.callback(self._stop_workers)
            cleanup.callback(progress.end)
            while self._waiting or self._workers:
                self._check_server()
                self._check_time(deadline, limits)
                self._start_workers(jobs)
                processes.pause()
                self._collect(limits)
                progress.show(self._all_done(), self._current(), time.monotonic())
            self._check_server()

    def _check_server(self) -> None:
        if self._server is not None and self._server.status is not None:
            status = self._server.status
            raise RunFailed(
                f"the server ended with status {status} {self._during()}:\n{self._server.tail()}"
            )

    def _check_time(self, deadline: float, limits: Limits) -> None:
        if time.monotonic() > deadline:
            raise RunFailed(
                f"no end after {limits.run_s:g} s, {self._during()}; raise --deadline on a "
                "slow machine"
            )

    def _during(self) -> str:
        return f"during {', '.join(self._current())}" if self._current() else "between the cases"

    def _all_done(self) -> set[str]:
        return self._done.union(*(worker.done for worker in self._workers))

    def _current(self) -> list[str]:
        return [worker.current for worker in self._workers if worker.current]

    def _start_workers(self, jobs: int) -> None:
        while self._waiting and len(self._workers) < jobs:
            directory = self._directory / f"portion-{next(self._numbers):03d}"
            self._workers.append(self._start(self._waiting.popleft(), directory))

    def _collect(self, limits: Limits) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            worker.look(now)
            if worker.process.status is not None:
                self._finish(worker)
            elif worker.hangs(now, limits.case_s):
                self._give_up(worker, limits)

    def _finish(self, worker: Worker) -> None:
        all_is_well = worker.all_is_well()
        self._workers.remove(worker)
        worker.stop()
        self._done.update(worker.cases)
        self.directories.append(worker.directory)
        if not all_is_well:
            status, tail = worker.process.status, worker.process.tail()
            self.notes.append(f"a client ended with status {status} during {worker.what}:\n{tail}")

    def _give_up(self, worker: Worker, limits: Limits) -> None:
        """Run the other cases again, because the testsuite reports none of them if one hangs."""
        self._workers.remove(worker)
        worker.stop()
        again = worker.portions_again()
        given_up = set(worker.cases).difference(*again)
        self._done.update(given_up)
        if given_up:
            patience_s = worker.patience_s(limits.case_s)
            self.notes.append(f"{worker.what} did not end within {patience_s:g} s (--case-timeout)")
        self._waiting.extendleft(reversed(again))

    def _stop_workers(self) -> None:
        for worker in self._workers:
            worker.stop()
