"""The command `peers`: other servers beside refws, and the table of their results."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import platform
import shlex
from collections.abc import Callable
from pathlib import Path

import endpoints
import environment
import fuzzing
import peers
import processes
import referees
import report
import results
import runs
from refws import __version__
from running import limits, say, selection
from workers import RunFailed

RESULTS = Path(__file__).with_name("RESULTS.md")


def compare_peers(arguments: argparse.Namespace) -> int:
    """Run the selected cases against refws and all available peers, and write the table."""
    testsuite = referees.testsuite(say)
    selected = selection(set(testsuite.cases()), arguments)
    options = " ".join(endpoints.server_options())
    ours = results.Entry(endpoints.AGENT, __version__, f"`python3 -m refws {options}`.")
    entries = [run_rounds(testsuite, ours, endpoints.refws, selected, arguments)]
    for peer in peers.PEERS:
        entry = results.Entry(peer.name, peer.versions, peer.setup)
        entries.append(run_rounds(testsuite, entry, peer.server, selected, arguments))
    table = results.Table(
        entries,
        selected,
        arguments.rounds,
        testsuite.name,
        f"{platform.system()}, Python {platform.python_version()}",
        shlex.join(["python3", "conformance/autobahn.py", *arguments.words]),
        datetime.date.today(),
    )
    table.write(arguments.output)
    say(f"\n{arguments.output}")
    return 0


def run_rounds(
    testsuite: referees.Testsuite,
    entry: results.Entry,
    server: Callable[[], fuzzing.Server],
    selected: list[str],
    arguments: argparse.Namespace,
) -> results.Entry:
    """The entry with its rounds, or with the reason why there are none."""
    say(f"{entry.name} {entry.versions}")
    rounds = []
    try:
        for _ in range(arguments.rounds):
            directory = runs.begin(report.SERVER, entry.name, datetime.datetime.now())
            for note in fuzzing.fuzz_server(
                testsuite, server(), selected, directory, arguments.jobs, limits(arguments)
            ):
                say(f"  {note}")
            runs.end(directory)
            rounds.append(results.verdicts(selected, report.read(directory, entry.name)))
    except (environment.Unavailable, RunFailed, processes.CommandFailed) as error:
        say(f"  skipped: {error}")
        return dataclasses.replace(entry, missing=str(error).splitlines()[0])
    return dataclasses.replace(entry, rounds=rounds)
