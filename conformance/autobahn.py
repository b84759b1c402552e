"""Autobahn's testsuite against refws, or against any server or client.

    python3 conformance/autobahn.py server                 all cases against refws, then a verdict
    python3 conformance/autobahn.py client                 the same against the client of refws
    python3 conformance/autobahn.py server --cases ci      a few minutes; also 9.*,6.4.3
    python3 conformance/autobahn.py server --url ws://127.0.0.1:9001/ --agent mine
                                                           a server that is running
    python3 conformance/autobahn.py client --command 'node client.js {url}' --agent mine
                                                           a client, which asks for the cases
    python3 conformance/autobahn.py show 6.4.3             a case: rules, and bytes if it has run
    python3 conformance/autobahn.py peers                  other servers, into RESULTS.md

A client's command has {url} for the address of the fuzzing server: the client asks there for
/getCaseCount, for /runCase?case=1&agent=mine and so on, and for /updateReports?agent=mine. A client
that only echoes has {case_url} instead, the address of one case: it starts once for each case.
{case} is the id of that case, {agent} the name. No shell runs the command.

Exit status: 0 if all is as expected and, without a file of expectations, no case has failed; 1 for
a difference, a failure or a failed run; 2 for wrong usage; 3 if the testsuite cannot be installed;
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import comparing
import endpoints
import environment
import processes
import reading
import referees
import report
import running
import workers
from cases import NAMED, UnknownCases
from expectations import BadExpectation

PEERS = "peers"

NOT_FOR_PEERS = ("9.*", "12.*", "13.*")
"""Speed, and compression, which not all of them have."""

DIFFERENT, WRONG_USAGE, UNAVAILABLE, INTERRUPTED = 1, 2, 3, 130


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(words, argparse.Namespace(words=words))
    processes.hear_signals()
    try:
        act: Callable[[argparse.Namespace], int] = arguments.act
        return act(arguments)
    except (UnknownCases, BadExpectation, endpoints.BadEndpoint) as error:
        return _complain(error, WRONG_USAGE)
    except environment.Unavailable as error:
        return _complain(error, UNAVAILABLE)
    except (workers.RunFailed, processes.CommandFailed, OSError) as error:
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
    add_server(commands)
    add_client(commands)
    add_show(commands)
    add_peers(commands)
    return result


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_server(commands: Commands) -> None:
    server = commands.add_parser(report.SERVER, help="run the cases against a server")
    server.set_defaults(act=running.run_server)
    server.add_argument(
        "--url",
        type=_checked(endpoints.check_url),
        help="a server that is running and echoes, ws:// or wss:// (default: start that of refws)",
    )
    add_judging_options(server)
    add_run_options(server, ())
    server.add_argument("--tls", action="store_true", help="refws over wss:// (default: ws://)")


def add_client(commands: Commands) -> None:
    client = commands.add_parser(report.CLIENT, help="run the cases against a client")
    client.set_defaults(act=running.run_client)
    client.add_argument(
        "--command",
        dest="under_test",
        metavar="'... {url}'",
        help="the command of a client (default: that of refws); see autobahn.py --help",
    )
    add_judging_options(client)
    add_run_options(client, ())


def add_show(commands: Commands) -> None:
    reader = commands.add_parser(
        "show", help="show a case: rules, functions, and of the last report the bytes both ways"
    )
    reader.set_defaults(act=reading.show_case)
    reader.add_argument("case", help="such as 6.4.3")
    reader.add_argument("--client", action="store_true", help="of a client (default: a server)")
    reader.add_argument(
        "--agent",
        "--peer",
        type=_checked(endpoints.check_agent),
        metavar="NAME",
        help="of a peer such as ws, or of what --agent has named (default: refws)",
    )


def add_peers(commands: Commands) -> None:
    table = commands.add_parser(
        PEERS, help=f"run the cases against refws and its peers and write {comparing.RESULTS.name}"
    )
    table.set_defaults(act=comparing.compare_peers)
    add_run_options(table, NOT_FOR_PEERS)
    table.add_argument(
        "--rounds", type=_positive, default=3, help="runs of each server (default: %(default)s)"
    )
    table.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=comparing.RESULTS,
        help=f"(default: {comparing.RESULTS.name})",
    )


def add_judging_options(command: argparse.ArgumentParser) -> None:
    """Add what the commands have that end with a verdict."""
    command.add_argument(
        "--agent",
        type=_checked(endpoints.check_agent),
        metavar="NAME",
        help="what the report calls it, if it is not refws",
    )
    command.add_argument(
        "--referee",
        choices=(referees.AUTOBAHN, referees.KOSOKU),
        help=(
            "who judges: the real testsuite, or kosoku: faster, no Python 2.7, but no TLS, and not "
            "all cases of 12 and 13 (default: the testsuite, or kosoku if it cannot be installed)"
        ),
    )
    command.add_argument(
        "--expect",
        type=_file,
        metavar="FILE",
        help=(
            "fail on what differs from this file (default: for refws conformance/expected-*.json; "
            "for others fail on cases that FAILED or have no clean close)"
        ),
    )
    command.add_argument(
        "--update",
        action="store_true",
        help="write what this run gives into the file of --expect, and expect that",
    )
    command.add_argument("--json", type=_file, metavar="FILE", help="see conformance/as_json.py")
    command.add_argument("--junit", type=_file, metavar="FILE", help="write XML for CI systems")
    command.add_argument(
        "--tapes",
        type=Path,
        metavar="DIR",
        help=(
            "write a tape of each case that is not OK or INFORMATIONAL, or not as expected;"
            " python3 -m refws replay explains it"
        ),
    )


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


def _file(text: str) -> Path:
    """A file to write, in a directory that exists: better an error now than after the run."""
    file = Path(text)
    if file.is_dir() or not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a file in a directory that exists")
    return file


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """`check` as the type of an option: argparse prints what it complains about."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except endpoints.BadEndpoint as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


if __name__ == "__main__":
    sys.exit(main())
