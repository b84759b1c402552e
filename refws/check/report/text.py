"""A report as text: a table by group, then each case that did not pass, with its bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ...course.text.characters import escape_words
from ...course.text.style import BOLD, DIM, GREEN, PLAIN, RED, YELLOW, Style, labelled
from ..case import Need
from ..clients.mistakes import find_client_mistake
from ..clients.seen import ClientSeen
from ..engine import Grade, Result
from ..guard import is_unreached
from ..mistakes.table import Cause, find_cause, find_mistake
from ..runner import Report
from .crossed import draw_crossed

MAX_FULL = 3
"""Failed cases whose bytes are drawn bit by bit: who mends the first ones needs no more."""

ENDED_HINT = (
    "see what the server has printed: an error of one connection should end only that one. If it "
    "is started in a loop (in a shell: while true; do COMMAND; done), it is back after such a "
    "case, and the run goes on"
)

LONG_WAIT = 20
"""Seconds of silence in all cases from which on it is said how to wait less."""

MAX_CAUSES = 5
"""Hints that are shown before all cases."""

MAX_LINE = 200
"""Characters of such a line that are shown."""

MAX_PRINTED = 8
"""Lines of what a client has printed: the last ones are the end of a traceback."""

COLORS = {Grade.PASS: GREEN, Grade.WEAK: YELLOW, Grade.FAIL: RED, Grade.SKIPPED: DIM}

NO_ECHO = "give --path the path of an endpoint that sends each message back"


def draw_report(report: Report, style: Style = PLAIN) -> Iterator[str]:
    """Lines of at most 80 columns, except where bytes are drawn after their times."""
    yield from draw_table(report, style)
    yield from draw_lacks(report)
    yield from draw_dead_server(report, style)
    yield from draw_causes(report, style)
    reached = [one for one in report.graded(Grade.FAIL, Grade.WEAK) if not is_unreached(one)]
    failed = [result for result in reached if result.grade is Grade.FAIL]
    for result in reached:
        yield ""
        yield from draw_result(result, style, result in failed[:MAX_FULL])
    yield ""
    if len(failed) > MAX_FULL:
        others = "--only NAME shows another so, --tapes DIR keeps the bytes of all"
        yield from labelled("note", f"the first {MAX_FULL} failed cases are bit by bit; {others}")
    yield from draw_waits(report)
    yield from draw_summary(report, style)


# The table


def draw_table(report: Report, style: Style) -> Iterator[str]:
    yield escape_words(report.address)
    yield ""
    yield style.paint(row("group", [grade.value for grade in Grade]), BOLD)
    for group, results in report.by_group():
        counts = Counter(result.grade for result in results)
        yield row(f"{group.name}: {group.title}", [counts[grade] or "." for grade in Grade])
    yield row("in all", [len(report.graded(grade)) or "." for grade in Grade])


def row(name: str, cells: Iterable[object]) -> str:
    return f"{name[:46]:<46}" + "".join(f"{cell:>8}" for cell in cells)


def draw_lacks(report: Report) -> Iterator[str]:
    """What the survey has found out, and how many cases are skipped for what is left out."""
    skipped = Counter(result.seen for result in report.graded(Grade.SKIPPED))
    for remark in report.remarks:
        yield from labelled("note", escape_words(remark))
    for reason, number in skipped.items():
        advice = f"; {NO_ECHO}" if reason == Need.ECHO.value else ""
        yield from labelled("skipped", f"{count_cases(number)}: {escape_words(reason)}{advice}")


def draw_dead_server(report: Report, style: Style) -> Iterator[str]:
    """The cases that the server has not outlived, and one text for all that reached no server.

    The latter say nothing of the server's rules.
    """
    for result in report.results:
        if not result.outlived:
            yield ""
            yield style.paint(f"FAIL {result.case.name}: the server ended, or hangs", RED)
            yield from labelled("hint", ENDED_HINT)
    unreached = [result for result in report.graded(Grade.FAIL) if is_unreached(result)]
    if unreached:
        first = report.results.index(unreached[0])
        before = report.results[first - 1].case.name if first else "the survey"
        yield ""
        number = count_cases(len(unreached))
        yield style.paint(f"FAIL {number}: {escape_words(unreached[0].seen)}", RED)
        yield from labelled("first", f"{unreached[0].case.name}, after {before}")
        yield from labelled("hint", f"the server has ended, or takes no more: {ENDED_HINT}")


# The causes


def draw_causes(report: Report, style: Style) -> Iterator[str]:
    """The mistakes that most failed cases have in common: one change may mend all of them."""
    by_cause: dict[Cause, list[Result]] = {}
    for result in report.graded(Grade.FAIL):
        if cause := cause_for(result):
            by_cause.setdefault(cause, []).append(result)
    most = sorted(by_cause.values(), key=len, reverse=True)[:MAX_CAUSES]
    if any(len(results) > 1 for results in most):
        yield ""
        yield style.paint("what to mend first: the hints of most failed cases", BOLD)
        for results in most:
            yield from (
                style.paint(line, YELLOW)
                for line in labelled(count_cases(len(results)), hint_for(results[0]))
            )
            yield from labelled("", f"{results[0].case.name} is the first of them")


# A case


def draw_result(result: Result, style: Style = PLAIN, full: bool = True) -> Iterator[str]:
    """What was seen, what was expected, the likely mistake, and the bytes of both sides."""
    case = result.case
    title = f"{result.grade.value.upper()} {case.name}, {case.section}"
    yield style.paint(title, COLORS[result.grade])
    yield from labelled("rule", f"{case.rule} ({about(result)})")
    yield from labelled("seen", escape_words(result.seen))
    yield from labelled("expected", escape_words(result.expected))
    if hint := hint_for(result):
        yield from (style.paint(line, YELLOW) for line in labelled("hint", hint))
    printed = [line for line in result.output.splitlines() if line.strip()]
    for line in printed[-MAX_PRINTED:]:
        shown = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..."
        yield from labelled("it printed", escape_words(shown))
    if result.crossed:
        yield ""
        yield from draw_crossed(result, style, full)


def about(result: Result) -> str:
    """How strongly the RFC asks for it, and the id of the requirement."""
    return ", ".join(filter(None, (result.case.level.name, result.case.requirement)))


def hint_for(result: Result) -> str:
    """The likely mistake, in printable characters; "" if none is known."""
    if result.grade not in (Grade.FAIL, Grade.WEAK):
        return ""
    of_client = isinstance(result.observed, ClientSeen)
    return escape_words(find_client_mistake(result) if of_client else find_mistake(result))


def cause_for(result: Result) -> Cause:
    """The same for results with the same likely mistake; () if none is known."""
    if isinstance(result.observed, ClientSeen):
        return tuple(filter(None, [hint_for(result)]))
    return find_cause(result)


def sentence(result: Result) -> str:
    """Section, seen and expected in one sentence."""
    return escape_words(f"{result.case.section}: {result.seen}; expected {result.expected}")


# The end


def draw_waits(report: Report) -> Iterator[str]:
    """How long silence was awaited, if that is most of a long run."""
    seen = [result.observed for result in report.results if result.observed is not None]
    waited = sum(one.seconds for one in seen)
    if waited > LONG_WAIT:
        less = "--timeout 0.5 waits less, --jobs 4 for four cases at a time"
        yield from labelled("note", f"{waited:.0f} s were silence of the endpoint: {less}")


def draw_summary(report: Report, style: Style) -> Iterator[str]:
    counts = {grade: len(report.graded(grade)) for grade in Grade}
    words = ", ".join(
        style.paint(f"{number} {grade.value}", COLORS[grade])
        for grade, number in counts.items()
        if number
    )
    yield f"{count_cases(len(report.results))} in {report.seconds:.1f} s: {words or 'none was run'}"
    if report.interrupted:
        total = sum(len(group.cases) for group in report.groups)
        missing = total - len(report.results)
        of_these = f": no result of {count_cases(missing)}" if missing else ""
        yield style.paint(f"stopped by Ctrl-C{of_these}", YELLOW)


def count_cases(number: int) -> str:
    return "1 case" if number == 1 else f"{number} cases"
