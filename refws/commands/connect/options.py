"""The options of `python3 -m refws connect`, with their units and defaults."""

from __future__ import annotations

from .. import elsewhere
from ..options import (
    DEFAULTS,
    CommandLine,
    add_head_options,
    add_ping_interval,
    add_trust_options,
    message_size,
    not_empty,
    own_origin,
    seconds,
    subprotocol,
)
from ..tracing import add_trace_options
from .output import as_it_is, as_json
from .values import (
    binary_file,
    header,
    login,
    login_file,
    message_count,
    proxy_url,
    seconds_or_none,
    text_file,
    typed_line,
    websocket_uri,
)

DESCRIPTION = """\
Connects to a WebSocket server. Each line that you type becomes a text message; each message that
arrives is shown with its type and size. A line that begins with / is a command; /help lists them.
Ctrl-D closes with 1000, Ctrl-C with 1001; a second Ctrl-C ends the program at once."""

EPILOG = """\
If input or output is not a terminal (a pipe), the same lines are read. Payloads go to standard
output, one in each line: text with control characters escaped as \\n or \\x1b, binary in hex; see
--json and --raw. Everything else goes to standard error. At the end of the input a last Ping
is sent: a server that answers in order sends its Pong after all other answers, and then the
connection is closed. Exit status: 0 if the connection was closed without an error; 1 if it was not,
if it was never opened, if a line of a pipe could not be obeyed, or if fewer messages than --count
have arrived; 2 for a bad command line; 130 for Ctrl-C while no connection is open."""


def command_line() -> CommandLine:
    """The options, with their units and defaults."""
    parser = CommandLine(
        prog="python3 -m refws connect", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    option = parser.add_argument
    option(
        "uri",
        metavar="URI",
        type=websocket_uri,
        help="where to connect to, ws://host:port/path, or wss:// with TLS",
    )
    parser.elsewhere = elsewhere.CONNECT
    parser.too_many = "one URI is enough; a text to send is -x TEXT"
    parser.missing = "write one, such as ws://127.0.0.1:8080/echo"
    add_session_options(parser)
    add_output_options(parser)
    add_request_options(parser)
    option(
        "--deflate",
        action="store_true",
        help="offer to compress messages (permessage-deflate, RFC 7692)",
    )
    add_trust_options(parser)
    option(
        "--cert",
        metavar="FILE",
        type=not_empty,
        help="with wss://, PEM file with a certificate to show if the server wants one",
    )
    option(
        "--key",
        metavar="FILE",
        type=not_empty,
        help="PEM file with the private key of --cert (default: it is in the same file)",
    )
    option(
        "--proxy",
        metavar="URL",
        type=proxy_url,
        help="HTTP proxy to go through, such as http://user:password@host:port (default: none)",
    )
    option(
        "--unix",
        metavar="PATH",
        type=not_empty,
        help="Unix socket to connect to, instead of the URI's host and port",
    )
    option(
        "--resolve",
        metavar="HOST:PORT:ADDRESS",
        type=not_empty,
        help="connect to this IP address, though the URI names HOST and PORT, as with curl",
    )
    option(
        "--max-message-size",
        metavar="BYTES",
        type=message_size,
        default=DEFAULTS.max_size,
        help="largest message to accept, in bytes (default: %(default)s)",
    )
    add_head_options(parser)
    option(
        "--open-timeout",
        metavar="SECONDS",
        type=seconds,
        default=DEFAULTS.open_timeout,
        help="time for the connection and the opening handshake, in seconds (default: %(default)s)",
    )
    add_ping_interval(parser)
    option(
        "--close-timeout",
        metavar="SECONDS",
        type=seconds,
        default=DEFAULTS.close_timeout,
        help=(
            "time for the closing handshake, and for the last Pong, in seconds (default: "
            "%(default)s)"
        ),
    )
    add_trace_options(parser)
    return parser


def add_session_options(parser: CommandLine) -> None:
    """-x, --send-file, --binary-file, --count, --wait and --reconnect: what a session does."""
    option = parser.add_argument
    option(
        "-x",
        "--execute",
        metavar="TEXT",
        dest="first",
        type=typed_line,
        action="append",
        default=[],
        help="send this first, as if it were typed, then go on; repeatable",
    )
    option(
        "--send-file",
        metavar="FILE",
        dest="first",
        type=text_file,
        action="append",
        help="send this file first, as one text message; - is all of standard input; repeatable",
    )
    option(
        "--binary-file",
        metavar="FILE",
        dest="first",
        type=binary_file,
        action="append",
        help="the same as a binary message; all three are sent in the order of the command line",
    )
    option(
        "--count",
        metavar="NUMBER",
        type=message_count,
        help="close after this number of messages; the end of a pipe's input then ends nothing",
    )
    option(
        "--wait",
        metavar="SECONDS",
        type=seconds_or_none,
        default=0,
        help="in a pipe, time to listen on after the last Pong, in seconds (default: %(default)s); "
        "with --count, after the end of the input (default: no limit)",
    )
    option(
        "--reconnect",
        action="store_true",
        help="connect again when the connection is lost, after 0 to 5 seconds, then more and more, "
        "and send what is to be sent first again; not after a Close with 1000, nor if the first "
        "connection cannot be opened",
    )


def add_output_options(parser: CommandLine) -> None:
    """--json, --raw, --quiet and --no-history."""
    form = parser.add_mutually_exclusive_group().add_argument
    form(
        "--json",
        dest="form",
        action="store_const",
        const=as_json,
        help='write a line {"type": "text", "size": 5, "payload": "hello"} for each message; the '
        "payload of a binary one is in hex",
    )
    form(
        "--raw",
        dest="form",
        action="store_const",
        const=as_it_is,
        help="write payloads as they are, with nothing between them, to a file or a program",
    )
    option = parser.add_argument
    option(
        "--quiet",
        action="store_true",
        help="show messages and errors, not that the connection opens, closes or opens again",
    )
    option(
        "--no-history",
        dest="history",
        action="store_false",
        help="keep no typed line for the next session; without this, they are in a file of yours",
    )


def add_request_options(parser: CommandLine) -> None:
    """--header, --auth, --auth-file, --origin and --subprotocol: what a client's request says."""
    option = parser.add_argument
    option(
        "--header",
        metavar="LINE",
        type=header,
        action="append",
        default=[],
        help='header to add to the request, as "Name: value"; repeatable',
    )
    option(
        "--auth",
        metavar="USER:PASSWORD",
        dest="header",
        type=login,
        action="append",
        help="log in (Basic, RFC 7617); all users of this machine can read a command line",
    )
    option(
        "--auth-file",
        metavar="FILE",
        dest="header",
        type=login_file,
        action="append",
        help="log in as the first user of this file, which has a line user:password for each",
    )
    option(
        "--origin",
        metavar="URL",
        type=own_origin,
        help="origin to claim, such as https://example.com (default: none)",
    )
    option(
        "--subprotocol",
        metavar="NAME",
        type=subprotocol,
        action="append",
        help="subprotocol to offer, the best one first; repeatable (default: none)",
    )
