"""The command `show`: a case of the last report, or what is known of a case that has not run."""

from __future__ import annotations

import argparse

import endpoints
import referees
import report
import rules
import runs
import show
from cases import UnknownCases, select
from expectations import Expectation
from running import say


def show_case(arguments: argparse.Namespace) -> int:
    """Print the case. UnknownCases, also for a pattern that fits several."""
    agent = arguments.agent or endpoints.AGENT
    tested = report.CLIENT if arguments.client else report.SERVER
    case, *others = select(Expectation.load(report.EXPECTED[tested]).verdicts, [arguments.case])
    if others:
        fits = f"{arguments.case!r} fits {1 + len(others)} cases"
        raise UnknownCases(f"{fits}, from {case} to {others[-1]}: show one of them, as in {case}")
    table = rules.of_side(rules.load(), tested)
    directory = runs.last(tested, agent)
    found = report.read(directory, agent).get(case) if directory else None
    if found:
        say(show.case_page(case, found, show.load(found), table))
    else:
        say(show.page_without_report(case, _description(case), _advice(case, tested, agent), table))
    return 0


def _description(case: str) -> list[str]:
    """What the case sends and expects, if a testsuite is installed that can say it."""
    referee = referees.installed()
    return referee.description(case) if referee else []


def _advice(case: str, tested: str, agent: str) -> str:
    """How to get a report of the case."""
    whose = "" if agent == endpoints.AGENT else _options(tested, agent)
    return (
        f"The last run of the {tested} {agent} does not have {case}. This runs it:\n"
        f"  python3 conformance/autobahn.py {tested}{whose} --cases {case}"
    )


def _options(tested: str, agent: str) -> str:
    what = "--url ws://..." if tested == report.SERVER else "--command '... {url}'"
    return f" {what} --agent {agent}"
