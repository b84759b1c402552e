"""`python3 -m refws [serve]`: a server with the example endpoints and their page."""

from __future__ import annotations

import argparse
import errno
import inspect
import logging
import os
import shlex
import signal
import socket
import ssl
import sys
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from types import FrameType

from .. import Server, serve
from ..course.services import ENDPOINTS, HEALTH_PATH, process_request, serve_endpoint, with_login
from ..course.web import wire_view
from ..endpoint.listening import open_to_others
from ..endpoint.server_handshake import ProcessRequest
from ..endpoint.tls.certificates import server_context
from ..endpoint.traces import ChooseTrace
from ..protocol.authority import join_authority
from ..protocol.http import Headers
from .logins import BadLogins, login_from
from .options import (
    DEFAULTS,
    CommandLine,
    add_head_options,
    connection_count,
    fragment_count,
    message_size,
    not_empty,
    origin,
    pem_problem,
    port,
    seconds,
    seconds_or_off,
    subprotocol,
)
from .tracing import add_trace_options, choose_trace

LOGGER = logging.getLogger("refws")
SERVE = inspect.signature(serve).parameters
"""The parameters of `serve`, whose defaults are also the defaults of the options."""

SWITCH_INTERVAL_PER_CONNECTION = 0.000_02
MAX_SWITCH_INTERVAL = 0.5
"""Seconds; see `set_switch_interval`."""

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"

