"""RFC 6455 §4.1: a URI -> an open connection, or an error that says what was seen instead.

On the way: a slot at the address, TCP, the proxy's CONNECT, TLS, and the opening handshake, all
within `open_timeout`.
"""

from __future__ import annotations

import os
import socket
import ssl as tls
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from logging import Logger, getLogger
from time import monotonic
from typing import Any, Literal

from ...protocol.authority import join_authority
from ...protocol.client.handshake import build_request, check_response, make_key
from ...protocol.client.proxy import (
    Proxy,
    as_the_proxys,
    build_connect,
    check_connect_response,
)
from ...protocol.client.response import ends_with_stream, read_body, read_response
from ...protocol.client.uri import WebSocketURI, parse_uri
from ...protocol.close_codes import CloseCode
from ...protocol.deflate.codec import client_pair
from ...protocol.deflate.negotiation import DeflateSettings, offer
from ...protocol.errors import HandshakeError
from ...protocol.frame import Side
from ...protocol.heads import HeadLimits, IncompleteHead
from ...protocol.http import HeadersLike, Request, Response
from ...protocol.subprotocols import check_subprotocols
from ..arguments import (
    check_connected,
    check_context,
    check_path,
    check_proxy,
    check_text,
    header_lines,
    path_of,
)
from ..connection import Connection
from ..settings import DEFAULTS, Settings, compression_settings
from ..stream import Stream
from ..timers import Timers
from ..tls.certificates import client_context
from ..tls.stream import TLSStream
from ..traces import ChooseTrace, start_traces, trace_choices
from .connecting import MAX_BEHIND_A_PROXY, SLOTS, Deadline, given, slot_behind_a_proxy
from .environment import choose_proxy
from .racing import first_connected
from .resolving import resolve
from .shared_timers import SharedTimers

TIMERS = SharedTimers()

USER_AGENT = "refws"
"""The value of User-Agent, unless `connect` gets another one; some servers refuse to go without."""


BODY_TIMEOUT = 1.0
"""Seconds for the body of a refusal that only the end of the stream would end."""


class ClientConnection(Connection):
    """A client's connection. When it ends, it leaves the timers that all clients share.

    It belongs to the process that made it: a child of `os.fork` does not end it (processes.py).
    """

    __slots__ = {
        "_user": "What the timers know it by.",
        "_process": "The id of the process that made it.",
    }

    def __init__(
        self, user: object, stream: Stream, timers: Timers, settings: Settings, remote_address: Any
    ) -> None:
        super().__init__(
            stream, timers, settings, remote_address, stream.local_address, Side.CLIENT
        )
        self._user = user
        self._process = os.getpid()

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        if os.getpid() == self._process:
            super().close(code, reason)

    def abort(self, cause: str = "aborted") -> None:
        if os.getpid() == self._process:
            super().abort(cause)

    def end(self, linger: bool = False) -> None:
        if os.getpid() == self._process:
            super().end(linger)

    def _stop_timers(self) -> None:
        super()._stop_timers()
        TIMERS.leave(self._user)


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """The arguments of `connect`: where to connect, by which way, and what to send there."""

    uri: WebSocketURI
    context: tls.SSLContext | None
    server_hostname: str
    unix_path: str | None
    sock: socket.socket | None
    proxy: Proxy | None
    request: Request
    traces: Sequence[ChooseTrace]


