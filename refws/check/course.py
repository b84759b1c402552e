"""A course file, in TOML -> stages, and a report -> the points of each stage.

    title = "WebSocket server"
    weak = 0.5                      the share of its points that a weak result earns; 1 unless given

    [[stages]]
    title = "Short text messages"
    [stages.points]                 the glob of names of cases, or the name of a group -> points
    "5.2-text*" = 10                that all its cases share equally
    "framing" = 15                  here without the cases of the lines above

A case belongs to the first line that fits it, in the order of the file. A skipped case earns
nothing, because the server leaves out what it is about. Stages know nothing of each other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from math import fsum, isfinite
from pathlib import Path
from typing import Any

from .case import Case, Group
from .engine import Grade, Result

DEFAULT = "default"
"""The name of the course that comes with refws."""

COURSES = Path(__file__).parent / "courses"

EXAMPLE = '[[stages]] with title = "Handshake" and, below [stages.points], "opening" = 20'


SHARE = "a share from 0 to 1, such as weak = 0.5"


class BadCourse(ValueError):
    """A course file that cannot be used: the file, what was seen, and what to write."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points for all cases that `glob` fits, by their names or their group's."""

    glob: str
    points: float


@dataclass(frozen=True, slots=True)
class Stage:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """`source` is the name that it was loaded by."""

    source: str
    title: str
    weak: float
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """The points of a case; `result` is None if it was not run."""

    case: Case
    points: float
    most: float
    result: Result | None


@dataclass(frozen=True, slots=True)
class StageMarks:
    title: str
    marks: tuple[Mark, ...]

    @property
    def points(self) -> float:
        return fsum(mark.points for mark in self.marks)

    @property
    def most(self) -> float:
        return fsum(mark.most for mark in self.marks)


# A file


def load_course(name: str) -> Course:
    """The course of this file, or the one called "default". BadCourse or OSError if that fails."""
    path = COURSES / "default.toml" if name == DEFAULT else Path(name)
    if not path.exists():
        raise BadCourse(f"there is no course {name!r}: give {DEFAULT!r}, or a TOML file of yours")
    try:
        parsed = tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError:
        raise bad(name, "bytes that are no UTF-8", "TOML, in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise bad(name, f"no TOML, {error}", EXAMPLE) from None
    return course_of(name, parsed)


def course_of(name: str, parsed: Mapping[str, Any]) -> Course:
    check_names(name, "", parsed, ("title", "weak", "stages"))
    weak = number(name, "weak", parsed.get("weak", 1), SHARE)
    if weak > 1:
        raise bad(name, f"weak = {weak:g}", SHARE)
    stages = parsed.get("stages")
    if not isinstance(stages, list) or not stages:
        raise bad(name, "no stages", EXAMPLE)
    title = text(name, "title", parsed.get("title", name))
    in_order = (stage_of(name, i, one) for i, one in enumerate(stages, 1))
    return Course(name, title, weak, tuple(in_order))


def stage_of(name: str, number_of_stage: int, parsed: Any) -> Stage:
    where = f"stage {number_of_stage}"
    if not isinstance(parsed, dict):
        raise bad(name, f"{where} is no table", EXAMPLE)
    check_names(name, f"{where}: ", parsed, ("title", "points"))
    points = parsed.get("points")
    if not isinstance(points, dict) or not points:
        raise bad(name, f"{where} without points", f"points for it: {EXAMPLE}")
    for glob, value in points.items():
        if isinstance(value, dict):  # TOML: a name with a dot is two, unless it is in quotes
            whole = f"{glob}.{next(iter(value), '')}"
            raise bad(
                name, f"{where}: {whole} without quotes", f'the name in quotes: "{whole}" = 10'
            )
    lines = (
        Line(glob, number(name, f"{where}: {glob!r}", value)) for glob, value in points.items()
    )
    return Stage(text(name, f"{where}: title", parsed.get("title", where)), tuple(lines))


def check_names(name: str, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise bad(name, f"{where}{key!r}, which has no meaning", f"only {', '.join(known)}")


def number(name: str, what: str, value: Any, expected: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad(name, f"{what} = {value!r}", expected or f"a number: {what} = 10")
    if not isfinite(value) or value < 0:
        raise bad(name, f"{what} = {value}", expected or f"a number from 0 on: {what} = 10")
    return float(value)


def text(name: str, what: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise bad(name, f"{what} = {value!r}", "a text in quotes")


def bad(name: str, seen: str, expected: str) -> BadCourse:
    return BadCourse(f"course {name!r}: {seen}; write {expected}")


# Its cases


Valued = tuple[Case, float]
"""A case and its points."""


def with_cases(
    course: Course, groups: Iterable[Group]
) -> tuple[tuple[Stage, tuple[Valued, ...]], ...]:
    """The cases of each stage. BadCourse for a line that fits no case of these groups."""
    groups = tuple(groups)
    left = [(group, case) for group in groups for case in group.cases]
    stages = []
    for stage in course.stages:
        valued: list[Valued] = []
        for line in stage.lines:
            taken = [case for group, case in left if fits(line, group, case)]
            if not taken:
                raise unused_line(course, stage, line, groups)
            left = [(group, case) for group, case in left if case not in taken]
            valued += [(case, line.points / len(taken)) for case in taken]
        stages.append((stage, tuple(valued)))
    return tuple(stages)


def unused_line(course: Course, stage: Stage, line: Line, groups: tuple[Group, ...]) -> BadCourse:
    seen = f"{line.glob!r} in stage {stage.title!r}"
    if any(fits(line, group, case) for group in groups for case in group.cases):
        before = "each case once: the line that a case fits first has it"
        return bad(course.source, f"{seen}, whose cases all belong to lines before it", before)
    known = [name for group in groups for name in (group.name, *(c.name for c in group.cases))]
    nearest = get_close_matches(line.glob, known, n=1)
    meant = f"{nearest[0]!r}, if that is meant, or " if nearest else ""
    expected = "the name of a group, or a glob of names that --list shows; slow ones need --slow"
    return bad(course.source, f"{seen}, which fits no case", f"{meant}{expected}")


def fits(line: Line, group: Group, case: Case) -> bool:
    return fnmatchcase(case.name, line.glob) or fnmatchcase(group.name, line.glob)


# Its points


def give_marks(
    course: Course, groups: Iterable[Group], results: Iterable[Result]
) -> tuple[StageMarks, ...]:
    """The points of each stage. BadCourse for a line that fits no case of these groups."""
    by_name = {result.case.name: result for result in results}
    return tuple(
        StageMarks(stage.title, tuple(marked(valued, by_name, course.weak)))
        for stage, valued in with_cases(course, groups)
    )


def marked(valued: Iterable[Valued], results: Mapping[str, Result], weak: float) -> Iterator[Mark]:
    shares = {Grade.PASS: 1.0, Grade.WEAK: weak}
    for case, most in valued:
        result = results.get(case.name)
        share = 0.0 if result is None else shares.get(result.grade, 0.0)
        yield Mark(case, most * share, most, result)
