"""The testsuite against a server or a client: cases in portions, the reports of all in one.

A server under test runs all the time, and fuzzing clients connect to it, one for each portion. A
client under test runs once for each portion, against a fuzzing server of its own. Either way the
testsuite runs its cases one after the other, prints each as it starts, and writes its reports at
the end.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import report
from cases import portions
from environment import ROOT, Referee, Testsuite
from progress import Progress

CASE_STARTS = re.compile(r"^Running test case ID (\S+) for agent", re.MULTILINE)
STARTUP_S = 20


class RunFailed(Exception):
    """The run could not finish."""


@dataclass(frozen=True)
class Server:
    """A server to test: its name in the reports, and its command for a port of 127.0.0.1."""

    name: str
    command: Callable[[int], Sequence[str | Path]]
    scheme: str = "ws"


@dataclass(frozen=True)
class Client:
    """A client to test: its name in the reports, and its command for a server's URL and cases."""

    name: str
    command: Callable[[str, Sequence[str]], Sequence[str | Path]]


@dataclass(frozen=True)
class Testee:
    """A server under test; `agent` is its name in the reports."""

    agent: str
    url: str


@dataclass(frozen=True)
class Limits:
    """Seconds for one case and for the whole run."""

    case_s: float
    run_s: float


def fuzz_server(
    referee: Referee,
    server: Server,
    selected: Sequence[str],
    directory: Path,
    jobs: int,
    limits: Limits,
) -> list[str]:
    """Start the server, run the cases, leave one report in `directory`; the notes of the run.

    RunFailed, or processes.CommandFailed when the server does not start.
    """
    report.clear(directory)
    port = processes.free_port()
    with processes.Process(
        server.command(port), directory / "server.log", directory=ROOT
    ) as process:
        processes.wait_for_port(process, port, STARTUP_S)
        testee = Testee(server.name, f"{server.scheme}://127.0.0.1:{port}/echo")
        run = Run(functools.partial(start_fuzzing_client, referee, testee), directory, process)
        return _execute(run, server.name, selected, directory, jobs, limits)


def fuzz_client(
    testsuite: Testsuite,
    client: Client,
    selected: Sequence[str],
    directory: Path,
    jobs: int,
    limits: Limits,
) -> list[str]:
    """Run the cases against the client, leave one report in `directory`; the notes of the run.

    RunFailed, or processes.CommandFailed when a fuzzing server does not start.
    """
    report.clear(directory)
    run = Run(functools.partial(start_fuzzing_server, testsuite, client), directory)
    return _execute(run, client.name, selected, directory, jobs, limits)


def _execute(
    run: Run, agent: str, selected: Sequence[str], directory: Path, jobs: int, limits: Limits
) -> list[str]:
    progress = Progress(selected, jobs, sys.stdout, time.monotonic())
    run.execute(portions(selected, jobs), jobs, limits, progress)
    report.merge(run.directories, agent, directory)
    return run.notes


def write_spec(directory: Path, cases: Sequence[str], peer: dict[str, Any]) -> Path:
    """A JSON file in a new directory with the cases to run and the other end, for the testsuite."""
    directory.mkdir(parents=True)
    file = directory / "spec.json"
    file.write_text(
        json.dumps({"outdir": str(directory), **peer, "cases": list(cases)}, indent=2), "utf-8"
    )
    return file


def last_started(output: str) -> str | None:
    """The case that the testsuite has printed last."""
    started = CASE_STARTS.findall(output)
    return started[-1] if started else None


def start_fuzzing_client(
    referee: Referee, testee: Testee, cases: Sequence[str], directory: Path
) -> Worker:
    spec = write_spec(directory, cases, {"servers": [{"agent": testee.agent, "url": testee.url}]})
    with ExitStack() as started:
        client = started.enter_context(
            processes.Process(referee.fuzzing_client(spec), directory / "output.txt")
        )
        return Worker(cases, directory, client, client.log, started.pop_all(), referee.passing)


def start_fuzzing_server(
    testsuite: Testsuite, client: Client, cases: Sequence[str], directory: Path
) -> Worker:
    """Start a fuzzing server, and the client under test there. Blocks until the server listens."""
    port = processes.free_port()
    url = f"ws://127.0.0.1:{port}"
    spec = write_spec(directory, cases, {"url": url})
    log = directory.with_name(f"{client.name}-{directory.name}.log")
    with ExitStack() as started:
        server = started.enter_context(
            processes.Process(testsuite.fuzzing_server(spec), directory / "output.txt")
        )
        processes.wait_for_port(server, port, STARTUP_S)
        process = started.enter_context(
            processes.Process(client.command(url, cases), log, directory=ROOT)
        )
        return Worker(cases, directory, process, server.log, started.pop_all())


class Worker:
    """One portion of the cases while it runs: `process` ends with one of `passing` if all is well.

    `output` is where the testsuite prints each case as it starts; `started` ends `process` and what
    it needs.
    """

    def __init__(
        self,
        cases: Sequence[str],
        directory: Path,
        process: processes.Process,
        output: Path,
        started: ExitStack,
        passing: Sequence[int] = (0,),
    ) -> None:
        self.cases = cases
        self.directory = directory
        self.process = process
        self.passing = passing
        self.current: str | None = None
        self._output = output
        self._started = started
        self._current_since = time.monotonic()

    def look(self, now: float) -> None:
        """Read what the testsuite has printed since the last call."""
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

    def hangs(self, now: float, case_s: float) -> bool:
        return self.process.status is None and now - self._current_since > case_s

    def cases_but_current(self) -> list[str]:
        """The cases to run once the current one is given up; none if not even one has started."""
        return [case for case in self.cases if case != self.current] if self.current else []

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
        self._workers.remove(worker)
        worker.stop()
        self._done.update(worker.cases)
        self.directories.append(worker.directory)
        if worker.process.status not in worker.passing:
            status, tail = worker.process.status, worker.process.tail()
            self.notes.append(
                f"a client ended with status {status} during {worker.current}:\n{tail}"
            )

    def _give_up(self, worker: Worker, limits: Limits) -> None:
        """Run the other cases again, because the testsuite reports none of them if one hangs."""
        self._workers.remove(worker)
        worker.stop()
        again = worker.cases_but_current()
        self._done.update(set(worker.cases) - set(again))
        what = worker.current or f"the first of {len(worker.cases)} cases"
        self.notes.append(f"{what} did not end within {limits.case_s:g} s (--case-timeout)")
        if again:
            self._waiting.appendleft(again)

    def _stop_workers(self) -> None:
        for worker in self._workers:
            worker.stop()
