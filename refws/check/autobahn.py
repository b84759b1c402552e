"""A run of Autobahn's testsuite -> cases with their results, for the same reports as all others.

Two files are read: the JSON of conformance/autobahn.py, and the index.json of the testsuite itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from .case import Case, Group
from .engine import Grade, Result
from .outcomes import Anything
from .runner import Report

PREFIX = "autobahn-"
"""How the names of its cases begin."""

FORMAT = "autobahn-run 1"

RULE = "Autobahn's case {0}: python3 conformance/autobahn.py show {0} says what it sends."

EXPECTED = "OK, closing OK"

BEHAVIOR = {
    "OK": Grade.PASS,
    "INFORMATIONAL": Grade.PASS,
    "NON-STRICT": Grade.WEAK,
    "UNIMPLEMENTED": Grade.SKIPPED,
}
"""What the testsuite says of the messages; any other word is a failure."""

CLOSING = {"OK": Grade.PASS, "INFORMATIONAL": Grade.PASS, "FAILED BY CLIENT": Grade.WEAK}
"""What it says of the close. FAILED BY CLIENT: the server should have ended TCP first (§7.1.1)."""

WORST_FIRST = (Grade.FAIL, Grade.WEAK, Grade.PASS)


class BadRun(ValueError):
    """A file holds no run of the testsuite; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class AutobahnCase(Case):
    """`about` is the sections of the case, which are not in its name."""

    about: str = ""

    @property
    def section(self) -> str:
        return self.about


class Run(NamedTuple):
    """A group of cases, and their results in the same order."""

    group: Group
    results: tuple[Result, ...]


def read_run(path: str | Path) -> Run:
    """The run in this file, in the order of the numbers of its cases. BadRun, or OSError."""
    data = Path(path).read_bytes()
    try:
        cases = cases_of(json.loads(data))
        numbers = sorted(cases, key=parts_of)
        results = tuple(result_of(number, cases[number]) for number in numbers)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        expected = "conformance/autobahn.py writes one with --json, the testsuite an index.json"
        raise BadRun(f"{str(path)!r} is no run of one agent by Autobahn: {expected}") from None
    cases_in_order = tuple(result.case for result in results)
    return Run(Group("autobahn", "Autobahn's testsuite", cases_in_order), results)


def cases_of(parsed: Any) -> Mapping[str, Any]:
    """What is said of each case. ValueError without cases, and with several agents."""
    if "format" not in parsed:
        [cases] = parsed.values()
    elif parsed["format"] == FORMAT:
        cases = parsed["cases"]
    else:
        raise ValueError("another format")
    if not cases:
        raise ValueError("no cases")
    found: Mapping[str, Any] = cases
    return found


def parts_of(number: str) -> list[int]:
    """A sort key: 9.2 before 9.10."""
    return [int(part) for part in number.split(".")]


def result_of(number: str, said: Mapping[str, Any]) -> Result:
    about = ", ".join(said.get("sections", ())) or "Autobahn"
    case = AutobahnCase(PREFIX + number, RULE.format(number), "", Anything(EXPECTED), about=about)
    behavior, closing = said["behavior"], said["behaviorClose"]
    if behavior is None:
        return Result(case, Grade.FAIL, "no result: the endpoint or the run has ended", EXPECTED)
    if not isinstance(behavior, str) or not isinstance(closing, str):
        raise TypeError("no words")
    seconds = float(said.get("milliseconds", said.get("duration")) or 0) / 1000
    seen = f"{behavior}, closing {closing}"
    return Result(case, grade_of(behavior, closing), seen, EXPECTED, seconds)


def grade_of(behavior: str, closing: str) -> Grade:
    """The worse one of both. What is not implemented has no close that could be judged."""
    grades = (BEHAVIOR.get(behavior, Grade.FAIL), CLOSING.get(closing, Grade.FAIL))
    return Grade.SKIPPED if Grade.SKIPPED in grades else min(grades, key=WORST_FIRST.index)


def with_run(report: Report, run: Run, seconds: float = 0.0) -> Report:
    """The report with this group as the last one."""
    return replace(
        report,
        groups=(*report.groups, run.group),
        results=(*report.results, *run.results),
        seconds=report.seconds + seconds,
    )
