"""The commands `server` and `client`: the cases against an endpoint, and a verdict."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import as_json
import endpoints
import expectations
import fuzzing
import junit
import referees
import report
import runs
import tapes
from cases import as_ranges, select
from expectations import Expectation
from outcome import Outcome
from progress import clock
from refws import __version__
from workers import Limits

AS_EXPECTED, DIFFERENT = 0, 1

say = functools.partial(print, flush=True)


@dataclass(frozen=True)
class Trial:
    """What is tested, by whom, and how: `fuzz` leaves a report in a directory.

    `expected` is a file; None means that no case may fail.
    """

    tested: str
    agent: str
    target: str
    referee: referees.Referee
    fuzz: Callable[[Sequence[str], Path, int, Limits], list[str]]
    expected: Path | None


def run_server(arguments: argparse.Namespace) -> int:
    """Run the selected cases against a server; exit status 1 if a result is not as expected."""
    expected = _expected(arguments, report.SERVER, arguments.url)
    if arguments.url is None:
        referee = referees.choose(arguments.referee, report.SERVER, say, tls=arguments.tls)
        server = endpoints.refws_over_tls() if arguments.tls else endpoints.refws()
        fuzz = functools.partial(fuzzing.fuzz_server, referee, server)
        target = f"refws {__version__}"
        return run(arguments, Trial(report.SERVER, server.name, target, referee, fuzz, expected))
    if arguments.tls:
        raise endpoints.BadEndpoint("--tls is for the server of refws; write wss:// in --url")
    endpoints.check_open(arguments.url)
    referee = referees.choose(
        arguments.referee, report.SERVER, say, tls=endpoints.is_secure(arguments.url)
    )
    testee = fuzzing.Testee(arguments.agent, arguments.url)
    fuzz = functools.partial(fuzzing.fuzz_running_server, referee, testee)
    target = arguments.url
    return run(arguments, Trial(report.SERVER, testee.agent, target, referee, fuzz, expected))


def run_client(arguments: argparse.Namespace) -> int:
    """Run the selected cases against a client; exit status 1 if a result is not as expected."""
    expected = _expected(arguments, report.CLIENT, arguments.under_test)
    if arguments.under_test is None:
        client = fuzzing.Client(endpoints.AGENT, endpoints.client_command)
    else:
        client = endpoints.client(arguments.under_test, arguments.agent)
    referee = referees.choose(arguments.referee, report.CLIENT, say)
    fuzz = functools.partial(fuzzing.fuzz_client, referee, client)
    target = arguments.under_test or f"refws {__version__}"
    return run(arguments, Trial(report.CLIENT, client.name, target, referee, fuzz, expected))


def _expected(arguments: argparse.Namespace, tested: str, foreign: str | None) -> Path | None:
    """The file with what is expected; for refws there is one. BadEndpoint, BadExpectation."""
    what = "--url" if tested == report.SERVER else "--command"
    if (foreign is None) != (arguments.agent is None):
        raise endpoints.BadEndpoint(
            f"{what} and --agent belong together: --agent NAME is what the report calls it"
        )
    file: Path | None = arguments.expect or (report.EXPECTED[tested] if foreign is None else None)
    if arguments.update and file is None:
        raise endpoints.BadEndpoint("--update writes a file; name it with --expect FILE")
    if file is not None and not (arguments.update and not file.exists()):
        Expectation.load(file)
    return file


def run(arguments: argparse.Namespace, trial: Trial) -> int:
    """Run the selected cases, print and write what they gave; the exit status."""
    all_strict = Expectation.load(report.EXPECTED[trial.tested]).all_strict()
    known = set(trial.referee.cases()) | set(all_strict.verdicts)
    selected = selection(known, arguments, trial.referee.cannot_judge[trial.tested])
    started = datetime.now().astimezone()
    directory = runs.begin(trial.tested, trial.agent, started)
    clock_began = time.monotonic()
    notes = trial.fuzz(selected, directory, arguments.jobs, limits(arguments))
    seconds = time.monotonic() - clock_began
    runs.end(directory)
    results = report.read(directory, trial.agent)
    if arguments.update and trial.expected:
        before = Expectation.load(trial.expected) if trial.expected.exists() else all_strict
        before.updated(results).save(trial.expected)
    outcome = Outcome(
        trial.tested,
        trial.agent,
        trial.target,
        trial.referee.name,
        started,
        seconds,
        directory,
        selected,
        results,
        _differences(trial.expected, selected, results),
    )
    _print(outcome, notes, trial.expected)
    _write(outcome, arguments)
    if arguments.update:
        say(f"{trial.expected} now expects what this run gave.")
    return AS_EXPECTED if outcome.passed else DIFFERENT


def _differences(
    expected: Path | None, selected: Sequence[str], results: report.Results
) -> list[expectations.Difference]:
    if expected is None:
        return expectations.failures(selected, results)
    return expectations.differences(selected, Expectation.load(expected), results)


def _print(outcome: Outcome, notes: Sequence[str], expected: Path | None) -> None:
    say(report.summary(outcome.results))
    for line in (*notes, *outcome.differences):
        say(f"\n{line}")
    if expected is None and outcome.kinds:
        say("\nNot OK:")
        for kind, cases in outcome.kinds.items():
            say(f"  {kind}: {as_ranges(cases)}")
    verdict = "failed" if expected is None else "not as expected"
    say(
        f"\n{len(outcome.selected)} cases in {clock(outcome.seconds)}, "
        f"{len(outcome.differences)} {verdict}: {outcome.directory / 'index.html'}"
    )


def _write(outcome: Outcome, arguments: argparse.Namespace) -> None:
    """Write the files that are asked for. OSError."""
    if arguments.json:
        arguments.json.write_text(as_json.as_json(outcome), "utf-8")
    if arguments.junit:
        arguments.junit.write_text(junit.as_junit(outcome), "utf-8")
    if arguments.tapes and (written := tapes.write(outcome, arguments.tapes)):
        say(f"Tapes: {len(written)}; explain one with: python3 -m refws replay {written[0]}")


def selection(
    known: set[str], arguments: argparse.Namespace, cannot_judge: Sequence[str] = ()
) -> list[str]:
    excluded = (*arguments.exclude_cases, *cannot_judge)
    if arguments.cases is None:
        return select(known, ("*",), (*arguments.left_out, *excluded))
    return select(known, arguments.cases, excluded)


def limits(arguments: argparse.Namespace) -> Limits:
    return Limits(arguments.case_timeout, arguments.deadline)