def connect(
    uri: str,
    *,
    ssl: tls.SSLContext | None = None,
    server_hostname: str | None = None,
    unix_path: str | os.PathLike[str] | None = None,
    sock: socket.socket | None = None,
    proxy: str | Literal[True] | None = None,
    origin: str | None = None,
    subprotocols: Sequence[str] | None = None,
    compression: Literal["deflate"] | DeflateSettings | None = None,
    additional_headers: HeadersLike | None = None,
    user_agent_header: str | None = USER_AGENT,
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
    trace: ChooseTrace | Sequence[ChooseTrace] | None = None,
    logger: Logger | None = None,
) -> ClientConnection:
    """An open connection to `uri`, ws:// or wss://; as a context manager it closes itself.

    Blocks for `open_timeout` at most, the resolver included. `proxy` is the http:// URL of a proxy
    to go through with CONNECT, or True for the one that the environment names; `unix_path` a Unix
    socket to use instead of the URI's host and port; `sock` a connected socket, which the
    connection closes. `ssl` holds the certificates to trust, by
    default the system's. `user_agent_header` None sends no User-Agent. A Ping of our own is sent
    every `ping_interval`; a server silent for `ping_timeout` after it is given up a second later.
    The server's Pings are answered, also while no thread receives. Times in seconds, sizes in
    bytes. A child of `os.fork` calls `connect` again: what it may do with its parent's connections
    is in endpoint/processes.py.

    InvalidURI, TypeError and ValueError before any socket is opened; OSError if the server cannot
    be reached, TimeoutError if that takes too long, ssl.SSLError if TLS fails; ProxyError,
    InvalidStatus or InvalidResponse, with the `response`, if the answer opens no connection;
    HandshakeError for bytes that are no response; IncompleteHead if the stream ends before a whole
    one.
    """
    check_text("uri", uri, optional=False)
    for name, text in ("server_hostname", server_hostname), ("origin", origin):
        check_text(name, text)
    check_connected(sock, proxy=None if proxy is True else proxy, unix_path=unix_path)
    check_proxy(proxy, unix_path)
    target, path = parse_uri(uri), path_of(unix_path)
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
    options = ConnectOptions(
        target,
        tls_context(target, ssl),
        (server_hostname or target.host).removesuffix("."),  # RFC 6066 §3: no dot in SNI
        path,
        sock,
        choose_proxy(proxy, target, known=path is not None or sock is not None),
        build_request(
            target,
            make_key(),
            origin=origin,
            subprotocols=check_subprotocols(subprotocols),
            extensions=None if settings.compression is None else offer(settings.compression),
            additional_headers=header_lines(additional_headers),
            user_agent=user_agent_header,
        ),
        trace_choices(trace),
    )
    with noting_where(options):
        return dial(options, settings, Deadline(open_timeout))


def unix_connect(
    path: str | os.PathLike[str], uri: str | None = None, **options: Any
) -> ClientConnection:
    """`connect` to a Unix socket's path. Its other options are the same.

    `uri` gives the resource name and the Host; by default it is ws://localhost/, or with `ssl`
    wss://localhost/.
    """
    check_path(path)
    if uri is None:
        uri = "ws://localhost/" if options.get("ssl") is None else "wss://localhost/"
    return connect(uri, unix_path=path, **options)


def tls_context(uri: WebSocketURI, context: tls.SSLContext | None) -> tls.SSLContext | None:
    check_context(context, Side.CLIENT)
    if uri.secure:
        return context or client_context()
    if context is not None:
        raise ValueError("ssl is for wss:// URIs; with ws:// nothing is encrypted")
    return None


@contextmanager
def noting_where(options: ConnectOptions) -> Iterator[None]:
    """Note on an error where it led to; "Connection refused" does not say whose port it was."""
    try:
        yield
    except (EOFError, OSError) as error:
        where = options.uri.authority
        if options.unix_path is not None:
            where = f"the Unix socket {options.unix_path!r}"
        elif options.proxy is not None:
            proxy = join_authority(options.proxy.host, options.proxy.port)
            where = f"{where}, through the proxy {proxy}"
        elif isinstance(error, EOFError) and not options.uri.secure:
            where = f"{where}; if that port speaks TLS, use wss://"
        error.add_note(f"while connecting to {where}")
        raise


# The opening handshake


