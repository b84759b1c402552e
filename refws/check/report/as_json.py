"""A report <-> JSON, for other programs and for comparisons.

    {"format": "refws check", "version": 1, "refws": "0.1.0",
     "address": "ws://127.0.0.1:9000/echo",          without the query, which may be a secret;
                                                     of a client, its command
     "started": "2025-01-31T12:00:00+00:00",         ISO 8601, in UTC
     "seconds": 12.5, "interrupted": false,
     "lacks": ["deflate"],                           of: echo, binary, deflate, agreement, large
     "counts": {"pass": 200, "weak": 2, "fail": 1, "skipped": 30},
     "cases": [
        {"name": "5.1-unmasked", "group": "framing", "section": "§5.1",
         "requirement": "6455-5.1-03",               "" if the rule has no id
         "level": "must",                            or: should, choice
         "rule": "A server must fail ...",
         "grade": "fail",                            or: pass, weak, skipped
         "seen": "...", "expected": "...",           parts of sentences
         "hint": "...",                              the likely mistake, or ""
         "seconds": 0.4}, ...]}

The cases are in the order of the course; a case that was not run is missing. Autobahn's are in the
group "autobahn", with names such as autobahn-6.4.3; "section" may have several, after commas.
A later version of refws may add members to objects. If it changes the meaning of one, `version`
grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ... import __version__
from ...course.text.characters import escape_words
from ..engine import Grade, Result
from ..runner import Report
from .text import hint_for

FORMAT = "refws check"
VERSION = 1

AGAIN = "write it again, with the refws that is to read it"

GRADES = {grade.value for grade in Grade}


class BadReport(ValueError):
    """A file is no report; the message says why, and what to do."""


def as_json(report: Report) -> str:
    return json.dumps(document(report), indent=1, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "refws": __version__,
        "address": report.address,
        "started": report.started.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
        "lacks": sorted(need.name.lower() for need in report.lacks),
        "counts": {grade.value: len(report.graded(grade)) for grade in Grade},
        "cases": list(cases(report)),
    }


def cases(report: Report) -> Iterator[dict[str, Any]]:
    for group, results in report.by_group():
        yield from (case_as_json(result, group.name) for result in results)


def case_as_json(result: Result, group: str) -> dict[str, Any]:
    case = result.case
    return {
        "name": case.name,
        "group": group,
        "section": case.section,
        "requirement": case.requirement,
        "level": case.level.value,
        "rule": case.rule,
        "grade": result.grade.value,
        "seen": escape_words(result.seen),
        "expected": escape_words(result.expected),
        "hint": hint_for(result),
        "seconds": round(result.seconds, 3),
    }


def read_grades(path: str) -> dict[str, str]:
    """The grade of each case of such a file, by its name. BadReport or OSError if that fails."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        version, grades = version_and_grades(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        expected = "give a file that --json or --expect with --update has written"
        raise BadReport(f"{path!r} is no report of refws check: {expected}") from None
    if version != VERSION:
        seen = f"{path!r} is of version {version!a} of this format"
        raise BadReport(f"{seen}, and this refws reads {VERSION}: {AGAIN}")
    return grades


def version_and_grades(parsed: Any) -> tuple[Any, dict[str, str]]:
    """The grades are empty if the version is another one."""
    if parsed["format"] != FORMAT:
        raise ValueError("another format")
    if parsed["version"] != VERSION:
        return parsed["version"], {}
    grades = {case["name"]: case["grade"] for case in parsed["cases"]}
    if not all(isinstance(name, str) for name in grades) or not GRADES.issuperset(grades.values()):
        raise ValueError("unknown grades")
    return VERSION, grades
