"""The options of `python3 -m refws connect`, with their units and defaults: text -> values."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from ...protocol.client.handshake import OWN_HEADERS, added_headers
from ...protocol.client.proxy import parse_proxy
from ...protocol.client.uri import parse_uri
from ...protocol.http import OWS
from ..options import (
    DEFAULTS,
    CommandLine,
    add_head_options,
    message_size,
    not_empty,
    own_origin,
    seconds,
    seconds_or_off,
    subprotocol,
)
from ..tracing import add_trace_options

DESCRIPTION = """\
Connects to a WebSocket server. Each line that you type becomes a text message; each message that
arrives is shown with its type and size. A line that begins with / is a command; /help lists them.
Ctrl-D closes with 1000, Ctrl-C with 1001; a second Ctrl-C ends the program at once."""

EPILOG = """\
If input or output is not a terminal (a pipe), the same lines are read. Payloads go to standard
output, one in each line: text with control characters escaped as \\n or \\x1b, binary in hex.
Everything else goes to standard error. At the end of the input a last Ping is sent: a server that
answers in order sends its Pong after all other answers, and then the connection is closed. Exit
status: 0 if the connection was closed without an error; 1 if it was not, if it was never opened, or
if a line of a pipe could not be obeyed; 2 for a bad command line; 130 for Ctrl-C before the
connection was open."""

AS_OPTIONS = {
    "additional_headers={'Authorization': ...}": "--header 'Authorization: ...'",
    "additional_headers={'Authorization': 'Basic ...'}": "--header 'Authorization: Basic ...'",
    "subprotocols=[...]": "--subprotocol NAME",
    "compression=...": "--deflate",
    "origin=...": "--origin URL",
}
"""What messages for programs say to give to `connect` -> the same on the command line."""

T = TypeVar("T")


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
    add_request_options(parser)
    option(
        "--deflate",
        action="store_true",
        help="offer to compress messages (permessage-deflate, RFC 7692)",
    )
    option(
        "--insecure",
        action="store_true",
        help="with wss://, accept any certificate, and so any server",
    )
    option(
        "--ca",
        metavar="FILE",
        type=not_empty,
        help="with wss://, trust the CAs in this PEM file (default: the system's CAs)",
    )
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
    option(
        "--ping-interval",
        metavar="SECONDS",
        type=seconds_or_off,
        default=DEFAULTS.ping_interval,
        help="time from one Ping to the next, in seconds; 0 sends no Pings (default: %(default)s)",
    )
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
    option(
        "--wait",
        metavar="SECONDS",
        type=seconds_or_none,
        default=0,
        help=(
            "in a pipe, time to listen on after the last Pong, in seconds (default: %(default)s)"
        ),
    )
    add_trace_options(parser)
    return parser


def add_request_options(parser: CommandLine) -> None:
    """--header, --origin and --subprotocol: what the opening handshake of a client says."""
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


def websocket_uri(text: str) -> str:
    return checked(text, lambda: parse_uri(text))


def proxy_url(text: str) -> str:
    return checked(text, lambda: parse_proxy(text))


def header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f'{text!r} is not a header: give it as "Name: value"')
    in_utf_8 = value.strip(OWS).encode("utf-8", "surrogateescape").decode("latin-1")
    line = (name, in_utf_8)  # one character for each byte, as in `Headers`
    return checked(line, lambda: added_headers([line], OWN_HEADERS))


def seconds_or_none(text: str) -> float:
    return seconds_or_off(text) or 0.0


def checked(value: T, check: Callable[[], object]) -> T:
    """The value, if `check` raises no ValueError; otherwise argparse shows the error."""
    try:
        check()
    except ValueError as error:
        raise argparse.ArgumentTypeError(in_options(str(error))) from None
    return value


def in_options(message: str) -> str:
    """The message with options in the place of arguments of the library's `connect`."""
    for argument, option in AS_OPTIONS.items():
        message = message.replace(argument, option)
    return message
