"""`python3 -m refws connect URI`: RFC 6455 §4.1, a client for the terminal, and for programs
through a pipe.
"""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from ... import Connection, connect
from ...course.text.characters import count, escape_words
from ...endpoint.taps import ChooseTrace
from ...endpoint.tls.certificates import client_context
from ...protocol.client.handshake import OWN_HEADERS, added_headers
from ...protocol.client.proxy import parse_proxy
from ...protocol.client.uri import parse_uri
from ...protocol.errors import InvalidHandshake
from ...protocol.http import OWS, Response
from ..options import (
    CommandLine,
    message_size,
    not_empty,
    origin,
    seconds,
    seconds_or_off,
    subprotocol,
)
from ..tracing import add_trace_options, choose_trace
from .display import Screen, choose_display
from .session import Session

LOGGER = logging.getLogger("refws.connect")
"""Says nothing: what it could say is shown as the end of the connection."""

DESCRIPTION = """\
Connects to a WebSocket server. Each line that is typed becomes a text message, what arrives is shown with type and
size. A line that begins with / is a command; /help lists them. Ctrl-D closes with 1000, Ctrl-C with 1001, and once
more at once."""

EPILOG = """\
In a pipe, when input or output is no terminal, the same lines are read, and payloads go to standard output, one a
line: text with control characters escaped as \\n or \\x1b, binary in hex. Everything else goes to standard error. At
the end of the input a Ping is sent, and its Pong waited for, as the answers of a server that keeps the order come
before it; then the connection is closed. Exit status: 0 if it was closed well, 1 if it was not, or never opened, or
a line of a pipe could not be obeyed, 2 for a bad command line, 130 for Ctrl-C before it was open."""

ADVICE = {
    errno.ECONNREFUSED: "nothing listens there; start the server, or check host and port",
    errno.ECONNRESET: (
        "the server ended the connection, or something in between; its log may say why"
    ),
    errno.EPIPE: "the server ended the connection, or something in between; its log may say why",
    errno.ENETUNREACH: "no way leads there; check the host, and the network of this machine",
    errno.EHOSTUNREACH: "no way leads there; check the host, and the network of this machine",
    errno.ETIMEDOUT: "nothing answers there; check host and port, and the firewalls in between",
    errno.ENOENT: "nothing is there; start the server, or check the path",
    errno.EACCES: "it belongs to another user; ask for the right to use it",
}

INTERRUPTED = 130
"""The exit status that shells give to a program ended by Ctrl-C."""

MOST_LINES = 40
"""Lines of a body that are shown."""

LONGEST_LINE = 200

T = TypeVar("T")


def main(arguments: list[str] | None = None) -> int:
    """A session as `arguments` say; the exit status is that of the help text."""
    parser = command_line()
    options = parser.parse_args(arguments)
    prepare_streams()
    display = choose_display()
    try:
        trace = choose_trace(parser, options, display.show)
        connection = open_connection(parser, options, trace)
    except (InvalidHandshake, OSError) as error:
        for line in refusal(error, options):
            print(escape_words(line), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    if isinstance(display, Screen):
        display.show(greeting(connection, options))
    status = Session(connection, display, options.wait).run()
    if display.failure is not None:
        give_up_output(display.failure)
    return status


# Options


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
        type=origin,
        help="origin to claim, as https://example.com (default: none, as this is no browser)",
    )
    option(
        "--subprotocol",
        metavar="NAME",
        type=subprotocol,
        action="append",
        help="subprotocol to offer, the best one first; repeatable (default: none)",
    )
    option(
        "--deflate",
        action="store_true",
        help="offer to compress messages (permessage-deflate, RFC 7692)",
    )
    option(
        "--insecure",
        action="store_true",
        help="with wss://, accept any certificate, whoever the server is",
    )
    option(
        "--ca",
        metavar="FILE",
        type=not_empty,
        help="with wss://, trust the CAs in this PEM file (default: those of the system)",
    )
    option(
        "--proxy",
        metavar="URL",
        type=proxy_url,
        help="HTTP proxy to go through, as http://user:password@host:port (default: none)",
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
        default=2**20,
        help="largest message to accept, in bytes (default: %(default)s)",
    )
    option(
        "--open-timeout",
        metavar="SECONDS",
        type=seconds,
        default=10,
        help="time for the connection and the opening handshake, in seconds (default: %(default)s)",
    )
    option(
        "--ping-interval",
        metavar="SECONDS",
        type=seconds_or_off,
        default=20,
        help="time from one Ping to the next, in seconds; 0 sends no Pings (default: %(default)s)",
    )
    option(
        "--close-timeout",
        metavar="SECONDS",
        type=seconds,
        default=5,
        help=(
            "time for the closing handshake, and for that last Pong, in seconds (default: "
            "%(default)s)"
        ),
    )
    option(
        "--wait",
        metavar="SECONDS",
        type=seconds_or_none,
        default=0,
        help=(
            "in a pipe, time to listen on after the end of the input and that Pong (default: "
            "%(default)s)"
        ),
    )
    add_trace_options(parser)
    return parser


