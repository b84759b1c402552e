"""The points of a course as a table, and as the JSON that Gradescope's autograder reads.

https://gradescope-autograders.readthedocs.io/en/latest/specs/ documents results.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import fsum
from typing import Any

from ...course.text.characters import escape_words
from ...course.text.style import BOLD, Style
from ..course import Mark, StageMarks
from ..engine import Grade
from .text import about, hint_for

VISIBLE = "visible"
"""Students see a test and its output at once; another value is for the settings of a course."""

AS_IT_IS = "text"
"""Otherwise the output of the whole may be taken for HTML, which shrinks the spaces of a table."""


def draw_points(stages: Sequence[StageMarks], style: Style) -> Iterator[str]:
    yield style.paint(f"{'stage':<54}{'points':>10}{'of':>10}", BOLD)
    for number, stage in enumerate(stages, 1):
        yield row(f"{number}. {escape_words(stage.title)}", stage.points, stage.most)
    yield row("in all", *total(stages))


def row(name: str, points: float, most: float) -> str:
    return f"{name[:53]:<54}{shown(points):>10}{shown(most):>10}"


def shown(points: float) -> str:
    return f"{points:.2f}".removesuffix(".00")


def total(stages: Sequence[StageMarks]) -> tuple[float, float]:
    """The points, and the most that there are."""
    return fsum(stage.points for stage in stages), fsum(stage.most for stage in stages)


def as_gradescope(stages: Sequence[StageMarks], seconds: float, output: str) -> str:
    """A test for each case; `output` is for the whole."""
    tests = [
        test_of(f"{number}.{place}", stage, mark)
        for number, stage in enumerate(stages, 1)
        for place, mark in enumerate(stage.marks, 1)
    ]
    results: dict[str, Any] = {
        "score": round(total(stages)[0], 2),
        "execution_time": round(seconds, 1),
        "output": output,
        "output_format": AS_IT_IS,
        "test_output_format": AS_IT_IS,
        "test_name_format": AS_IT_IS,
        "visibility": VISIBLE,
        "tests": tests,
    }
    return json.dumps(results, indent=1, ensure_ascii=False) + "\n"


def test_of(number: str, stage: StageMarks, mark: Mark) -> dict[str, Any]:
    passed = mark.result is not None and mark.result.grade in (Grade.PASS, Grade.WEAK)
    return {
        "name": f"{stage.title}: {mark.case.name}",
        "number": number,
        "score": round(mark.points, 4),
        "max_score": round(mark.most, 4),
        "status": "passed" if passed else "failed",
        "output": "\n".join(explanation(mark)),
        "visibility": VISIBLE,
    }


def explanation(mark: Mark) -> Iterator[str]:
    result = mark.result
    yield escape_words(f"{mark.case.rule} ({mark.case.section})")
    if result is None:
        yield "not run"
    elif result.grade is not Grade.PASS:
        yield f"{result.grade.value}: {escape_words(result.seen)} ({about(result)})"
        yield f"expected: {escape_words(result.expected)}"
        if hint := hint_for(result):
            yield f"hint: {hint}"
