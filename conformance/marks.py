"""`python3 conformance/marks.py`: refws and other servers, marked by `refws check`, into MARKS.md.

Each server of peers.py runs with its own defaults, if it can be installed; otherwise it is listed
with the reason. --names takes a part of them. Exit status: 0, or 2 for a name that no server has.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import endpoints
import environment
import fuzzing
import peers
import processes
from refws import __version__
from refws.check.engine import Grade, Result, run
from refws.check.groups import GROUPS
from refws.check.runner import Report, Selection, run_groups, select
from refws.check.survey import survey
from refws.check.target import Target
from refws.course.text.characters import escape_words
from refws.protocol.client.uri import parse_uri

HERE = Path(__file__).resolve().parent
MARKS = HERE / "MARKS.md"

START_S = 20

EXPLANATION = """
Pass is the best outcome that the RFCs allow, weak another one that they allow, fail one that they
do not. A case is skipped if the server leaves out what it is about, such as compression. Each
server echoes what it gets, in one process, with its own defaults; `conformance/RESULTS.md` says
how each is set up.

Each failure of simple-websocket and of websocket-server was compared with the text of the RFCs,
one by one. Where a server had a reason, the case was changed: an endpoint may drop TCP when it does
not understand what it reads (RFC 6455 §10.7), so that is weak for an offer that must be declined
and for a GET without a handshake; and a line that must not count now hides the key, which all
servers need, and not the version, which some ignore. Of the other servers a failed case names its
section: read it there before you believe it.

One mistake may fail many cases. websocket-server takes each fragment for a message and ends TCP
without a Close, so it fails nearly all cases in which there are fragments or a Close; after a
continuation it takes the next bytes, the masking key, for a header, so a few results change from
run to run. What simple-websocket fails in the lines of HTTP (RFC 9110 and 9112) is http.server's,
of which Werkzeug is made, too.
"""


@dataclass(frozen=True)
class Marked:
    """A server with its report, or with the reason why there is none."""

    name: str
    versions: str
    report: Report | None = None
    missing: str = ""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ["refws", *(peer.name for peer in peers.PEERS)]
    parser.add_argument("--names", nargs="+", choices=known, default=known, metavar="NAME")
    parser.add_argument("--output", type=Path, default=MARKS, metavar="FILE")
    options = parser.parse_args(argv)
    servers = {"refws": (__version__, endpoints.refws)}
    servers |= {peer.name: (peer.versions, peer.server) for peer in peers.PEERS}
    marked = [mark(name, *servers[name]) for name in options.names]
    options.output.write_text("\n".join(page(marked)) + "\n", "utf-8")
    print(options.output)
    return 0


def mark(name: str, versions: str, make: Callable[[], fuzzing.Server]) -> Marked:
    """Start the server, run all quick cases against it. Blocks for some seconds, or minutes."""
    print(f"{name} {versions}: ", end="", flush=True)
    try:
        report = check(make())
    except (environment.Unavailable, processes.CommandFailed) as error:
        reason = str(error).splitlines()[0]
        print(f"skipped, {reason}")
        return Marked(name, versions, missing=reason)
    counts = Counter(result.grade for result in report.results)
    print(", ".join(f"{counts[grade]} {grade.value}" for grade in Grade))
    return Marked(name, versions, report)


def check(server: fuzzing.Server) -> Report:
    port = processes.free_port()
    with (
        tempfile.TemporaryDirectory() as directory,
        processes.Process(
            server.command(port), Path(directory) / "log", directory=environment.ROOT
        ) as process,
    ):
        processes.wait_for_port(process, port, START_S)
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/echo"))
        abilities = survey(target)
        if abilities.problem:
            raise processes.CommandFailed(f"it cannot be tested: {abilities.problem}")
        groups = select(GROUPS, Selection())
        return run_groups(groups, lambda case: run(case, target, abilities), lacks=abilities.lacks)


def page(marked: Sequence[Marked]) -> Iterator[str]:
    yield "# Servers, marked rule by rule"
    yield ""
    count = sum(len(group.cases) for group in select(GROUPS, Selection()))
    today = datetime.date.today()
    yield f"`refws check` {__version__}, {count} quick cases, {today}, {platform.system()}."
    yield EXPLANATION
    yield f"| server | version | {' | '.join(grade.value for grade in Grade)} |"
    yield f"| --- | --- {'| ---: ' * len(Grade)}|"
    for one in marked:
        if one.report is None:
            yield f"| {one.name} | {one.versions} | {one.missing} {'| ' * (len(Grade) - 1)}|"
        else:
            counts = Counter(result.grade for result in one.report.results)
            cells = " | ".join(str(counts[grade]) for grade in Grade)
            yield f"| {one.name} | {one.versions} | {cells} |"
    for one in marked:
        if one.report is not None and (failed := one.report.graded(Grade.FAIL)):
            yield ""
            yield f"## What {one.name} fails"
            yield ""
            yield "| case | rule | seen |"
            yield "| --- | --- | --- |"
            yield from map(row, failed)


def row(result: Result) -> str:
    seen = escape_words(result.seen).replace("|", "\\|")
    return f"| {result.case.name} | {result.case.rule} | {seen} |"


if __name__ == "__main__":
    sys.exit(main())
