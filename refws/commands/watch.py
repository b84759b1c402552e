"""`python3 -m refws watch URI`: a forwarding server that shows what passes, and changes no byte."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import ssl
import sys
from contextlib import ExitStack
from time import monotonic

from ..course.glass.forwarder import Forwarder
from ..course.glass.looking import LookerOn
from ..course.glass.page import Pages
from ..course.glass.taping import Tape
from ..course.glass.target import CONNECT_TIMEOUT, Target
from ..course.glass.terminal import Terminal
from ..course.record.live import Live
from ..course.record.output import Output
from ..course.text.terminal import make_printable, style_for
from ..endpoint.listening import listen, open_to_others
from ..endpoint.tls.certificates import client_context, server_context
from ..protocol.authority import join_authority
from ..protocol.client.uri import WebSocketURI, parse_uri
from .connect.failures import what_to_do as why_not_reached
from .connect.values import websocket_uri
from .options import (
    CommandLine,
    add_trust_options,
    not_empty,
    own_origin,
    pem_problem,
    port,
    seconds,
)
from .serve import LOG_FORMAT, TCP_ADVICE, stop_on_signals
from .tracing import add_trace_options, check_trace_options, recording

DESCRIPTION = """\
A pane of glass between a client and a server, of any program: connect your client to this one in
place of the server. All bytes pass unchanged, in both directions, and each connection is explained:
who broke which rule first, and why it ended. Only the header Host of a request is changed, because
it must name the server, and Origin with --origin."""

EPILOG = """\
The printed address opens a page that shows every frame while it passes. Its token keeps others out:
give it to no one. GET / without Upgrade is for this page, and all other requests go to the server.
What is shown may be late if much passes, or leave out a part, and says so; the traffic never waits
for it. Ctrl-C ends all connections."""

ELSEWHERE = {
    "-p": "write --port 9000",
    "--listen": "write --port 9000",
    "--listen-port": "write --port 9000",
    "--listen-host": "write --host 127.0.0.1",
    "-k": "write --insecure",
    "--ssl-insecure": "write --insecure",
    "--cacert": "write --ca FILE",
    "-w": "write --record FILE",
    "--target": "write the URI of the server alone",
    "--upstream": "write the URI of the server alone",
}
"""Options of curl, mitmproxy and other programs, and what to write here."""

HOST = "127.0.0.1"
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""An address that is all of this machine's -> one on which only this machine can connect."""

PORT = 9000

SWITCH_INTERVAL = 0.000_5
"""Seconds after which a thread that explains must let one that passes bytes on go first."""

