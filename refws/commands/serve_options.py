"""The options of `python3 -m refws serve`, with their units and defaults."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence
from typing import Any

from .. import serve
from ..course.services import ENDPOINTS, HEALTH_PATH
from ..course.web.wire_view import MAX_PAGES
from ..protocol.http import Headers
from . import elsewhere
from .options import (
    DEFAULTS,
    CommandLine,
    add_head_options,
    add_ping_interval,
    connection_count,
    fragment_count,
    message_size,
    not_empty,
    origin,
    port,
    seconds,
    seconds_or_off,
    subprotocol,
)
from .tracing import add_trace_options

SERVE = inspect.signature(serve).parameters
"""The parameters of `serve`, whose defaults are also the defaults of the options."""

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


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
    parser.elsewhere = elsewhere.SERVE
    parser.too_many = "there are options only, such as --port 8080"
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
    add_page_options(parser)
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


class AddOrigin(argparse.Action):
    """Adds an origin to the list; says at once what a * in it does not let in.

    A list that lets in no page of example.com shows only much later, as a 403 for somebody else.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        listed = [*(getattr(namespace, self.dest) or ()), values]
        setattr(namespace, self.dest, listed)
        domain = str(values).replace("://*.", "://", 1)
        if domain not in listed and sys.stderr is not None:
            note = f"{values} lets in the names below {domain}, but not {domain} itself"
            print(
                f"refws: {note}; to let it in, too, write --origin {domain} first", file=sys.stderr
            )


def add_handshake_options(parser: CommandLine) -> None:
    """--origin, --subprotocol and --deflate: what the opening handshake agrees on."""
    option = parser.add_argument
    option(
        "--origin",
        metavar="URL",
        type=origin,
        action=AddOrigin,
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


def add_page_options(parser: CommandLine) -> None:
    """--lab and --max-pages."""
    parser.add_argument(
        "--lab",
        action="store_true",
        help=(
            "let the page show the wire, command this server and break rules, for all who can open "
            "it (default: only if every --host is loopback)"
        ),
    )
    parser.add_argument(
        "--max-pages",
        metavar="NUMBER",
        type=connection_count,
        default=MAX_PAGES,
        help=(
            "most pages at a time that show the wire, each with up to 4 MiB of memory and two "
            "threads (default: %(default)s)"
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
    add_ping_interval(parser)
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
