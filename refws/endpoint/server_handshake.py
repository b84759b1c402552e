"""RFC 6455 §4.2: the server's opening handshake, from the first byte to the 101 or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from time import monotonic
from typing import Any

from ..protocol.deflate.codec import server_pair
from ..protocol.deflate.negotiation import choose_offer
from ..protocol.errors import HandshakeError
from ..protocol.handshake import (
    accept,
    check_changed_answer,
    check_request,
    is_upgrade_attempt,
    negotiate,
    refuse,
    requested_extensions,
)
from ..protocol.heads import read_request
from ..protocol.http import Headers, HeadersLike, Request, Response, quote_target
from ..protocol.plain import check_plain_request
from .answers import SERVER, to_bytes
from .arguments import check_function, check_optional_function
from .connection import Connection
from .log import log_error
from .settings import MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, check_limit
from .stream import Stream
from .traces import ChooseTrace, start_traces

MAX_LOGGED_FAULTS = 10
"""§4.2.1 has ten items. The answer names all faults."""


class ServerConnection(Connection):
    """A server's connection: the one that `serve` calls its functions with."""

    __slots__ = ()

    username: str
    """The user's name, if `basic_auth` has let the request in."""

    def respond(self, status: HTTPStatus | int, text: str, headers: HeadersLike = ()) -> Response:
        """A plain-text HTTP response, for `process_request` to return (§4.2.2).

        A header in `headers` replaces the standard one. ValueError for an unknown status, and for a
        text with a status that has none.
        """
        return Response.text(HTTPStatus(status), text, headers)


