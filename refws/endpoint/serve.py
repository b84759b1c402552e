"""RFC 6455 §4.2: arguments, checked -> a server that listens."""

from __future__ import annotations

import os
import ssl as tls
from collections.abc import Iterable, Sequence
from logging import Logger, getLogger
from socket import socket
from typing import Any, Literal

from ..protocol.deflate.negotiation import DeflateSettings
from ..protocol.frame import Side
from ..protocol.origin_form import check_origins
from ..protocol.subprotocols import check_subprotocols
from .answers import SERVER
from .arguments import check_address, check_context, check_listening, check_path, path_of
from .listening import listen
from .server import Server
from .server_handshake import Handler, ProcessRequest, ProcessResponse, ServerOptions
from .settings import (
    DEFAULTS,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_ADDRESS,
    Settings,
    compression_settings,
)
from .traces import ChooseTrace, trace_choices


def serve(
    handler: Handler,
    host: str | Sequence[str] | None = "127.0.0.1",
    port: int | None = 8080,
    *,
    unix_path: str | os.PathLike[str] | None = None,
    sock: socket | None = None,
    ssl: tls.SSLContext | None = None,
    origins: Sequence[str | None] | None = None,
    subprotocols: Iterable[str] | None = None,
    process_request: ProcessRequest | None = None,
    process_response: ProcessResponse | None = None,
    compression: Literal["deflate"] | DeflateSettings | None = None,
    open_timeout: float | None = DEFAULTS.open_timeout,
    ping_interval: float | None = DEFAULTS.ping_interval,
    ping_timeout: float | None = DEFAULTS.ping_timeout,
    close_timeout: float = DEFAULTS.close_timeout,
    send_timeout: float = DEFAULTS.send_timeout,
    max_size: int | None = DEFAULTS.max_size,
    max_fragments: int | None = DEFAULTS.max_fragments,
    max_line_size: int = DEFAULTS.max_line_size,
    max_header_lines: int = DEFAULTS.max_header_lines,
    max_head_size: int = DEFAULTS.max_head_size,
    max_connections: int | None = MAX_CONNECTIONS,
    max_connections_per_address: int | None = MAX_CONNECTIONS_PER_ADDRESS,
    server_header: str | None = SERVER,
    trace: ChooseTrace | Sequence[ChooseTrace] | None = None,
    logger: Logger | None = None,
) -> Server:
    """A server that listens; call its `serve_forever` to accept connections.

    It listens on all addresses, IPv4 and IPv6, of `host`, which may be a list of hosts; "" and None
    are all of this machine. With `port` 0 or None, the system chooses one that is free: see the
    `address` of the server.

    `handler` is called with each open connection, in the thread of that connection; when it
    returns, the connection is closed with 1000, when it raises, with 1011. ConnectionClosed is no
    error if this connection has ended. `process_request(connection, request)` gets every request
    that can be parsed, a handshake or not, before the rules of §4.2.1 are checked; it returns a
    response of its own, or None. HEAD gets that response without its body.
    `process_response(connection, request, response)` gets what the server will answer: it may
    change the headers, of a 101 too, or return another response. `trace` is one function
    or several: `trace(connection)` is called before the first byte, and returns a function that
    gets every byte, or None. With `ssl`, a context with the server's certificate, it serves wss://.
    Above `max_connections`, and above `max_connections_per_address` for one IPv4 address or one
    IPv6 /64, a client gets 503. `server_header` is the Server of every answer that is no 101, None
    leaves it out. Times in seconds, sizes in bytes, None for no limit.

    OSError if it cannot listen; TypeError or ValueError for an argument that cannot be used.
    """
    check_listening(sock, unix_path)
    check_address(host, port)
    check_context(ssl, Side.SERVER)
    options = ServerOptions(
        handler,
        check_origins(origins),
        check_subprotocols(subprotocols),
        process_request,
        process_response,
        max_connections,
        max_connections_per_address,
        trace_choices(trace),
        server_header,
        secure=ssl is not None,
    )
    settings = Settings(
        open_timeout=open_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=close_timeout,
        send_timeout=send_timeout,
        max_size=max_size,
        max_fragments=max_fragments,
        max_line_size=max_line_size,
        max_header_lines=max_header_lines,
        max_head_size=max_head_size,
        compression=compression_settings(compression),
        logger=logger or getLogger("refws"),
    )
    socks = listen(host, port or 0, path_of(unix_path)) if sock is None else [sock]
    return Server(socks, options, settings, ssl)


def unix_serve(handler: Handler, path: str | os.PathLike[str], **options: Any) -> Server:
    """`serve` at a Unix socket's path. Its other options are the same."""
    check_path(path)
    return serve(handler, unix_path=path, **options)