TCP_ADVICE = {
    errno.EADDRINUSE: (
        "stop the program that uses it, or choose another port (--port 0 picks a free one)"
    ),
    errno.EACCES: (
        "ports below 1024 are for privileged users; choose a higher one, such as --port 8080"
    ),
    errno.EADDRNOTAVAIL: (
        "this machine has no such address; choose one that it has, such as --host 127.0.0.1"
    ),
}
UNIX_ADVICE = {
    errno.EADDRINUSE: (
        "something is there already; stop the server that uses it, or choose another path"
    ),
    errno.EACCES: "choose a path in a directory where you may write",
    errno.ENOENT: "make its directory first, or choose another path",
}


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 after the server has stopped gracefully, 2 if it could not start."""
    parser = command_line()
    options = parser.parse_args(arguments)
    if options.key and not options.cert:
        parser.error("--key needs --cert, the certificate that it belongs to")
    if options.client_ca and not options.cert:
        parser.error("--client-ca needs --cert: only TLS asks clients for certificates")
    logging.basicConfig(level=options.log_level.upper(), format=LOG_FORMAT, stream=sys.stderr)
    try:
        context = (
            server_context(options.cert, options.key, options.client_ca) if options.cert else None
        )
    except OSError as error:
        problem = pem_problem(error, "--cert, --key and --client-ca")
        print(f"refws: {problem}", file=sys.stderr)
        return 2
    try:
        process = with_login(login_from(options.auth)) if options.auth else process_request
    except BadLogins as error:
        print(f"refws: {error}", file=sys.stderr)
        return 2
    trace = choose_trace(parser, options, page=wire_view.choose)
    try:
        server = start(options, context, trace, process)
    except OSError as error:
        print(f"refws: {what_to_do(error, options)}", file=sys.stderr)
        return 2
    if options.auth and context is None and not options.unix:
        warn_about_passwords(options.host or [SERVE["host"].default])
    set_switch_interval(options.max_connections)
    also = [] if options.unix else (options.host or [])[1:]
    return run(server, secure=context is not None, also=also)


# Options


def command_line() -> CommandLine:
    """The options, with their units and defaults."""
    parser = CommandLine(
        prog="python3 -m refws serve",
        description=(
            "A WebSocket server to read beside RFC 6455: example endpoints, and a page to try them."
        ),
        epilog=(
            f"WebSocket endpoints: {' '.join(ENDPOINTS)}. Pages: / /lesson /health. Ctrl-C stops "
            "gracefully, twice at once."
        ),
        allow_abbrev=False,
    )
    add_address_options(parser)
    add_handshake_options(parser)
    add_login_option(parser)
    add_server_header_option(parser)
    add_limit_options(parser)
    add_head_options(parser)
    add_timeout_options(parser)
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        type=str.lower,
        choices=LOG_LEVELS,
        default="info",
        help=f"least severe lines to log: {', '.join(LOG_LEVELS)} (default: %(default)s)",
    )
    add_trace_options(parser)
    return parser


def add_address_options(parser: CommandLine) -> None:
    """--host, --port, --unix, and with TLS --cert, --key and --client-ca."""
    option = parser.add_argument
    option(
        "--host",
        metavar="NAME",
        type=not_empty,
        action="append",
        help=(
            "address to listen on; 0.0.0.0: all of IPv4; :: all, also IPv4; repeatable (default: "
            f"{SERVE['host'].default})"
        ),
    )
    option(
        "--port",
        metavar="NUMBER",
        type=port,
        default=SERVE["port"].default,
        help="TCP port to listen on; 0 picks a free one (default: %(default)s)",
    )
    option(
        "--unix",
        metavar="PATH",
        type=not_empty,
        help="Unix socket to listen on, instead of host and port",
    )
    option(
        "--cert",
        metavar="FILE",
        type=not_empty,
        help="PEM file with the server's certificate, then its CAs': serves wss:// and https://",
    )
    option(
        "--key",
        metavar="FILE",
        type=not_empty,
        help="PEM file with the private key of --cert (default: it is in the same file)",
    )
    option(
        "--client-ca",
        metavar="FILE",
        type=not_empty,
        help=(
            "PEM file with CAs: each client must show a certificate from one of them (default: "
            "clients need none)"
        ),
    )


def add_handshake_options(parser: CommandLine) -> None:
    """--origin, --subprotocol and --deflate: what the opening handshake agrees on."""
    option = parser.add_argument
    option(
        "--origin",
        metavar="URL",
        type=origin,
        action="append",
        help=(
            "let pages of this origin connect, such as https://example.com; repeatable (default: "
            "this server's own)"
        ),
    )
    option(
        "--subprotocol",
        metavar="NAME",
        type=subprotocol,
        action="append",
        help="subprotocol to agree on, the best one first; repeatable (default: none)",
    )
    option(
        "--deflate",
        action="store_true",
        help="compress messages if the client offers it (permessage-deflate, RFC 7692)",
    )


def add_server_header_option(parser: CommandLine) -> None:
    """--server-header."""
    parser.add_argument(
        "--server-header",
        metavar="TEXT",
        type=server_header,
        default=SERVE["server_header"].default,
        help="Server header of answers in HTTP; an empty TEXT leaves it out (default: %(default)s)",
    )


def server_header(text: str) -> str:
    try:
        Headers([("Server", text)])
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}: give printable ASCII") from None
    return text


def add_login_option(parser: CommandLine) -> None:
    """--auth."""
    parser.add_argument(
        "--auth",
        metavar="FILE",
        type=not_empty,
        help=(
            "want a login: UTF-8 file with a line user:password for each user, and # before a "
            f"comment; pages and WebSockets need one, {HEALTH_PATH} does not (default: no login)"
        ),
    )


def add_limit_options(parser: CommandLine) -> None:
    """--max-message-size, --max-fragments, --max-connections, and the one for each address."""
    option = parser.add_argument
    option(
        "--max-message-size",
        metavar="BYTES",
        type=message_size,
        default=DEFAULTS.max_size,
        help="largest message to accept, in bytes (default: %(default)s)",
    )
    option(
        "--max-fragments",
        metavar="NUMBER",
        type=fragment_count,
        default=DEFAULTS.max_fragments,
        help="most fragments of a message to accept; 0 for no limit (default: %(default)s)",
    )
    option(
        "--max-connections",
        metavar="NUMBER",
        type=connection_count,
        default=SERVE["max_connections"].default,
        help="most connections at a time (default: %(default)s)",
    )
    option(
        "--max-connections-per-address",
        metavar="NUMBER",
        type=connection_count,
        default=SERVE["max_connections_per_address"].default,
        help=(
            "most connections at a time from one IPv4 address, or from one /64 of IPv6, which is "
            "one network (default: no limit)"
        ),
    )


def add_timeout_options(parser: CommandLine) -> None:
    """--open-timeout, --ping-interval, --ping-timeout, --close-timeout and --send-timeout."""
    option = parser.add_argument
    option(
        "--open-timeout",
        metavar="SECONDS",
        type=seconds,
        default=DEFAULTS.open_timeout,
        help="time for the opening handshake, in seconds (default: %(default)s)",
    )
    option(
        "--ping-interval",
        metavar="SECONDS",
        type=seconds_or_off,
        default=DEFAULTS.ping_interval,
        help="time from one Ping to the next, in seconds; 0 sends no Pings (default: %(default)s)",
    )
    option(
        "--ping-timeout",
        metavar="SECONDS",
        type=seconds_or_off,
        default=DEFAULTS.ping_timeout,
        help=(
            "silence after a Ping, in seconds, that ends the connection a second later; 0 ends "
            "none (default: %(default)s)"
        ),
    )
    option(
        "--close-timeout",
        metavar="SECONDS",
        type=seconds,
        default=DEFAULTS.close_timeout,
        help="time for the closing handshake, in seconds (default: %(default)s)",
    )
    option(
        "--send-timeout",
        metavar="SECONDS",
        type=seconds,
        default=DEFAULTS.send_timeout,
        help="time for a peer to take more of a message, in seconds (default: %(default)s)",
    )


# Starting and stopping


def start(
    options: argparse.Namespace,
    context: ssl.SSLContext | None = None,
    trace: Sequence[ChooseTrace] = (),
    process: ProcessRequest = process_request,
) -> Server:
    """The server, listening. OSError if it cannot listen."""
    return serve(
        serve_endpoint,
        options.host or SERVE["host"].default,
        options.port,
        unix_path=options.unix,
        ssl=context,
        origins=options.origin,
        subprotocols=options.subprotocol,
        process_request=process,
        compression="deflate" if options.deflate else None,
        open_timeout=options.open_timeout,
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        close_timeout=options.close_timeout,
        send_timeout=options.send_timeout,
        max_size=options.max_message_size,
        max_fragments=options.max_fragments,
        max_line_size=options.max_line_size,
        max_header_lines=options.max_header_lines,
        max_head_size=options.max_head_size,
        max_connections=options.max_connections,
        max_connections_per_address=options.max_connections_per_address,
        server_header=options.server_header or None,
        trace=trace,
    )


def what_to_do(error: OSError, options: argparse.Namespace) -> str:
    """One line: the address, the reason why the server cannot listen on it, and what to do."""
    host = error.filename or " or ".join(options.host or [SERVE["host"].default])
    if isinstance(error, socket.gaierror):
        return (
            f"no address found for host {host!r}: give one of this machine, such as "
            "--host 127.0.0.1"
        )
    if options.unix:
        where, advice = (
            f"Unix socket {options.unix!r}",
            UNIX_ADVICE.get(error.errno or 0, "choose another path"),
        )
    else:
        where = f"{host!r} port {options.port}"
        advice = TCP_ADVICE.get(error.errno or 0, "choose another --host or --port")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"cannot listen on {where}, {reason}: {advice}"


def warn_about_passwords(hosts: Iterable[str]) -> None:
    """Without TLS, a login crosses the network as it is, unless the hosts are on this machine."""
    if not all(map(is_loopback, hosts)):
        LOGGER.warning(
            "the passwords of --auth are sent without encryption; add --cert and --key, or let a "
            "proxy do TLS"
        )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def set_switch_interval(connections: int) -> None:
    """Let that many threads wait for the interpreter at once; for the whole process.

    Each thread that waits for it wakes once an interval to ask for it, which takes the machine some
    5 us. So 1,000 threads at Python's 5 ms keep a CPU busy with asking, and the one that has the
    interpreter hardly runs: all their clients vanish at once, and the threads need seconds to end.
    With 20 us for each connection they ask a quarter of the time at most. The price: beside a
    thread that computes, another one may wait that long for its turn. Never below what is set.
    """
    interval = min(connections * SWITCH_INTERVAL_PER_CONNECTION, MAX_SWITCH_INTERVAL)
    sys.setswitchinterval(max(sys.getswitchinterval(), interval))


def run(server: Server, secure: bool = False, also: Sequence[str] = ()) -> int:
    """Serve until a signal arrives, then return 0; a second signal ends the process at once."""
    stop_on_signals(server)
    print(greeting(server.address, secure, also), flush=True)
    server.serve_forever()
    LOGGER.info(
        "stopping; open connections: %d; a second signal ends the process at once",
        len(server.connections),
    )
    server.shutdown()
    return 0


def stop_on_signals(server: Server) -> None:
    """The first SIGINT or SIGTERM lets `serve_forever` return, the second ends the process.

    The system ends it, because Python may call no handler while the main thread waits for another
    thread in `shutdown`.
    """

    def stop(signal_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        server.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def greeting(address: tuple[str, int] | str, secure: bool = False, also: Sequence[str] = ()) -> str:
    """The addresses of the server, with the other hosts that it listens on, and how to stop it."""
    web, websocket = ("https", "wss") if secure else ("http", "ws")
    if isinstance(address, str):
        command = f"curl --unix-socket {shlex.quote(address)} {web}://localhost/health"
        return "\n".join([f"Listening on {address}.", f"Try: {command}", "Stop: Ctrl-C"])
    port = address[1]
    authority = join_authority(open_to_others(address[0]), port)
    endpoints = [
        f"  {websocket}://{authority}{path:<6}  {handler.__doc__}"
        for path, handler in ENDPOINTS.items()
    ]
    return "\n".join(
        [
            f"Open {web}://{authority}/ in a browser.",
            "WebSocket endpoints:",
            *endpoints,
            *(f"Also at {web}://{join_authority(open_to_others(host), port)}/" for host in also),
            "Stop: Ctrl-C",
        ]
    )