def websocket_uri(text: str) -> str:
    return checked(text, lambda: parse_uri(text))


def proxy_url(text: str) -> str:
    return checked(text, lambda: parse_proxy(text))


def header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f'{text!r} is not a header: give it as "Name: value"')
    line = (name, value.strip(OWS))
    return checked(line, lambda: added_headers([line], OWN_HEADERS))


def seconds_or_none(text: str) -> float:
    return seconds_or_off(text) or 0.0


def checked(value: T, check: Callable[[], object]) -> T:
    """The value, if `check` has nothing against it; its ValueError tells what."""
    try:
        check()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value


# Connecting


def open_connection(
    parser: CommandLine, options: argparse.Namespace, trace: ChooseTrace | None = None
) -> Connection:
    """The open connection. InvalidHandshake or OSError where there is none; a bad command line ends
    the process.
    """
    try:
        return connect(
            options.uri,
            ssl=tls_context(parser, options),
            unix_path=options.unix,
            proxy=options.proxy,
            origin=options.origin,
            subprotocols=options.subprotocol,
            compression="deflate" if options.deflate else None,
            additional_headers=options.header,
            open_timeout=options.open_timeout,
            ping_interval=options.ping_interval,
            close_timeout=options.close_timeout,
            max_size=options.max_message_size,
            trace=trace,
            logger=silent_logger(),
        )
    except ssl.SSLError:
        raise  # one for a bad certificate is a ValueError, too
    except ValueError as error:
        parser.error(str(error))


def tls_context(parser: CommandLine, options: argparse.Namespace) -> ssl.SSLContext | None:
    if not parse_uri(options.uri).secure:
        if options.insecure or options.ca:
            parser.error(
                (
                    "--insecure and --ca are about certificates: use them with wss://, or leave "
                    "them out"
                )
            )
        return None
    try:
        return client_context(options.ca, options.insecure)
    except OSError as error:
        parser.error(f"argument --ca: {error}; give a file that has certificates in PEM")


def silent_logger() -> logging.Logger:
    LOGGER.propagate = False
    LOGGER.addHandler(logging.NullHandler())
    return LOGGER


def refusal(error: InvalidHandshake | OSError, options: argparse.Namespace) -> Iterator[str]:
    """Why there is no connection: one line, and what the server answered, if it did."""
    if not isinstance(error, InvalidHandshake):
        yield f"refws: {what_to_do(error, options)}"
        return
    yield from (f"refws: no WebSocket connection: {line}" for line in str(error).splitlines())
    response = getattr(error, "response", None)
    if isinstance(response, Response):
        yield (
            f"The server's answer: {response.version} {response.status_code} "
            f"{response.reason_phrase}"
        )
        yield from body_lines(response.body)


def body_lines(body: bytes) -> Iterator[str]:
    """The start of a body behind a bar, so that nothing in it can pass for a line of ours."""
    lines = body.decode(errors="replace").splitlines()
    yield from (f"  | {line[:LONGEST_LINE]}" for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        yield f"  and more, {count(len(body))} in all"


def what_to_do(error: OSError, options: argparse.Namespace) -> str:
    """One line: what could not be connected to, why, and the way out."""
    where = place(options)
    if isinstance(error, socket.gaierror):
        return f"no address found for {where}: check the name, and the network of this machine"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {where}: {error.strerror or error}"
    if not error.errno:
        return f"cannot connect to {where}: {error}"
    advice = ADVICE.get(error.errno, "check the URI and the options")
    return f"cannot connect to {where}, {os.strerror(error.errno)}: {advice}"


def place(options: argparse.Namespace) -> str:
    """What the TCP connection goes to; of a proxy without its password."""
    if options.unix:
        return f"Unix socket {options.unix!r}"
    if options.proxy:
        proxy = parse_proxy(options.proxy)
        return f"proxy {proxy.host} port {proxy.port}"
    return parse_uri(options.uri).authority


# Before and after the session


def prepare_streams() -> None:
    """UTF-8 in, as on the wire; out what the terminal's encoding has, and the rest escaped. No
    character is fatal.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(
            encoding=None if sys.stdin.isatty() else "utf-8", errors="surrogateescape"
        )
    for file in (sys.stdout, sys.stderr):
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="backslashreplace")


def greeting(connection: Connection, options: argparse.Namespace) -> str:
    """Where we are, what was agreed on, and how to go on."""
    assert connection.response is not None
    extensions = connection.response.headers.get("Sec-WebSocket-Extensions")
    agreed = [f"subprotocol {connection.subprotocol}"] if connection.subprotocol else []
    agreed += [f"extension {extensions}"] if extensions else []
    with_these = f" with {', '.join(agreed)}" if agreed else ""
    return f"connected to {options.uri}{with_these}; /help shows the commands, Ctrl-D closes"


def give_up_output(failure: OSError) -> None:
    """Say so, unless it was the reader who left; and let Python's own last flush find a place to
    write to.
    """
    if not isinstance(failure, BrokenPipeError):
        print(f"refws: the output cannot be written, {failure.strerror}", file=sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
