"""The marks of servers and clients -> MARKS.md: two tables, then what each one fails, and why."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reasons import CLIENT, SERVER, reason_for
from refws import __version__
from refws.check.case import Group
from refws.check.clients.groups import CLIENT_GROUPS
from refws.check.engine import Grade, Result
from refws.check.groups import GROUPS
from refws.check.runner import Report, Selection, select
from refws.course.text.characters import escape_words

CATALOGUES = {SERVER: GROUPS, CLIENT: CLIENT_GROUPS}

EXPLANATION = """
Pass is the best outcome that the RFCs allow, weak another one that they allow, fail one that they
do not. A case is skipped if the endpoint leaves out what it is about, such as compression. Each one
echoes what it gets, with its own defaults but for what is said at the end.

Each failure has a reason, from `conformance/reasons.py`: the rule that decides, and what the
endpoint does in its place. Where an endpoint had a reason of its own, the case was changed, because
a case that fails what the RFCs allow is wrong.

One mistake may fail many cases. websocket-server takes each fragment for a message and ends TCP
without a Close, so it fails nearly all cases in which there are fragments or a Close; after a
continuation it takes the next bytes, the masking key, for a header, so a few results change from
run to run. What simple-websocket fails in the lines of HTTP (RFC 9110 and 9112) is http.server's,
of which Werkzeug is made, too; some of what ws fails there is that of Node's.
"""


class Marked(NamedTuple):
    """A server or client with its report, or with the reason why there is none."""

    kind: str
    name: str
    versions: str
    setup: str
    report: Report | None = None
    missing: str = ""


def page(marked: Sequence[Marked]) -> Iterator[str]:
    """The lines of the page."""
    yield "# Servers and clients, marked rule by rule"
    yield ""
    today, system = datetime.date.today(), platform.system()
    yield f"`refws check` {__version__}, {today}, {system}, Python {platform.python_version()}."
    yield "Made by `python3 conformance/marks.py`, which writes this file anew."
    yield EXPLANATION
    for kind in (SERVER, CLIENT):
        yield from table(kind, [one for one in marked if one.kind == kind])
    for one in marked:
        if one.report is not None and (failed := one.report.graded(Grade.FAIL)):
            yield from failures(one, failed)
    yield "## How each one is set up"
    yield ""
    for one in marked:
        yield f"- **{one.name}**, {one.kind} ({one.versions}): {one.setup}"


def table(kind: str, marked: Sequence[Marked]) -> Iterator[str]:
    if not marked:
        return
    count = number_of_cases(CATALOGUES[kind])
    yield f"## {kind.capitalize()}s: {count} quick cases"
    yield ""
    yield f"| {kind} | version | {' | '.join(grade.value for grade in Grade)} |"
    yield f"| --- | --- {'| ---: ' * len(Grade)}|"
    for one in marked:
        if one.report is None:
            yield f"| {one.name} | {one.versions} | {cell(one.missing)} {'| ' * (len(Grade) - 1)}|"
        else:
            counts = Counter(result.grade for result in one.report.results)
            cells = " | ".join(str(counts[grade]) for grade in Grade)
            yield f"| {one.name} | {one.versions} | {cells} |"
    yield ""


def number_of_cases(catalogue: Sequence[Group]) -> int:
    return sum(len(group.cases) for group in select(catalogue, Selection()))


def failures(one: Marked, failed: Sequence[Result]) -> Iterator[str]:
    yield f"## What {one.name} fails as a {one.kind}"
    yield ""
    yield "| case | rule | seen | reason |"
    yield "| --- | --- | --- | --- |"
    for result in failed:
        case, reason = result.case, reason_for(one.kind, one.name, result.case.name)
        cells = (case.name, case.rule, escape_words(result.seen), reason)
        yield f"| {' | '.join(map(cell, cells))} |"
    yield ""


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def without_reason(marked: Iterable[Marked]) -> Iterator[str]:
    """The failed cases that reasons.py says nothing of."""
    for one in marked:
        for result in one.report.graded(Grade.FAIL) if one.report else ():
            if not reason_for(one.kind, one.name, result.case.name):
                yield f"{one.kind} {one.name}, {result.case.name}: {escape_words(result.seen)}"
