"""refws against Autobahn's testsuite, and other servers beside it.

    python3 conformance/autobahn.py server                 all cases against refws, then a verdict
    python3 conformance/autobahn.py client                 the same against the client of refws
    python3 conformance/autobahn.py server --cases ci      a few minutes; also 9.*,6.4.3
    python3 conformance/autobahn.py show 6.4.3             a case of the last report: rules, bytes
    python3 conformance/autobahn.py show --client 6.4.3    the same of the client
    python3 conformance/autobahn.py peers                  other servers, into RESULTS.md

Exit status: 0 if all is as expected, 1 for a difference or a failed run, 2 for wrong usage, 3 if
the testsuite cannot be installed, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import environment
import fuzzing
import peers
import processes
import report
import results
import rules
import show
from cases import MAX_FRAGMENTS, MAX_MESSAGE_SIZE, NAMED, UnknownCases, select
from progress import clock

sys.path.insert(0, str(environment.ROOT))

from refws import __version__

HERE = Path(__file__).resolve().parent
REPORTS = HERE / "reports"
ECHO_CLIENT = HERE / "echo_client.py"
RESULTS = HERE / "RESULTS.md"

AGENT = "refws"

NOT_FOR_PEERS = ("9.*", "12.*", "13.*")
"""Speed, and compression, which not all of them have."""

AS_EXPECTED, DIFFERENT, WRONG_USAGE, UNAVAILABLE, INTERRUPTED = 0, 1, 2, 3, 130


SERVER, CLIENT, PEERS = "server", "client", "peers"
"""What is tested, and where in `REPORTS` its reports are."""

CERTIFICATES = HERE.parent / "tests" / "certificates"
EXPECTED = {SERVER: HERE / "expected-server.json", CLIENT: HERE / "expected-client.json"}


def say(line: str = "") -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(words, argparse.Namespace(words=words))
    processes.hear_signals()
    try:
        command: Callable[[argparse.Namespace], int] = arguments.command
        return command(arguments)
    except UnknownCases as error:
        return _complain(error, WRONG_USAGE)
    except environment.Unavailable as error:
        return _complain(error, UNAVAILABLE)
    except (fuzzing.RunFailed, processes.CommandFailed) as error:
        return _complain(error, DIFFERENT)
    except KeyboardInterrupt:
        return _complain("interrupted; all processes have ended", INTERRUPTED)


def _complain(what: object, status: int) -> int:
    print(f"autobahn.py: {what}", file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="autobahn.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = result.add_subparsers(title="commands", required=True, metavar="COMMAND")
    server = commands.add_parser(
        SERVER, help="run the fuzzing client against refws and judge its report"
    )
    server.set_defaults(command=run_server)
    add_run_options(server, ())
    server.add_argument(
        "--referee",
        choices=("autobahn", "kosoku"),
        default="autobahn",
        help=(
            "who judges: the real testsuite (default), or kosoku: faster, no Python 2.7, but "
            "not 12.*.1 and 13.*.1"
        ),
    )
    server.add_argument("--tls", action="store_true", help="over wss:// (default: ws://)")
    client = commands.add_parser(
        CLIENT, help="run the client of refws against the fuzzing server and judge its report"
    )
    client.set_defaults(command=run_client)
    add_run_options(client, ())
    reader = commands.add_parser(
        "show", help="show a case of the last report: rules, functions, bytes both ways"
    )
    reader.set_defaults(command=show_case)
    reader.add_argument("case", help="such as 6.4.3")
    whose = reader.add_mutually_exclusive_group()
    whose.add_argument(
        "--client",
        action="store_true",
        help="from the last report of the client (default: the server)",
    )
    whose.add_argument("--peer", metavar="NAME", help="from the last report of a peer, such as ws")
    table = commands.add_parser(
        PEERS, help=f"run the cases against refws and its peers and write {RESULTS.name}"
    )
    table.set_defaults(command=compare_peers)
    add_run_options(table, NOT_FOR_PEERS)
    table.add_argument(
        "--rounds", type=_positive, default=3, help="runs of each server (default: %(default)s)"
    )
    table.add_argument(
        "--output", type=Path, metavar="FILE", default=RESULTS, help=f"(default: {RESULTS.name})"
    )
    return result


def add_run_options(command: argparse.ArgumentParser, left_out: Sequence[str]) -> None:
    """Add what every command has that runs cases; `left_out` are those that must be asked for."""
    command.set_defaults(left_out=left_out)
    names = " or ".join(NAMED)
    but = f" but {','.join(left_out)}" if left_out else ""

    def option(
        name: str, kind: Callable[[str], object], metavar: str, default: object, text: str
    ) -> None:
        command.add_argument(name, type=kind, metavar=metavar, default=default, help=text)

    option(
        "--cases", _patterns, "PATTERNS", None, f"such as 1.*,9.1.1, or {names} (default: all{but})"
    )
    option("--exclude-cases", _patterns, "PATTERNS", (), "cases left out of these")
    option(
        "--jobs",
        _positive,
        "N",
        os.cpu_count() or 1,
        "cases at once (default: one a core, %(default)s)",
    )
    option(
        "--case-timeout",
        _positive,
        "S",
        500,
        "seconds until a case counts as hanging (default: %(default)s)",
    )
    option("--deadline", _positive, "S", 3600, "seconds for each run (default: %(default)s)")


def _patterns(text: str) -> tuple[str, ...]:
    """The patterns of a list; a name such as `ci` stands for several patterns."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return tuple(pattern for word in words for pattern in NAMED.get(word, (word,)))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def run_server(arguments: argparse.Namespace) -> int:
    """Run the selected cases against our server; exit status 1 if a result is not as expected."""
    referee = environment.kosoku() if arguments.referee == "kosoku" else environment.testsuite(say)
    server = refws_over_tls() if arguments.tls else refws()
    return run(arguments, referee, SERVER, functools.partial(fuzzing.fuzz_server, referee, server))


