"""The options of `python3 -m refws check`, with their units and defaults: text -> values."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ...check.case import Level
from ...check.clients.groups import CLIENT_GROUPS
from ...check.clients.running import DEADLINE
from ...check.groups import GROUPS
from ...check.target import TIMEOUT
from ...protocol.client.uri import WebSocketURI, parse_uri
from ..connect.options import add_request_options
from ..connect.values import websocket_uri
from ..options import CommandLine, not_empty, seconds, whole_number

DESCRIPTION = """\
Checks a WebSocket server of any kind, or with --listen a client, rule by rule: it must send each
message back. Each case has a connection of its own, sends what it is about, and compares the answer
with what the RFCs allow. A case passes, is weak (allowed, but not the best), fails, or is skipped
if the endpoint leaves out what it is about."""

EPILOG = """\
Exit status: 0 if all cases passed or are weak, 1 if one failed, 2 if nothing could be checked (no
server there, a bad command line, no such case), 3 with --strict if none failed but one is weak, 130
if Ctrl-C or SIGTERM ended the run. With --expect and with --diff: 0 without changes, 1 with any."""

MAX_JOBS = 64


def command_line() -> CommandLine:
    """The options, with their units and defaults."""
    parser = CommandLine(
        prog="python3 -m refws check", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    add_server_options(parser)
    add_client_options(parser)
    add_selection_options(parser)
    add_run_options(parser)
    add_report_options(parser)
    return parser


def add_server_options(parser: CommandLine) -> None:
    option = parser.add_argument
    option(
        "uri",
        metavar="URI",
        nargs="?",
        type=websocket_uri,
        help="the server to check, ws://host:port/path, or wss:// with TLS",
    )
    option(
        "--path",
        metavar="PATH",
        type=path,
        help="path of an endpoint that sends messages back, such as /echo (default: the URI's)",
    )
    option(
        "--insecure",
        action="store_true",
        help="with wss://, accept any certificate, such as one that you have made yourself",
    )
    add_request_options(parser)


def add_client_options(parser: CommandLine) -> None:
    option = parser.add_argument
    option(
        "--listen",
        metavar="PORT",
        type=listening_port,
        help="check a client instead, which connects here for each case; 0 for any free port",
    )
    option(
        "--command",
        metavar="COMMAND",
        type=not_empty,
        help="with --listen, start this for each case, such as 'node client.js {url}'; without a "
        "shell, {url} is where it connects",
    )
    option(
        "--cert",
        metavar="FILE",
        type=not_empty,
        help="with --listen, PEM file with a certificate, then its CAs': clients connect to wss://",
    )
    option(
        "--key",
        metavar="FILE",
        type=not_empty,
        help="PEM file with the private key of --cert (default: it is in the same file)",
    )
    option(
        "--wait",
        metavar="SECONDS",
        type=seconds,
        help="with --listen, end the run if no client connects for so long (default: never); with "
        f"--command, the time in which each must connect (default: {DEADLINE})",
    )


def add_selection_options(parser: CommandLine) -> None:
    option = parser.add_argument
    option("--list", action="store_true", help="show the selected cases, and check nothing")
    option(
        "--only",
        metavar="GLOB",
        type=not_empty,
        action="append",
        default=[],
        help="only cases with such a name, such as '5.2-*'; repeatable (default: all)",
    )
    option(
        "--group",
        metavar="NAME",
        choices=list(dict.fromkeys(group.name for group in (*GROUPS, *CLIENT_GROUPS))),
        action="append",
        default=[],
        help=f"only cases of a group: {', '.join(group.name for group in GROUPS)}; with --listen "
        f"{', '.join(group.name for group in CLIENT_GROUPS)}; repeatable",
    )
    option(
        "--level",
        metavar="WORD",
        choices=[level.value for level in Level],
        action="append",
        default=[],
        help=f"only rules of a level: {', '.join(level.value for level in Level)}; repeatable",
    )
    option("--slow", action="store_true", help="also cases that take seconds or minutes")


def add_run_options(parser: CommandLine) -> None:
    option = parser.add_argument
    option(
        "--jobs",
        metavar="NUMBER",
        type=job_count,
        default=1,
        help="cases at a time: a server must serve as many connections, of --command as many run "
        "(default: %(default)s)",
    )
    option(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=TIMEOUT,
        help="time that the endpoint has for an answer, in seconds (default: %(default)s)",
    )
    option(
        "--autobahn",
        action="store_true",
        help="run Autobahn's cases, too, with conformance/autobahn.py of a checkout: some minutes, "
        "and all its cases with --slow; it sends no --header, --origin and --subprotocol",
    )
    option(
        "--autobahn-run",
        metavar="FILE",
        type=not_empty,
        help="take Autobahn's results from a run before: the --json of conformance/autobahn.py, or "
        "the index.json of the testsuite's reports",
    )
    option("--strict", action="store_true", help="exit with status 3 if a case is only weak")


def add_report_options(parser: CommandLine) -> None:
    option = parser.add_argument
    option("--json", metavar="FILE", type=new_file, help="write the results as JSON")
    option("--junit", metavar="FILE", type=new_file, help="write them as XML for CI systems")
    option("--markdown", metavar="FILE", type=new_file, help="write them as Markdown")
    option(
        "--tapes",
        metavar="DIR",
        type=new_directory,
        help="write the bytes of each failed case, as a tape for the command replay; an older tape "
        "of a case that does not fail now is removed",
    )
    option(
        "--expect",
        metavar="FILE",
        type=not_empty,
        help="compare with this JSON of an earlier run; only changes count as failed",
    )
    option("--update", action="store_true", help="write the file of --expect instead")
    option(
        "--diff",
        metavar=("FILE", "FILE"),
        nargs=2,
        type=not_empty,
        help="check nothing, but compare the JSON of two runs",
    )
    option(
        "--course",
        metavar="FILE",
        type=not_empty,
        help='give points: "default", or a TOML file that says how many for which cases',
    )
    option(
        "--gradescope",
        metavar="FILE",
        type=new_file,
        help='write the points as JSON for Gradescope (with --course "default" unless given)',
    )


def chosen_uri(options: argparse.Namespace) -> WebSocketURI:
    """The URI of the server, with --path."""
    uri = parse_uri(options.uri)
    if not options.path:
        return uri
    return replace(uri, resource_name=parse_uri(f"ws://localhost{options.path}").resource_name)


def path(text: str) -> str:
    if not text.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path: give one that begins with /")
    websocket_uri(f"ws://localhost{text}")
    return text


def listening_port(text: str) -> int:
    return whole_number(text, "a port", 0, 65_535)


def job_count(text: str) -> int:
    return whole_number(text, "a number of cases", 1, MAX_JOBS)


def new_directory(text: str) -> str:
    """A directory that may not exist yet; what is above it must not be a file."""
    path = Path(not_empty(text)).absolute()
    if next(each for each in (path, *path.parents) if each.exists()).is_dir():
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} cannot be a directory, because a file has this name, or one above it: give "
        "another one"
    )


def new_file(text: str) -> str:
    """A file that may not exist yet; its directory must, so that no run is in vain."""
    if not_empty(text) and Path(text).absolute().parent.is_dir() and not Path(text).is_dir():
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is in no directory that exists, or is one: give a file in a directory of yours"
    )
