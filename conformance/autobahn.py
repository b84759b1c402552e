"""refws against Autobahn's testsuite: `python3 conformance/autobahn.py server`.

Exit status: 0 all as expected, 1 a difference or a failed run, 2 wrong usage, 3 the testsuite could not be had,
130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import environment
import fuzzing
import processes
import report
from cases import UnknownCases, portions, select
from progress import Progress, clock

HERE = Path(__file__).resolve().parent
REPORTS = HERE / "reports" / "server"
EXPECTED = HERE / "expected-server.json"

AGENT = "refws"
MAX_MESSAGE_SIZE = 32 * 2**20
"""The longest message of the testsuite has 16 MiB."""

NOT_YET = ("12.*", "13.*")
"""permessage-deflate: left out unless asked for by --cases."""

AS_EXPECTED, DIFFERENT, WRONG_USAGE, UNAVAILABLE, INTERRUPTED = 0, 1, 2, 3, 130


def say(line: str = "") -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    processes.hear_signals()
    try:
        return arguments.command(arguments)
    except UnknownCases as error:
        return _complain(error, WRONG_USAGE)
    except environment.Unavailable as error:
        return _complain(error, UNAVAILABLE)
    except (fuzzing.RunFailed, processes.CommandFailed) as error:
        return _complain(error, DIFFERENT)
    except KeyboardInterrupt:
        return _complain("interrupted; all processes have ended", INTERRUPTED)


def _complain(what: object, status: int) -> int:
    print(f"autobahn.py: {what}", file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="autobahn.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = result.add_subparsers(title="commands", required=True, metavar="COMMAND")
    server = commands.add_parser("server", help="run the fuzzing client against our server and judge its report")
    server.set_defaults(command=run_server)
    add_run_options(server)
    return result


def add_run_options(command: argparse.ArgumentParser) -> None:
    """What every command has that runs cases."""

    def option(name: str, kind: Callable[[str], object], metavar: str, default: object, text: str) -> None:
        command.add_argument(name, type=kind, metavar=metavar, default=default, help=text)

    option("--cases", _patterns, "PATTERNS", None, "such as 1.*,2.*,9.1.1 (default: all but 12.*,13.*)")
    option("--exclude-cases", _patterns, "PATTERNS", (), "cases left out of these")
    option("--jobs", _positive, "N", os.cpu_count() or 1, "fuzzing clients at once (default: one a core, %(default)s)")
    option("--case-timeout", _positive, "S", 500, "seconds until a case counts as hanging (default: %(default)s)")
    option("--deadline", _positive, "S", 3600, "seconds for the whole run (default: %(default)s)")


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def run_server(arguments: argparse.Namespace) -> int:
    """Runs the selected cases against our server; the exit status says whether all went as expected."""
    testsuite = environment.testsuite(say)
    expectation = report.Expectation.load(EXPECTED)
    selected = selection(set(testsuite.cases()) | set(expectation.verdicts), arguments)
    started = time.monotonic()
    report.clear(REPORTS)
    notes = fuzz(testsuite, selected, arguments)
    return judge(selected, expectation, notes, time.monotonic() - started)


def selection(known: set[str], arguments: argparse.Namespace) -> list[str]:
    if arguments.cases is None:
        return select(known, ("*",), NOT_YET + tuple(arguments.exclude_cases))
    return select(known, arguments.cases, arguments.exclude_cases)


def fuzz(testsuite: environment.Testsuite, selected: list[str], arguments: argparse.Namespace) -> list[str]:
    """Starts the server, runs the cases, merges the reports; returns what went wrong on the way."""
    port = processes.free_port()
    with processes.Process(server_command(port), REPORTS / "server.log", directory=environment.ROOT) as server:
        processes.wait_for_port(server, port, timeout=20)
        run = fuzzing.Run(testsuite, fuzzing.Testee(AGENT, f"ws://127.0.0.1:{port}/echo"), server, REPORTS)
        progress = Progress(selected, arguments.jobs, sys.stdout, time.monotonic())
        limits = fuzzing.Limits(arguments.case_timeout, arguments.deadline)
        run.execute(portions(selected, arguments.jobs), arguments.jobs, limits, progress)
    report.merge(run.directories, AGENT, REPORTS)
    return run.notes


def server_command(port: int) -> list[str]:
    options = {"--host": "127.0.0.1", "--port": port, "--max-message-size": MAX_MESSAGE_SIZE, "--log-level": "warning"}
    return [sys.executable, "-m", "refws", *(str(word) for option in options.items() for word in option)]


def judge(selected: list[str], expectation: report.Expectation, notes: list[str], elapsed_s: float) -> int:
    """Prints the summary and every difference; the exit status."""
    results = report.read(REPORTS, AGENT)
    found = report.differences(selected, expectation, results)
    say(report.summary(results))
    for line in (*notes, *found):
        say(f"\n{line}")
    say(f"\n{len(selected)} cases in {clock(elapsed_s)}, {len(found)} not as expected: {REPORTS / 'index.html'}")
    return DIFFERENT if found else AS_EXPECTED


if __name__ == "__main__":
    sys.exit(main())
