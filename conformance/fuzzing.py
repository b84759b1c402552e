"""The testsuite against a server or a client: cases in portions, the reports of all in one.

A server under test runs all the time, and fuzzing clients connect to it, one for each portion. A
client under test runs once for each portion, against a fuzzing server of its own. Either way the
testsuite runs its cases one after the other, prints each as it starts, and writes its reports at
the end; kosoku prints nothing.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import report
from cases import portions
from environment import ROOT
from progress import Progress
from referees import Referee
from refws import WebSocketException, connect
from workers import Limits, Run, Worker

STARTUP_S = 20
REPORTS_S = 60


@dataclass(frozen=True)
class Server:
    """A server to test: its name in the reports, and its command for a port of 127.0.0.1."""

    name: str
    command: Callable[[int], Sequence[str | Path]]
    scheme: str = "ws"


@dataclass(frozen=True)
class Client:
    """A client to test: its name in the reports, and its command for a server's URL and cases.

    It starts in `directory`, None for the current one; once for each case if `one_case_each`.
    """

    name: str
    command: Callable[[str, Sequence[str]], Sequence[str | Path]]
    directory: Path | None = ROOT
    one_case_each: bool = False


@dataclass(frozen=True)
class Testee:
    """A server under test; `agent` is its name in the reports."""

    agent: str
    url: str


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
        return _execute(run, server.name, portions(selected, jobs), directory, jobs, limits)


def fuzz_running_server(
    referee: Referee,
    testee: Testee,
    selected: Sequence[str],
    directory: Path,
    jobs: int,
    limits: Limits,
) -> list[str]:
    """The same with a server that somebody else has started. RunFailed."""
    report.clear(directory)
    run = Run(functools.partial(start_fuzzing_client, referee, testee), directory)
    return _execute(run, testee.agent, portions(selected, jobs), directory, jobs, limits)


def fuzz_client(
    referee: Referee,
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
    run = Run(functools.partial(start_fuzzing_server, referee, client), directory)
    parts = [[case] for case in selected] if client.one_case_each else portions(selected, jobs)
    return _execute(run, client.name, parts, directory, jobs, limits)


def _execute(
    run: Run,
    agent: str,
    parts: Sequence[Sequence[str]],
    directory: Path,
    jobs: int,
    limits: Limits,
) -> list[str]:
    selected = [case for part in parts for case in part]
    progress = Progress(selected, jobs, sys.stdout, time.monotonic())
    run.execute(parts, jobs, limits, progress)
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


def start_fuzzing_client(
    referee: Referee, testee: Testee, cases: Sequence[str], directory: Path
) -> Worker:
    spec = write_spec(directory, cases, {"servers": [{"agent": testee.agent, "url": testee.url}]})
    with ExitStack() as started:
        client = started.enter_context(
            processes.Process(referee.fuzzing_client(spec), directory / "output.txt")
        )
        return Worker(
            cases,
            directory,
            client,
            client.log if referee.prints_cases else None,
            started.pop_all(),
            lambda: client.status in referee.passing,
        )


def start_fuzzing_server(
    referee: Referee, client: Client, cases: Sequence[str], directory: Path
) -> Worker:
    """Start a fuzzing server, and the client under test there. Blocks until the server listens."""
    port = processes.free_port()
    url = f"ws://127.0.0.1:{port}"
    spec = write_spec(directory, cases, {"url": url})
    log = directory.with_name(f"{client.name}-{directory.name}.log")
    with ExitStack() as started:
        server = started.enter_context(
            processes.Process(referee.fuzzing_server(spec), directory / "output.txt")
        )
        processes.wait_for_port(server, port, STARTUP_S)
        process = started.enter_context(
            processes.Process(client.command(url, cases), log, directory=client.directory)
        )

        def all_is_well() -> bool:
            await_reports(referee, server, url, client.name, directory)
            all_judged = set(cases) <= set(report.read(directory, client.name))
            status_counts = not (referee.ends_with_reports or client.one_case_each)
            return process.status == 0 or (all_judged and not status_counts)

        return Worker(
            cases,
            directory,
            process,
            server.log if referee.prints_cases else None,
            started.pop_all(),
            all_is_well,
        )


def await_reports(
    referee: Referee, server: processes.Process, url: str, agent: str, directory: Path
) -> None:
    """Return when the fuzzing server has written its reports; it is asked, unless the client did.

    Its answer to any other question comes after the reports. kosoku has no answer, it ends; clients
    that asked it take that for an error. Clients that only echo ask nothing, and may end with an
    error wherever the connection is failed.
    """
    written = (directory / report.INDEX).is_file()
    question = "getCaseCount" if written else f"updateReports?agent={agent}"
    asked = f"{url}/{question}"
    with suppress(WebSocketException, OSError), connect(asked, open_timeout=REPORTS_S) as answer:
        answer.recv(timeout=REPORTS_S)
    if referee.ends_with_reports:
        processes.wait_for_end(server, REPORTS_S)
