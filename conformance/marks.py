"""`python3 conformance/marks.py`: servers and clients, marked by `refws check`, into MARKS.md.

Each server and client of peers.py and browsers.py runs with its own defaults, in an environment
that is made on the first run. What cannot be installed is listed with the reason. Exit status: 0, 2
for a name that none of them has, 130 after Ctrl-C, which leaves MARKS.md as it was.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import browsers
import endpoints
import environment
import fuzzing
import marks_page
import peers
import processes
from marks_page import Marked
from progress import clock
from reasons import CLIENT, SERVER
from refws import __version__
from refws.check.case import Group
from refws.check.clients.groups import CLIENT_GROUPS
from refws.check.clients.listening import Listener, NoClient
from refws.check.clients.running import run_clients
from refws.check.engine import Grade, Result, run
from refws.check.groups import GROUPS
from refws.check.report.progress import Progress
from refws.check.runner import Report, Selection, run_groups, select
from refws.check.survey import survey
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri

HERE = Path(__file__).resolve().parent
MARKS = HERE / "MARKS.md"
OUR_CLIENT = HERE.parent / "tests" / "programs" / "checked_client.py"

START_S = 20

WAIT_S = 60
"""Seconds between two connections of a browser after which it is given up."""

JOBS = 2
"""Commands of a client at a time: each takes most of its time for its start."""

Note = Callable[[Result], None]


@dataclass(frozen=True)
class Endpoint:
    """What is marked. `check` gives its report; environment.Unavailable, CommandFailed."""

    kind: str
    name: str
    versions: str
    setup: str
    groups: tuple[Group, ...]
    check: Callable[[Note], Report]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    everything = [*servers(), *clients()]
    known = list(dict.fromkeys(endpoint.name for endpoint in everything))
    parser.add_argument(
        "--names", nargs="+", choices=known, default=known, metavar="NAME", help=", ".join(known)
    )
    parser.add_argument("--kind", choices=(SERVER, CLIENT), help="only servers, or only clients")
    parser.add_argument("--output", type=Path, default=MARKS, metavar="FILE")
    options = parser.parse_args(argv)
    chosen = [
        endpoint
        for endpoint in everything
        if endpoint.name in options.names and options.kind in (None, endpoint.kind)
    ]
    try:
        marked = mark_all(chosen)
    except KeyboardInterrupt:
        print(f"\nstopped by Ctrl-C; {options.output} is as it was")
        return 130
    options.output.write_text("\n".join(marks_page.page(marked)) + "\n", "utf-8")
    for case in marks_page.without_reason(marked):
        print(f"no reason is known yet, see conformance/reasons.py: {case}")
    print(options.output)
    return 0


def mark_all(endpoints: Sequence[Endpoint]) -> list[Marked]:
    """Run all quick cases against each. Blocks for seconds to a minute for each of them."""
    marked: list[Marked] = []
    began = monotonic()
    for endpoint in endpoints:
        marked.append(mark(endpoint))
        left = (monotonic() - began) / len(marked) * (len(endpoints) - len(marked))
        print(f"  {len(marked)} of {len(endpoints)}, about {clock(left)} left", flush=True)
    return marked


def mark(endpoint: Endpoint) -> Marked:
    print(f"{endpoint.kind} {endpoint.name} {endpoint.versions}: ", end="", flush=True)
    blank = Marked(endpoint.kind, endpoint.name, endpoint.versions, endpoint.setup)
    progress = Progress(sum(len(group.cases) for group in endpoint.groups), sys.stderr)
    try:
        report = endpoint.check(progress.note)
    except (environment.Unavailable, processes.CommandFailed) as error:
        reason = str(error).splitlines()[0]
        print(f"skipped, {reason}")
        return blank._replace(missing=reason)
    finally:
        progress.end()
    counts = Counter(result.grade for result in report.results)
    print(", ".join(f"{counts[grade]} {grade.value}" for grade in Grade))
    return blank._replace(report=report)


# Servers


def servers() -> list[Endpoint]:
    ours = peers.Peer("refws", (__version__,), "", "`python3 -m refws` with `--deflate`.")
    return [server(ours, endpoints.refws), *(server(peer, peer.server) for peer in peers.PEERS)]


def server(peer: peers.Peer, make: Callable[[], fuzzing.Server]) -> Endpoint:
    groups = select(GROUPS, Selection())
    return Endpoint(
        SERVER,
        peer.name,
        peer.versions,
        peer.setup,
        groups,
        lambda note: check_server(make(), groups, note),
    )


def check_server(server: fuzzing.Server, groups: tuple[Group, ...], note: Note) -> Report:
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
        return run_groups(
            groups, lambda case: run(case, target, abilities), lacks=abilities.lacks, note=note
        )


# Clients


def clients() -> list[Endpoint]:
    ours = peers.Peer("refws", (__version__,), "", "`refws.connect` with compression.")
    return [
        program(ours, lambda: [sys.executable, OUR_CLIENT]),
        *(program(peer, peer.command) for peer in peers.CLIENTS),
        *map(browser, browsers.BROWSERS),
    ]


def program(peer: peers.Peer, command: Callable[[], Sequence[str | Path]]) -> Endpoint:
    def check(note: Note) -> Report:
        words = shlex.join([*map(str, command()), "{url}"])
        return check_client(lambda listener: nullcontext(), note, command=words, jobs=JOBS)

    return client(peer, check)


def browser(found: browsers.Browser) -> Endpoint:
    count = sum(len(group.cases) for group in select(CLIENT_GROUPS, Selection()))

    def check(note: Note) -> Report:
        return check_client(
            lambda listener: found.running(listener.uri(""), count), note, wait=WAIT_S
        )

    return client(found, check)


def client(peer: peers.Peer | browsers.Browser, check: Callable[[Note], Report]) -> Endpoint:
    groups = select(CLIENT_GROUPS, Selection())
    return Endpoint(CLIENT, peer.name, peer.versions, peer.setup, groups, check)


def check_client(
    start: Callable[[Listener], AbstractContextManager[None]],
    note: Note,
    *,
    command: str | None = None,
    wait: float | None = None,
    jobs: int = 1,
) -> Report:
    """All cases for clients, with what `start` starts, or with a command for each.

    CommandFailed if nothing has connected.
    """
    groups = select(CLIENT_GROUPS, Selection())
    cases = [case for group in groups for case in group.cases]
    started, began = datetime.now(UTC), monotonic()
    with Listener("127.0.0.1", 0) as listener, start(listener):
        try:
            results = run_clients(listener, cases, command, note, wait=wait, jobs=jobs)
        except NoClient as error:
            raise processes.CommandFailed(str(error)) from None
    if not any(result.observed or result.grade is Grade.PASS for result in results):
        raise processes.CommandFailed(f"it has not connected: {results[0].output.strip()!a}")
    seconds = monotonic() - began
    return Report(command or "", frozenset(), groups, tuple(results), started, seconds)


if __name__ == "__main__":
    sys.exit(main())