def run_client(arguments: argparse.Namespace) -> int:
    """Run the selected cases against our client; exit status 1 if a result is not as expected."""
    testsuite = environment.testsuite(say)
    client = fuzzing.Client(AGENT, client_command)
    return run(
        arguments, testsuite, CLIENT, functools.partial(fuzzing.fuzz_client, testsuite, client)
    )


def run(
    arguments: argparse.Namespace,
    referee: environment.Referee,
    tested: str,
    fuzz: Callable[..., list[str]],
) -> int:
    """Run the selected cases, print the summary and every difference; the exit status."""
    expectation = report.Expectation.load(EXPECTED[tested])
    selected = selection(
        set(referee.cases()) | set(expectation.verdicts), arguments, referee.cannot_judge
    )
    directory = REPORTS / tested
    started = time.monotonic()
    notes = fuzz(selected, directory, arguments.jobs, limits(arguments))
    elapsed_s = time.monotonic() - started
    results = report.read(directory, AGENT)
    found = report.differences(selected, expectation, results)
    say(report.summary(results))
    for line in (*notes, *found):
        say(f"\n{line}")
    say(
        f"\n{len(selected)} cases in {clock(elapsed_s)}, {len(found)} not as expected: "
        f"{directory / 'index.html'}"
    )
    return DIFFERENT if found else AS_EXPECTED


def selection(
    known: set[str], arguments: argparse.Namespace, cannot_judge: Sequence[str] = ()
) -> list[str]:
    excluded = (*arguments.exclude_cases, *cannot_judge)
    if arguments.cases is None:
        return select(known, ("*",), (*arguments.left_out, *excluded))
    return select(known, arguments.cases, excluded)


def limits(arguments: argparse.Namespace) -> fuzzing.Limits:
    return fuzzing.Limits(arguments.case_timeout, arguments.deadline)


def refws() -> fuzzing.Server:
    return fuzzing.Server(AGENT, server_command)


def refws_over_tls() -> fuzzing.Server:
    """The options for TLS, with the tests' certificate, which the testsuite does not check."""
    files = ["--cert", str(CERTIFICATES / "localhost.pem"), "--key", str(CERTIFICATES / "key.pem")]
    return fuzzing.Server(AGENT, lambda port: [*server_command(port), *files], "wss")


def server_command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "refws",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        *server_options(),
    ]


def server_options() -> list[str]:
    """The options that differ from the defaults."""
    options = {
        "--max-message-size": MAX_MESSAGE_SIZE,
        "--max-fragments": MAX_FRAGMENTS,
        "--log-level": "warning",
    }
    return ["--deflate", *(str(word) for option in options.items() for word in option)]


def client_command(url: str, cases: Sequence[str]) -> list[str | Path]:
    return [sys.executable, ECHO_CLIENT, url, AGENT, *cases]


def show_case(arguments: argparse.Namespace) -> int:
    """Print one case of the last report."""
    case, agent = arguments.case, arguments.peer or AGENT
    tested = CLIENT if arguments.client else SERVER
    directory = REPORTS / PEERS / arguments.peer / "round-1" if arguments.peer else REPORTS / tested
    select(report.Expectation.load(EXPECTED[tested]).verdicts, [case])
    found = report.read(directory, agent).get(case)
    if found is None:
        how = PEERS if arguments.peer else f"{tested} --cases {case}"
        return _complain(
            f"the last report of {agent} does not have {case}; make one: autobahn.py {how}",
            WRONG_USAGE,
        )
    say(show.case_page(case, found, show.load(found), rules.of_side(rules.load(), tested)))
    return AS_EXPECTED


def compare_peers(arguments: argparse.Namespace) -> int:
    """Run the selected cases against refws and all available peers, and write the table."""
    testsuite = environment.testsuite(say)
    selected = selection(set(testsuite.cases()), arguments)
    ours = results.Entry(AGENT, __version__, f"`python3 -m refws {' '.join(server_options())}`.")
    entries = [run_rounds(testsuite, ours, refws, selected, arguments)]
    for peer in peers.PEERS:
        entry = results.Entry(peer.name, peer.versions, peer.setup)
        entries.append(run_rounds(testsuite, entry, peer.server, selected, arguments))
    table = results.Table(
        entries,
        selected,
        arguments.rounds,
        environment.testsuite_version(),
        f"{platform.system()}, Python {platform.python_version()}",
        shlex.join(["python3", "conformance/autobahn.py", *arguments.words]),
        datetime.date.today(),
    )
    table.write(arguments.output)
    say(f"\n{arguments.output}")
    return AS_EXPECTED


def run_rounds(
    testsuite: environment.Testsuite,
    entry: results.Entry,
    server: Callable[[], fuzzing.Server],
    selected: list[str],
    arguments: argparse.Namespace,
) -> results.Entry:
    """The entry with its rounds, or with the reason why there are none."""
    say(f"{entry.name} {entry.versions}")
    rounds = []
    try:
        for number in range(1, arguments.rounds + 1):
            directory = REPORTS / PEERS / entry.name / f"round-{number}"
            for note in fuzzing.fuzz_server(
                testsuite, server(), selected, directory, arguments.jobs, limits(arguments)
            ):
                say(f"  {note}")
            rounds.append(results.verdicts(selected, report.read(directory, entry.name)))
    except (environment.Unavailable, fuzzing.RunFailed, processes.CommandFailed) as error:
        say(f"  skipped: {error}")
        return dataclasses.replace(entry, missing=str(error).splitlines()[0])
    return dataclasses.replace(entry, rounds=rounds)


if __name__ == "__main__":
    sys.exit(main())
