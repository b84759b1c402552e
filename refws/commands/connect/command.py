"""`python3 -m refws connect URI`: RFC 6455 §4.1, arguments -> a session on an open connection."""

from __future__ import annotations

import argparse
import io
import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from ... import Connection, connect
from ...course.record.diagnosis import Diagnosis
from ...course.text.characters import escape_words
from ...endpoint.tls.certificates import client_context
from ...endpoint.traces import ChooseTrace
from ...interruption import INTERRUPTED
from ...protocol.client.uri import parse_uri
from ...protocol.errors import InvalidHandshake
from ...protocol.http import Headers
from ..options import CommandLine, pem_problem
from ..tracing import choose_trace
from .display import Display, Screen, choose_display, is_terminal
from .failures import describe_failure
from .history import History
from .options import command_line
from .output import as_it_is
from .reconnecting import run_all
from .resolve import WrongPlace, address_for, connected
from .session import Plan, Session

LOGGER = logging.getLogger("refws.connect")
"""It is silent, because a client logs only how the connection ended, and the display shows that."""


def main(arguments: list[str] | None = None) -> int:
    """Run a session with these arguments; the exit status, which --help explains."""
    parser = command_line()
    options = parser.parse_args(arguments)
    check_together(parser, options)
    prepare_streams()
    display = choose_display(options.form, options.quiet)
    client = Client(parser, options, display, choose_trace(parser, options, display.show))
    plan = Plan([first.action for first in options.first], options.count, options.wait)
    try:
        session = client.start(plan)
    except (InvalidHandshake, OSError) as error:
        for line in (*describe_failure(error, options), *not_sent(options)):
            print(escape_words(line), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    with history_of(display) if options.history else nullcontext():
        status = client.run(plan, session)
    if display.failure is not None:
        give_up_output(display.failure)
    return status


@dataclass(frozen=True, slots=True)
class Client:
    """Opens the connections that a command line asks for, and tells the user about them."""

    parser: CommandLine
    options: argparse.Namespace
    display: Display
    trace: Sequence[ChooseTrace]

    def start(self, plan: Plan) -> Session:
        """A session on an open connection. InvalidHandshake or OSError if there is none."""
        session, connection = self._open(plan)
        if isinstance(self.display, Screen):
            self._tell(greeting(connection, self.options))
        return session

    def _open(self, plan: Plan) -> tuple[Session, Connection]:
        diagnosis = Diagnosis()
        trace = [*self.trace, diagnosis.choose]
        connection = open_connection(self.parser, self.options, trace)
        return Session(connection, self.display, plan, diagnosis.hint), connection

    def start_again(self, plan: Plan, delay: float) -> Session:
        """The same after a delay in seconds, because a connection was lost."""
        self._tell(f"connecting again in {delay:.1f} s (§7.2.3); Ctrl-C ends")
        time.sleep(delay)
        session, _ = self._open(plan)
        self._tell(f"connected to {self.options.uri} again")
        return session

    def run(self, plan: Plan, session: Session) -> int:
        """Run the session, and with --reconnect those after it; the exit status."""
        if not self.options.reconnect:
            return session.run()
        try:
            return run_all(plan, session, self.start_again, self._show_failure)
        except KeyboardInterrupt:
            return INTERRUPTED

    def _show_failure(self, error: InvalidHandshake | OSError) -> None:
        for line in describe_failure(error, self.options):
            self.display.show(line)

    def _tell(self, line: str) -> None:
        if not self.options.quiet:
            self.display.show(line)


def history_of(display: Display) -> AbstractContextManager[None]:
    """The lines of earlier sessions, if the display can offer them."""
    if isinstance(display, Screen) and display.readline is not None:
        return History(display.readline)
    return nullcontext()


def check_together(parser: CommandLine, options: argparse.Namespace) -> None:
    """End the process with status 2 for options that do not go together."""
    if options.form is as_it_is and is_terminal(sys.stdout):
        parser.error(
            "--raw would let the server write to your terminal: send it to a file or a program, "
            "with > FILE or | PROGRAM"
        )
    if len(Headers(options.header).get_all("Authorization")) > 1:
        parser.error("there are two logins: give one of --auth, --auth-file and --header")
    if options.resolve and (options.unix or options.proxy):
        parser.error("--resolve is for a connection of its own: leave out --unix and --proxy")
    if options.unix and options.proxy:
        parser.error("--unix leads to the server itself: leave out --proxy")


def not_sent(options: argparse.Namespace) -> list[str]:
    """Lines that say which options did nothing, because no connection was opened."""
    names = dict.fromkeys(first.option for first in options.first)
    lines = [f"refws: nothing was sent of {', '.join(names)}"] if names else []
    if options.reconnect:
        lines.append("refws: --reconnect is for a connection that was open: start it again later")
    return lines


def open_connection(
    parser: CommandLine, options: argparse.Namespace, trace: Sequence[ChooseTrace] = ()
) -> Connection:
    """The open connection. InvalidHandshake or OSError if there is none.

    A bad command line ends the process with status 2.
    """
    context = tls_context(parser, options)
    sock = given_socket(parser, options)
    try:
        return connect(
            options.uri,
            ssl=context,
            unix_path=options.unix,
            sock=sock,
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


def given_socket(parser: CommandLine, options: argparse.Namespace) -> socket.socket | None:
    """With --resolve, a socket that is connected to its address."""
    if options.resolve is None:
        return None
    try:
        address = address_for(options.resolve, parse_uri(options.uri))
    except WrongPlace as error:
        parser.error(f"--resolve: {error}")
    return connected(address, options.open_timeout)


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
