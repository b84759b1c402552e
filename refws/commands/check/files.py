"""The files of a run: a report in each format that is asked for, points, and tapes.

All are written before anything is printed, and one that cannot be written keeps no other back.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...check.course import StageMarks
from ...check.report.as_json import as_json
from ...check.report.junit import as_junit
from ...check.report.markdown import as_markdown
from ...check.report.points import as_gradescope, draw_points
from ...check.report.tapes import write_tapes
from ...check.runner import Report
from ...course.text.style import PLAIN


class CannotWrite(Exception):
    """A file cannot be written; the message says why, and what to do."""


class Written(NamedTuple):
    """`lines` to print about what was written, and why the rest was not."""

    lines: list[str]
    problems: list[str]


def write_files(
    options: argparse.Namespace, report: Report, stages: Sequence[StageMarks]
) -> Written:
    """Write them all, `stages` only if there is a course."""
    written = Written([], [])
    for path, content in contents(options, report, stages):
        try:
            write(path, content)
        except CannotWrite as error:
            written.problems.append(str(error))
    if options.tapes:
        try:
            tapes = write_tapes(report, options.tapes)
        except OSError as error:
            what = f"cannot write tapes into {options.tapes!r}, {error.strerror}"
            written.problems.append(f"{what}: give a directory of yours")
        else:
            for tape in tapes[:1]:
                count = f"tapes in {options.tapes}: {len(tapes)}"
                written.lines.append(f"{count}; python3 -m refws replay {tape}")
    return written


def contents(
    options: argparse.Namespace, report: Report, stages: Sequence[StageMarks]
) -> Iterator[tuple[str, str | bytes]]:
    """Each file and what is to be in it."""
    if options.json:
        yield options.json, as_json(report)
    if options.junit:
        yield options.junit, as_junit(report, options.strict)
    if options.markdown:
        yield options.markdown, as_markdown(report)
    if options.gradescope:
        output = "\n".join(draw_points(stages, PLAIN))
        yield options.gradescope, as_gradescope(stages, report.seconds, output)


def write(path: str, content: str | bytes) -> None:
    """CannotWrite if that fails."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        advice = "give a file in a directory of yours"
        raise CannotWrite(f"cannot write {path!r}, {error.strerror}: {advice}") from None
