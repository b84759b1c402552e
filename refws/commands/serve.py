"""`python3 -m refws [serve]`: a server with the example endpoints and their page."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import re
import shlex
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from types import FrameType

from .. import Server, serve
from ..course.services import (
    ENDPOINTS,
    process_request,
    serve_endpoint,
    serve_without_lab,
    with_login,
)
from ..course.text.terminal import make_printable
from ..course.web import wire_view
from ..course.web.refusals import REFUSALS
from ..endpoint.listening import open_to_others
from ..endpoint.server_handshake import ProcessRequest
from ..endpoint.tls.certificates import server_context
from ..endpoint.traces import ChooseTrace
from ..protocol.authority import join_authority
from ..protocol.origin_form import parse_origin
from .logins import BadLogins, login_from
from .options import (
    pem_problem,
)
from .serve_options import SERVE, command_line
from .tracing import choose_trace

LOGGER = logging.getLogger("refws")
SWITCH_INTERVAL_PER_CONNECTION = 0.000_02
MAX_SWITCH_INTERVAL = 0.5
"""Seconds; see `set_switch_interval`."""

LAB_IS_OFF = (
    "The lab of the page (wire view, commands, broken rules) is off, because others can reach this "
    "server: --lab turns it on."
)

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"

AS_IN_A_URI = re.compile(r"(?:[a-z]+://)?\[?([^\[\]/]*?)\]?(?::([0-9]{1,5}))?/*")

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
    if options.unix and options.host:
        parser.error("--unix takes the place of --host and --port: leave out --host, or --unix")
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
    wire_view.WATCHES.max_pages = options.max_pages
    trace = choose_trace(parser, options, page=wire_view.choose if has_lab(options) else None)
    try:
        server = start(options, context, trace, process)
    except OSError as error:
        print(f"refws: {what_to_do(error, options)}", file=sys.stderr)
        return 2
    except ValueError as error:  # of options that are right one by one, such as one that is twice
        parser.error(str(error))
    if options.auth and context is None and not options.unix:
        warn_about_passwords(options.host or [SERVE["host"].default])
    set_switch_interval(options.max_connections)
    also = [] if options.unix else (options.host or [])[1:]
    secure, origins = context is not None, options.origin or ()
    return run(server, secure, also, has_lab(options), origins)


def has_lab(options: argparse.Namespace) -> bool:
    """Whether pages have the lab: only on loopback, where no one else can use it, or with --lab."""
    hosts = options.host or [SERVE["host"].default]
    return options.lab or (not options.unix and all(map(is_loopback, hosts)))


# Starting and stopping


def start(
    options: argparse.Namespace,
    context: ssl.SSLContext | None = None,
    trace: Sequence[ChooseTrace] = (),
    process: ProcessRequest = process_request,
) -> Server:
    """The server, listening. OSError if it cannot listen."""
    return serve(
        serve_endpoint if has_lab(options) else serve_without_lab,
        options.host or SERVE["host"].default,
        options.port,
        unix_path=options.unix,
        ssl=context,
        origins=options.origin,
        subprotocols=options.subprotocol,
        process_request=process,
        process_response=REFUSALS.note,
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
            f"--host {host_alone(host)}"
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


def host_alone(text: str) -> str:
    """The values of --host and --port for a host that is written as in a URI; else an example."""
    match = AS_IN_A_URI.fullmatch(text)
    if match is None or match[1] in ("", text):
        return "127.0.0.1"
    return shlex.quote(match[1]) + (f" --port {match[2]}" if match[2] else "")


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


def run(
    server: Server,
    secure: bool = False,
    also: Sequence[str] = (),
    lab: bool = True,
    origins: Sequence[str] = (),
) -> int:
    """Serve until a signal arrives, then return 0; a second signal ends the process at once."""
    stop_on_signals(server.stop)
    make_printable(sys.stdout)
    try:
        print(greeting(server.address, secure, also, lab, origins), flush=True)
    except OSError:  # a reader that has stopped reading, or a full disk: no reason not to serve
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    server.serve_forever()
    LOGGER.info(
        "stopping; open connections: %d; a second signal ends the process at once",
        len(server.connections),
    )
    server.shutdown()
    return 0


def stop_on_signals(begin_to_stop: Callable[[], None]) -> None:
    """The first SIGINT or SIGTERM calls this function, the second ends the process.

    The system ends it, because Python may call no handler while the main thread waits for another
    thread in `shutdown`.
    """

    def stop(signal_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        begin_to_stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def greeting(
    address: tuple[str, int] | str,
    secure: bool = False,
    also: Sequence[str] = (),
    lab: bool = True,
    origins: Sequence[str] = (),
) -> str:
    """The addresses of the server, with the other hosts that it listens on, and how to stop it.

    An origin with its scheme and its port is its own page, opened by a name.
    """
    web, websocket = ("https", "wss") if secure else ("http", "ws")
    if isinstance(address, str):
        command = f"curl --unix-socket {shlex.quote(address)} {web}://localhost/health"
        return "\n".join([f"Listening on {address}.", f"Try: {command}", "Stop: Ctrl-C"])
    port = address[1]
    authority = join_authority(open_to_others(address[0]), port)
    width = max(map(len, ENDPOINTS))
    others = dict.fromkeys(join_authority(open_to_others(host), port) for host in also)
    endpoints = [
        f"  {websocket}://{authority}{path:<{width}}  {handler.__doc__}"
        for path, handler in ENDPOINTS.items()
    ]
    return "\n".join(
        [
            f"Open {web}://{authority}/ in a browser.",
            "WebSocket endpoints:",
            *endpoints,
            *(f"Also at {web}://{each}/" for each in others if each != authority),
            *(f"By name at {origin}/" for origin in origins if is_own(origin, web, port)),
            *([] if lab else [LAB_IS_OFF]),
            "Stop: Ctrl-C",
        ]
    )


def is_own(origin: str, scheme: str, port: int) -> bool:
    """Whether a page of this origin can be one of this server; no pattern for many names is."""
    found = parse_origin(origin)
    return found is not None and found[::2] == (scheme, port) and "*" not in origin