TIME_TO_END = 0.5
"""Seconds after Ctrl-C for what is still to be shown."""


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 after Ctrl-C, 2 if it could not start."""
    parser = command_line()
    options = parser.parse_args(arguments)
    if sys.stdout is None:
        parser.error("watch needs standard output, which is closed")
    check_trace_options(parser, options, has_output=True)
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT, stream=sys.stderr)
    target, context = target_of(parser, options), own_context(parser, options)
    try:
        socks = listen(options.host or [HOST], options.port)
    except OSError as error:
        print(f"refws: {cannot_listen(error, options)}", file=sys.stderr)
        return 2
    watch(parser, options, socks, target, context)
    return 0


def watch(
    parser: CommandLine,
    options: argparse.Namespace,
    socks: list[socket.socket],
    target: Target,
    context: ssl.SSLContext | None,
) -> None:
    """Forward until a signal arrives; a second one ends the process at once."""
    make_printable(sys.stdout)
    show = Live(Output(sys.stdout).show).show
    host, own_port = socks[0].getsockname()[:2]
    secure = context is not None
    own = clients_uri(host, own_port, secure)
    pages = Pages(own, server_name(target.uri), own_origins(host, own_port, secure))
    forwarder = Forwarder(socks, target, pages.address, context)
    terminal = Terminal(show, options.trace, style_for(sys.stdout), forwarder.show)
    lookers_on: list[LookerOn] = [terminal]
    if options.record:
        lookers_on.append(Tape(recording(parser, options, logging.getLogger("refws"))))
    stop_on_signals(forwarder.stop)
    sys.setswitchinterval(SWITCH_INTERVAL)
    page = f"http{'s' if secure else ''}://{page_host(host, own_port)}/?token={pages.token}"
    for line in greeting(own, server_name(target.uri), page):
        show(line)
    with ExitStack() as at_the_end:
        pages.start(forwarder)
        at_the_end.callback(pages.stop)
        for looker_on in lookers_on:
            forwarder.add(looker_on.copies)
            looker_on.start()
        forwarder.run()
        give_up_at = monotonic() + TIME_TO_END
        for looker_on in lookers_on:
            looker_on.stop(give_up_at)


# What is said


def greeting(own: str, target: str, page: str) -> list[str]:
    """How to go on, line by line."""
    return [
        f"Watching {target}.",
        f"Connect your client to {own} in its place, with the same path.",
        f"See it on a page, which is for you only: {page}",
        "Stop: Ctrl-C",
    ]


def server_name(uri: WebSocketURI) -> str:
    return f"{uri.scheme}://{uri.host_header}"


def clients_uri(host: str, own_port: int, secure: bool) -> str:
    """Where clients connect, also on other machines if it listens on all addresses."""
    return f"ws{'s' if secure else ''}://{join_authority(open_to_others(host), own_port)}"


def page_host(host: str, own_port: int) -> str:
    """Where the page is opened: on this machine, so that it is reached by a loopback address."""
    return join_authority(LOOPBACK.get(host, host), own_port)


def own_origins(host: str, own_port: int, secure: bool) -> list[str]:
    """The origins of the page, by each name of this machine."""
    scheme = "https" if secure else "http"
    hosts = ("localhost", "127.0.0.1", "::1", *({host} - LOOPBACK.keys()))
    return [f"{scheme}://{join_authority(each, own_port)}" for each in hosts]


def cannot_listen(error: OSError, options: argparse.Namespace) -> str:
    """One line: the address, the reason, and what to do."""
    host = error.filename or HOST
    if isinstance(error, socket.gaierror):
        return f"no address found for host {host!r}: give one of this machine, such as {HOST}"
    reason = os.strerror(error.errno) if error.errno else str(error)
    advice = TCP_ADVICE.get(error.errno or 0, "choose another --host or --port")
    return f"cannot listen on {host!r} port {options.port}, {reason}: {advice}"


# Options


def target_of(parser: CommandLine, options: argparse.Namespace) -> Target:
    """The server. A bad command line ends the process with status 2."""
    uri = parse_uri(options.uri)
    if uri.resource_name != "/":
        parser.error(
            f"the URI has the path {uri.resource_name!r}: leave it out, and give it to your "
            "client, whose path is passed on"
        )
    if uri.port == options.port and uri.host in ("localhost", *LOOPBACK.values()):
        parser.error(
            f"port {uri.port} is where watch would listen itself: give another one for it, such as "
            "--port 0"
        )
    headers = {"Host": uri.host_header}
    if options.origin:
        headers["Origin"] = options.origin
    place = argparse.Namespace(unix=None, proxy=None, uri=options.uri)
    return Target(
        uri,
        server_tls(parser, options, uri),
        headers,
        lambda error: why_not_reached(error, place),
        options.open_timeout,
    )


def server_tls(
    parser: CommandLine, options: argparse.Namespace, uri: WebSocketURI
) -> ssl.SSLContext | None:
    """For wss://, a context with the CAs that the options name; None for ws://."""
    if not uri.secure:
        if options.insecure or options.ca:
            parser.error("--insecure and --ca are for TLS: use them with wss://, or leave them out")
        return None
    try:
        return client_context(options.ca, options.insecure)
    except OSError as error:
        parser.error(pem_problem(error, "--ca"))


def own_context(parser: CommandLine, options: argparse.Namespace) -> ssl.SSLContext | None:
    """The TLS of our side; None without --cert."""
    if options.key and not options.cert:
        parser.error("--key needs --cert, the certificate that it belongs to")
    if not options.cert:
        return None
    try:
        return server_context(options.cert, options.key)
    except OSError as error:
        parser.error(pem_problem(error, "--cert and --key"))


def command_line() -> CommandLine:
    """The options, with their units and defaults."""
    parser = CommandLine(
        prog="python3 -m refws watch", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    parser.elsewhere = ELSEWHERE
    parser.too_many = "each server needs a watch of its own, with another --port"
    parser.missing = "write the one of the server, such as ws://127.0.0.1:8080"
    option = parser.add_argument
    option(
        "uri",
        metavar="URI",
        type=websocket_uri,
        help="the server to pass all on to: ws://host:port, or wss:// with TLS, without a path",
    )
    option(
        "--host",
        metavar="NAME",
        type=not_empty,
        action="append",
        help=f"address to listen on; 0.0.0.0: all of IPv4; repeatable (default: {HOST})",
    )
    option(
        "--port",
        metavar="NUMBER",
        type=port,
        default=PORT,
        help="TCP port to listen on; 0 picks a free one (default: %(default)s)",
    )
    option(
        "--origin",
        metavar="URL",
        type=own_origin,
        help="Origin that the server gets in place of the client's (default: the client's)",
    )
    add_trust_options(parser)
    option(
        "--cert",
        metavar="FILE",
        type=not_empty,
        help="PEM file with a certificate to show to clients: they connect to wss:// here",
    )
    option(
        "--key",
        metavar="FILE",
        type=not_empty,
        help="PEM file with the private key of --cert (default: it is in the same file)",
    )
    option(
        "--open-timeout",
        metavar="SECONDS",
        type=seconds,
        default=CONNECT_TIMEOUT,
        help="time to reach the server, in seconds (default: %(default)s)",
    )
    add_trace_options(parser)
    return parser
