"""A report as Markdown, for a page or an issue: the table, then each case that did not pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ...course.text.characters import escape_words
from ..engine import Grade, Result
from ..runner import Report
from .crossed import draw_crossed
from .text import MAX_FULL, about, count_cases, hint_for

SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")
"""Characters that may mean something in Markdown or in HTML."""


BACKTICKS = re.compile("`+")


def as_markdown(report: Report) -> str:
    return "\n".join(lines(report)) + "\n"


def lines(report: Report) -> Iterator[str]:
    stopped = ", stopped early" if report.interrupted else ""
    yield f"# {escaped(report.address)}"
    yield ""
    yield f"{count_cases(len(report.results))} in {report.seconds:.1f} s{stopped}."
    yield ""
    yield f"| group | {' | '.join(grade.value for grade in Grade)} |"
    yield f"| --- {'| ---: ' * len(Grade)}|"
    for group, results in report.by_group():
        counts = Counter(result.grade for result in results)
        yield f"| {escaped(group.title)} | {' | '.join(str(counts[grade]) for grade in Grade)} |"
    failed = report.graded(Grade.FAIL)
    for result in report.graded(Grade.FAIL, Grade.WEAK):
        yield ""
        yield from case_lines(result, result in failed[:MAX_FULL])


def case_lines(result: Result, full: bool) -> Iterator[str]:
    """The case; with `full`, its bytes are drawn bit by bit."""
    yield f"## {result.grade.value.upper()} {escaped(result.case.name)}, {result.case.section}"
    yield ""
    yield f"- {escaped(result.case.rule)} ({escaped(about(result))})"
    yield f"- seen: {as_it_is(result.seen)}"
    yield f"- expected: {as_it_is(result.expected)}"
    if hint := hint_for(result):
        yield f"- hint: {as_it_is(hint)}"
    if result.crossed:
        yield ""
        yield from code(draw_crossed(result, full=full))


def code(drawn: Iterator[str]) -> Iterator[str]:
    """Indented, because no text inside can end such a block; the comment separates the list."""
    yield "<!-- the bytes of both sides -->"
    yield ""
    yield from (f"    {line}".rstrip() for line in drawn)


def as_it_is(text: str) -> str:
    """As code, because it may quote the endpoint.

    GitHub makes links, mentions of users, formulas and pictures also of what is escaped.
    """
    shown = escape_words(text)
    fence = "`" * (1 + max(map(len, BACKTICKS.findall(shown)), default=0))
    return f"{fence} {shown} {fence}" if len(fence) > 1 else f"`{shown}`"


def escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", escape_words(text))
