"""`python3 -m refws connect URI`: RFC 6455 §4.1, arguments -> a session on an open connection."""

from __future__ import annotations

import argparse
import io
import logging
import os
import ssl
import sys
from collections.abc import Sequence

from ... import Connection, connect
from ...course.text.characters import escape_words
from ...endpoint.tls.certificates import client_context
from ...endpoint.traces import ChooseTrace
from ...interruption import INTERRUPTED
from ...protocol.client.uri import parse_uri
from ...protocol.errors import InvalidHandshake
from ..options import CommandLine, pem_problem
from ..tracing import choose_trace
from .display import Screen, choose_display
from .failures import describe_failure
from .options import command_line
from .session import Session

LOGGER = logging.getLogger("refws.connect")
"""It is silent, because a client logs only how the connection ended, and the display shows that."""


def main(arguments: list[str] | None = None) -> int:
    """Run a session with these arguments; the exit status, which --help explains."""
    parser = command_line()
    options = parser.parse_args(arguments)
    prepare_streams()
    display = choose_display()
    try:
        trace = choose_trace(parser, options, display.show)
        connection = open_connection(parser, options, trace)
    except (InvalidHandshake, OSError) as error:
        for line in describe_failure(error, options):
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


def open_connection(
    parser: CommandLine, options: argparse.Namespace, trace: Sequence[ChooseTrace] = ()
) -> Connection:
    """The open connection. InvalidHandshake or OSError if there is none.

    A bad command line ends the process with status 2.
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
            max_line_size=options.max_line_size,
            max_header_lines=options.max_header_lines,
            max_head_size=options.max_head_size,
            trace=trace,
            logger=silent_logger(),
        )
    except ssl.SSLError:
        raise  # a certificate's error is a ValueError, too, but no error of the command line
    except ValueError as error:
        parser.error(str(error))


def tls_context(parser: CommandLine, options: argparse.Namespace) -> ssl.SSLContext | None:
    """For wss://, a context with the certificates that the options name; None for ws://."""
    if options.key and not options.cert:
        parser.error("--key needs --cert, the certificate that it belongs to")
    if not parse_uri(options.uri).secure:
        if options.insecure or options.ca or options.cert:
            parser.error(
                "--insecure, --ca, --cert and --key are for TLS: use them with wss://, or leave "
                "them out"
            )
        return None
    try:
        return client_context(options.ca, options.insecure, options.cert, options.key)
    except OSError as error:
        parser.error(pem_problem(error, "--ca, --cert and --key"))


def silent_logger() -> logging.Logger:
    LOGGER.propagate = False
    LOGGER.addHandler(logging.NullHandler())
    return LOGGER


def prepare_streams() -> None:
    """Make sure that no character ends the program: read a pipe as UTF-8, and escape the output.

    A byte of the input that is not UTF-8 becomes a surrogate, which `parse_line` refuses.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(
            encoding=None if sys.stdin.isatty() else "utf-8", errors="surrogateescape"
        )
    for file in (sys.stdout, sys.stderr):
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="backslashreplace")


def greeting(connection: Connection, options: argparse.Namespace) -> str:
    """One line: the URI, what was agreed on, and how to go on."""
    assert connection.response is not None
    extensions = connection.response.headers.get("Sec-WebSocket-Extensions")
    agreed = [f"subprotocol {connection.subprotocol}"] if connection.subprotocol else []
    agreed += [f"extension {extensions}"] if extensions else []
    with_these = f" with {', '.join(agreed)}" if agreed else ""
    return f"connected to {options.uri}{with_these}; /help shows the commands, Ctrl-D closes"


def give_up_output(failure: OSError) -> None:
    """Report that the output failed, unless its reader has gone; then write to the null device.

    Python flushes standard output once more at exit, which would otherwise fail again.
    """
    if not isinstance(failure, BrokenPipeError):
        print(f"refws: the output cannot be written, {failure.strerror}", file=sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