def dial(options: ConnectOptions, settings: Settings, deadline: Deadline) -> ClientConnection:
    """The connection to the first address that TCP reaches; after that no other one is tried."""
    if options.sock is not None:
        with given(options.sock, deadline) as (sock, address):
            return open_connection(sock, address, options, settings, deadline)
    places = resolve(options.uri, options.unix_path, options.proxy, deadline)
    with ExitStack() as until_it_is_open:
        if options.proxy is not None:
            slot = SLOTS.slot(slot_behind_a_proxy(options.uri), deadline, MAX_BEHIND_A_PROXY)
            until_it_is_open.enter_context(slot)
        sock, address = until_it_is_open.enter_context(first_connected(places, deadline))
        return open_connection(sock, address, options, settings, deadline)


def open_connection(
    sock: socket.socket,
    address: Any,
    options: ConnectOptions,
    settings: Settings,
    deadline: Deadline,
) -> ClientConnection:
    """The open connection over `sock`. It owns `sock`, which is closed on an error, too."""
    user = object()
    with ExitStack() as if_it_fails:
        if_it_fails.callback(sock.close)
        if_it_fails.callback(TIMERS.leave, user)
        timers = TIMERS.join(user)
        plain = stream = Stream(sock, timers, settings.send_timeout)
        if options.context is not None:
            stream = TLSStream(
                sock,
                timers,
                settings.send_timeout,
                options.context,
                Side.CLIENT,
                options.server_hostname,
            )
        if threading.current_thread() is threading.main_thread():
            stream.reader.expect_signals()
        connection = ClientConnection(user, stream, timers, settings, address)
        if_it_fails.callback(connection.end)
        with within(deadline, stream):
            if options.proxy is not None:
                open_tunnel(plain, options.uri, options.proxy, settings)
            start_traces(connection, options.traces)
            stream.handshake()
            shake_hands(connection, stream, options)
        if_it_fails.pop_all()
    return connection


@contextmanager
def within(deadline: Deadline, stream: Stream) -> Iterator[None]:
    """Abort the stream at the deadline; TimeoutError then, with the error that this caused."""
    what = "§4.1: the opening handshake"
    seconds = deadline.remaining(what)
    timer = None if seconds is None else stream.abort_at(monotonic() + seconds, what)
    try:
        yield
    except (EOFError, OSError) as error:
        if stream.cause == what:
            raise TimeoutError(f"{deadline.passed(what)}; seen so far: {error}") from error
        raise
    finally:
        if timer is not None:
            timer.cancel()


def open_tunnel(stream: Stream, uri: WebSocketURI, proxy: Proxy, limits: HeadLimits) -> None:
    """§4.1 item 3: ask the proxy to connect us with the server. ProxyError if it does not."""
    stream.write(build_connect(uri.host, uri.port, proxy.headers).to_bytes())
    try:
        response = read_response(stream.file, limits)
    except HandshakeError as error:
        raise HandshakeError(map(as_the_proxys, error.faults)) from None
    except IncompleteHead as error:
        raise IncompleteHead(error.received, "proxy response") from None
    if not 200 <= response.status_code < 300:
        response = read_refusal(stream, response)
    check_connect_response(response)


def read_refusal(stream: Stream, response: Response) -> Response:
    """The response with its body; if that has no known end, with the part that comes in a second.

    Many a server leaves the stream open after such a body, and the user should not wait for it.
    """
    timer = None
    if ends_with_stream(response.headers):
        timer = stream.abort_at(monotonic() + BODY_TIMEOUT, "the response was a refusal")
    try:
        return read_body(stream.file, response)
    finally:
        if timer is not None:
            timer.cancel()


def shake_hands(connection: Connection, stream: Stream, options: ConnectOptions) -> None:
    """§4.1: send the request, read the response, and apply what both sides have agreed on."""
    compression = connection.settings.compression
    connection.request = request = options.request
    stream.write(request.to_bytes())
    response = read_response(stream.file, connection.settings)
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        response = read_refusal(stream, response)
    connection.response = response
    agreement = check_response(request, response)
    connection.subprotocol = agreement.subprotocol
    if compression is not None and agreement.deflate is not None:
        codecs = client_pair(agreement.deflate, compression)
        connection.use_deflate(codecs, compression.threshold)
    connection.open()
