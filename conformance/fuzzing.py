"""The real testsuite's fuzzing clients against a server: cases -> a report, by way of one for each portion of them.

A fuzzing client runs its cases one after the other, prints each as it starts, and writes its reports at the end.
"""

from __future__ import annotations

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

import processes
import report
from cases import portions
from environment import ROOT, Referee
from progress import Progress

CASE_STARTS = re.compile(r"^Running test case ID (\S+) for agent", re.MULTILINE)
STARTUP_S = 20


class RunFailed(Exception):
    """The run could not go on to its end."""


@dataclass(frozen=True)
class Server:
    """What is to be tested: its name in the reports, and the command that serves on a port of 127.0.0.1."""

    name: str
    command: Callable[[int], Sequence[str | Path]]


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


def fuzz(
    referee: Referee, server: Server, selected: Sequence[str], directory: Path, clients: int, limits: Limits
) -> list[str]:
    """Starts the server, runs the cases, leaves one report in `directory`; returns what went wrong on the way.

    Raises RunFailed, and processes.CommandFailed when the server does not start.
    """
    report.clear(directory)
    port = processes.free_port()
    with processes.Process(server.command(port), directory / "server.log", directory=ROOT) as process:
        processes.wait_for_port(process, port, STARTUP_S)
        run = Run(referee, Testee(server.name, f"ws://127.0.0.1:{port}/echo"), process, directory)
        progress = Progress(selected, clients, sys.stdout, time.monotonic())
        run.execute(portions(selected, clients), clients, limits, progress)
    report.merge(run.directories, server.name, directory)
    return run.notes


def spec(testee: Testee, cases: Sequence[str], directory: Path) -> str:
    """What a fuzzing client is told: JSON of the testsuite's form."""
    servers = [{"agent": testee.agent, "url": testee.url}]
    return json.dumps({"outdir": str(directory), "servers": servers, "cases": list(cases)}, indent=2)


def last_started(output: str) -> str | None:
    """The case that the client printed last."""
    started = CASE_STARTS.findall(output)
    return started[-1] if started else None


class FuzzingClient:
    """One process of the testsuite at work on one portion of the cases."""

    def __init__(self, referee: Referee, testee: Testee, cases: Sequence[str], directory: Path) -> None:
        self.cases = cases
        self.directory = directory
        directory.mkdir(parents=True)
        spec_file = directory / "spec.json"
        spec_file.write_text(spec(testee, cases, directory), "utf-8")
        self.process = processes.Process(referee.fuzzing_client(spec_file), directory / "output.txt")
        self.current: str | None = None
        self._current_since = time.monotonic()

    def look(self, now: float) -> None:
        """Takes in what the client has printed since."""
        case = last_started(self.process.log.read_text("utf-8", "replace"))
        if case != self.current:
            self.current = case
            self._current_since = now

    @property
    def done(self) -> Sequence[str]:
        """The cases before the current one, or all when the client has ended."""
        if self.process.status is not None:
            return self.cases
        return self.cases[: self.cases.index(self.current)] if self.current in self.cases else ()

    def hangs(self, now: float, case_s: float) -> bool:
        return self.process.status is None and now - self._current_since > case_s

    def cases_but_current(self) -> list[str]:
        """What is left to do when the current case is given up; nothing when not even the first one starts."""
        return [case for case in self.cases if case != self.current] if self.current else []


class Run:
    """All portions against one server, several clients at a time.

    `directories` holds the reports of the clients that have ended, `notes` what went wrong on the way.
    """

    def __init__(self, referee: Referee, testee: Testee, server: processes.Process, directory: Path) -> None:
        self.directories: list[Path] = []
        self.notes: list[str] = []
        self._referee = referee
        self._testee = testee
        self._server = server
        self._directory = directory
        self._waiting: deque[Sequence[str]] = deque()
        self._clients: list[FuzzingClient] = []
        self._done: set[str] = set()
        self._numbers = itertools.count(1)

    def execute(self, portions: Iterable[Sequence[str]], clients: int, limits: Limits, progress: Progress) -> None:
        """Blocks until all portions are done, at most `limits.run_s`. Raises RunFailed. Leaves no client behind."""
        deadline = time.monotonic() + limits.run_s
        self._waiting.extend(portions)
        with ExitStack() as cleanup:
            cleanup.callback(self._stop_clients)
            cleanup.callback(progress.end)
            while self._waiting or self._clients:
                self._check_server()
                self._check_time(deadline, limits)
                self._start_clients(clients)
                processes.pause()
                self._collect(limits)
                progress.show(self._all_done(), self._current(), time.monotonic())
            self._check_server()

    def _check_server(self) -> None:
        if self._server.status is not None:
            status = self._server.status
            raise RunFailed(f"the server ended with status {status} {self._during()}:\n{self._server.tail()}")

    def _check_time(self, deadline: float, limits: Limits) -> None:
        if time.monotonic() > deadline:
            raise RunFailed(f"no end after {limits.run_s:g} s, {self._during()}; raise --deadline on a slow machine")

    def _during(self) -> str:
        return f"during {', '.join(self._current())}" if self._current() else "between the cases"

    def _all_done(self) -> set[str]:
        return self._done.union(*(client.done for client in self._clients))

    def _current(self) -> list[str]:
        return [client.current for client in self._clients if client.current]

    def _start_clients(self, clients: int) -> None:
        while self._waiting and len(self._clients) < clients:
            directory = self._directory / f"client-{next(self._numbers):03d}"
            self._clients.append(FuzzingClient(self._referee, self._testee, self._waiting.popleft(), directory))

    def _collect(self, limits: Limits) -> None:
        now = time.monotonic()
        for client in list(self._clients):
            client.look(now)
            if client.process.status is not None:
                self._finish(client)
            elif client.hangs(now, limits.case_s):
                self._give_up(client, limits)

    def _finish(self, client: FuzzingClient) -> None:
        self._clients.remove(client)
        client.process.stop()
        self._done.update(client.cases)
        self.directories.append(client.directory)
        if client.process.status not in self._referee.passing:
            self.notes.append(f"a fuzzing client ended with status {client.process.status}:\n{client.process.tail()}")

    def _give_up(self, client: FuzzingClient, limits: Limits) -> None:
        """The client would report nothing of its other cases, so they run again without the one that hangs."""
        self._clients.remove(client)
        client.process.stop()
        again = client.cases_but_current()
        self._done.update(set(client.cases) - set(again))
        what = client.current or f"the first of {len(client.cases)} cases"
        self.notes.append(f"{what} made no end within {limits.case_s:g} s (--case-timeout)")
        if again:
            self._waiting.appendleft(again)

    def _stop_clients(self) -> None:
        for client in self._clients:
            client.process.stop()