Handler = Callable[[ServerConnection], Any]
ProcessRequest = Callable[[ServerConnection, Request], Response | None]
ProcessResponse = Callable[[ServerConnection, Request, Response], Response | None]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The arguments of `serve` that are not settings of each connection.

    `secure` is True with TLS. With `max_connections` 0 every connection is turned away. ValueError
    for a negative number, and for a `server_header` that no header can hold.
    """

    handler: Handler
    origins: Sequence[str] | None = None
    subprotocols: Sequence[str] = ()
    process_request: ProcessRequest | None = None
    process_response: ProcessResponse | None = None
    max_connections: int | None = MAX_CONNECTIONS
    max_connections_per_address: int | None = MAX_CONNECTIONS_PER_ADDRESS
    traces: Sequence[ChooseTrace] = ()
    server_header: str | None = SERVER
    secure: bool = False

    def __post_init__(self) -> None:
        check_function("handler", self.handler)
        check_optional_function("process_request", self.process_request)
        check_optional_function("process_response", self.process_response)
        Headers([("Server", self.server_header or SERVER)])
        check_limit("max_connections", self.max_connections, 0)
        check_limit("max_connections_per_address", self.max_connections_per_address, 1)


def open_connection(connection: ServerConnection, stream: Stream, options: ServerOptions) -> bool:
    """True once the connection is open; False if it was refused, which ends it, or broke off.

    One that broke off gets no answer; the caller ends it. Blocks for `open_timeout` at most, longer
    in `process_request`, which nothing interrupts; and a second more to end a refused connection.
    """
    logger, timeout = connection.settings.logger, connection.settings.open_timeout
    deadline = None
    if timeout is not None:
        cause = f"§4.2: it was not done within {timeout:g} s"
        deadline = stream.abort_at(monotonic() + timeout, cause)
    try:
        start_traces(connection, options.traces)
        stream.handshake()
        response = answer(connection, stream, options)
        if options.process_response is not None:
            response = processed(connection, response, options.process_response)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            connection.response = response
            connection.subprotocol = response.headers.get("Sec-WebSocket-Protocol")
            connection.open(response.to_bytes())
            return True
        stream.write(to_bytes(response, connection.request, options.server_header))
    except (EOFError, OSError) as error:
        logger.info("%s: no opening handshake: %s", connection.peer, stream.cause or error)
        return False
    finally:
        if deadline is not None:
            deadline.cancel()
    connection.end(linger=True)
    return False


def answer(connection: ServerConnection, stream: Stream, options: ServerOptions) -> Response:
    """The response to the next request: a 101, a refusal, or what `process_request` returns."""
    logger = connection.settings.logger
    try:
        connection.request = request = read_request(stream.file, connection.settings)
        refuse_unfit(request)
        response = process(connection, request, options)
        if response is None:
            response = negotiated(connection, request, options)
    except HandshakeError as error:
        logger.warning("%s: refused with %d: %s", connection.peer, error.status, in_a_line(error))
        return refuse(error)
    target, status = quote_target(request.target), response.status_code
    logger.info("%s: %s %s: %d", connection.peer, request.method, target, status)
    return response


def in_a_line(error: HandshakeError) -> str:
    """The faults for the log, whose line must not be many times as long as what caused it."""
    more = len(error.faults) - MAX_LOGGED_FAULTS
    logged = [str(fault) for fault in error.faults[:MAX_LOGGED_FAULTS]]
    return " | ".join(logged if more <= 0 else [*logged, f"and {more} more"])


def refuse_unfit(request: Request) -> None:
    """HandshakeError for what every server must refuse (RFC 9112 §3): `process_request` sees none.

    That is another major version than 1, a malformed target or Host, and a body without an end.
    A request that is meant to be a handshake gets its faults of all items named.
    """
    if faults := check_plain_request(request):
        raise HandshakeError((is_upgrade_attempt(request) and check_request(request)) or faults)


def process(
    connection: ServerConnection, request: Request, options: ServerOptions
) -> Response | None:
    """What `process_request` returns, or 500 if it fails (§4.2.2 items 2 to 4)."""
    if options.process_request is None:
        return None
    try:
        response = returned("process_request", options.process_request(connection, request))
        if response is not None and response.status_code < HTTPStatus.OK:
            what_to_do = "return None to let the opening handshake go on, or a status from 200 up"
            raise ValueError(f"process_request returned a {response.status_code}; {what_to_do}")
        return response
    except (Exception, SystemExit) as error:
        return internal_error(connection, "process_request", error)


def processed(
    connection: ServerConnection, response: Response, function: ProcessResponse
) -> Response:
    """The response as `process_response` leaves it, or the one that it returns; 500 if it fails.

    It may add headers to the 101, such as Set-Cookie (§4.2.2 item 5), or refuse instead of it. It
    is not called for a request that could not be parsed.
    """
    if connection.request is None:
        return response
    before = replace(response, headers=response.headers.copy())
    try:
        changed = returned("process_response", function(connection, connection.request, response))
        changed = changed or response
        check_changed_answer(before, changed)
    except (Exception, SystemExit) as error:
        changed = internal_error(connection, "process_response", error)
    if changed.status_code != before.status_code:
        what = "the answer is %d instead, because of process_response"
        connection.settings.logger.info("%s: " + what, connection.peer, changed.status_code)
    return changed


def returned(name: str, response: object) -> Response | None:
    """What a function of the application has returned. TypeError if that is no response."""
    if response is None:
        return None
    if not isinstance(response, Response):
        kind = type(response).__name__
        raise TypeError(f"{name} returned {kind}; return a Response or None")
    for field, part, kinds in (
        ("headers", response.headers, Headers),
        ("body", response.body, bytes | bytearray | memoryview),
    ):
        if not isinstance(part, kinds):
            seen = f"{name} returned a Response with {field} of type {type(part).__name__}"
            raise TypeError(f"{seen}; use Headers(...) and bytes, or connection.respond")
    return response


def internal_error(connection: ServerConnection, name: str, error: BaseException) -> Response:
    """The 500 for an error in the application's function called `name`, which is logged."""
    log_error(connection.settings.logger, connection.peer, f"{name} failed", error)
    text = "An error in this server; its log says which.\n"
    return Response.text(HTTPStatus.INTERNAL_SERVER_ERROR, text)


def negotiated(connection: ServerConnection, request: Request, options: ServerOptions) -> Response:
    """The 101 with what is agreed (§4.2.2 item 4). HandshakeError if a rule of §4.2 is broken."""
    subprotocol = negotiate(request, options.origins, options.subprotocols, options.secure)
    compression = connection.settings.compression
    agreed = (
        None if compression is None else choose_offer(requested_extensions(request), compression)
    )
    if compression is None or agreed is None:
        return accept(request, subprotocol=subprotocol)
    parameters, extensions = agreed
    connection.use_deflate(server_pair(parameters, compression), compression.threshold)
    return accept(request, subprotocol=subprotocol, extensions=extensions)
