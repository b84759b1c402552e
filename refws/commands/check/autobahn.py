"""`python3 -m refws check --autobahn`: Autobahn's cases, in a process of conformance/autobahn.py.

That program is in a checkout, not in an installed refws, so it is started and not imported. It
prints its progress on stderr, and its JSON says what it has found.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from ...check.autobahn import Run, read_run, with_run
from ...check.runner import Report
from ..options import CommandLine
from .options import chosen_uri

PROGRAM = Path(__file__).resolve().parents[3] / "conformance" / "autobahn.py"

AGENT = "checked"
"""The name of the endpoint in the testsuite's own reports."""

QUICK = "ci"
"""The cases that take a few minutes together."""

STDERR = 2


class NoAutobahn(Exception):
    """Autobahn's cases cannot run, or gave no results; the message says what to do."""


def check_autobahn(parser: CommandLine, options: argparse.Namespace) -> None:
    """Better an error now than after the run: NoAutobahn, BadRun, OSError."""
    if options.autobahn and options.autobahn_run:
        parser.error("--autobahn runs the cases, --autobahn-run has a run: give one of them")
    if options.autobahn_run:
        read_run(options.autobahn_run)
    if not options.autobahn:
        return
    if options.listen is not None and not options.command:
        parser.error("--autobahn starts the client for each case: give --command, too")
    if not PROGRAM.is_file():
        raise NoAutobahn(
            "--autobahn needs conformance/autobahn.py, which is in a checkout of refws and not in "
            "an installed one: run it there with --json FILE, and give --autobahn-run FILE here"
        )


def add_autobahn(options: argparse.Namespace, report: Report) -> Report:
    """The report with Autobahn's cases, if the options ask for them. NoAutobahn, or BadRun.

    Blocks for some minutes. Ctrl-C ends it with a KeyboardInterrupt once all processes have ended.
    """
    if options.autobahn_run:
        return with_run(report, read_run(options.autobahn_run))
    if not options.autobahn:
        return report
    began = monotonic()
    run = run_autobahn(options)
    return with_run(report, run, monotonic() - began)


def run_autobahn(options: argparse.Namespace) -> Run:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "run.json"
        status = run_program([*words_for(options), "--json", str(file)])
        if not file.is_file():
            what = f"Autobahn's cases gave no results, exit status {status}"
            raise NoAutobahn(f"{what}: what conformance/autobahn.py has printed says what to do")
        return read_run(file)


def words_for(options: argparse.Namespace) -> Iterator[str]:
    """The command for the same endpoint."""
    yield from (sys.executable, str(PROGRAM))
    if options.listen is None:
        yield from ("server", "--url", str(chosen_uri(options)))
    else:
        yield from ("client", "--command", options.command.replace("{url}", "{case_url}"))
    yield from ("--agent", AGENT, "--jobs", str(options.jobs))
    if not options.slow:
        yield from ("--cases", QUICK)
    if options.tapes:
        yield from ("--tapes", options.tapes)


def run_program(words: list[str]) -> int:
    """Run it to its end; its exit status. It gets Ctrl-C too, and then ends what it has started."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=STDERR) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
