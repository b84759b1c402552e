"""RFC 6455 §4.2.2 item 4: the path of a request -> an endpoint, a page, or a 404."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus

from ..endpoint.connection import Connection
from ..endpoint.server_handshake import ProcessRequest, ServerConnection
from ..protocol.close_codes import CloseCode
from ..protocol.handshake import is_upgrade_attempt
from ..protocol.http import Request, Response, quote
from .web import lab, watch_endpoint
from .web.pages import WATCH_PATH
from .web.refusals import REFUSALS
from .web.site import JSON, page, respond

LOGGER = logging.getLogger("refws")


def echo(connection: Connection) -> None:
    """Send every message back."""
    for message in connection:
        connection.send(message)


def hello(connection: Connection) -> None:
    """Send "world", then log every message."""
    LOGGER.info("/hello: connection from %s", connection.peer)
    connection.send("world")
    for message in connection:
        words = quote(message) if isinstance(message, str) else f"{len(message)} bytes"
        LOGGER.info("/hello: received %s from %s", words, connection.peer)


def clock(connection: Connection, interval: float = 1.0) -> None:
    """Send the time every second."""
    next_tick = time.monotonic()
    while True:
        connection.send(datetime.now().astimezone().isoformat(timespec="seconds"))
        missed = (time.monotonic() - next_tick) // interval
        next_tick += interval * (1 + missed)
        drop_messages_until(connection, next_tick)


def drop_messages_until(connection: Connection, deadline: float) -> None:
    """Return at `deadline`, a time of `monotonic`; ConnectionClosed if the connection ends first.

    Waits in recv and not in a sleep, because a message that no thread receives would keep a Ping or
    Close after it waiting (§5.5).
    """
    while (left := deadline - time.monotonic()) > 0:
        with suppress(TimeoutError):
            connection.recv(timeout=left)


HELLO, NEW_YEAR = "Hi.", "Happy new year to you too!"
OTHERWISE = 'Say "hello", or "and a happy new year!".'


def dialogue(connection: Connection) -> None:
    """Answer a greeting, also in fragments (§5.4)."""
    answers = {"hello": HELLO, "and a happy new year!": NEW_YEAR}
    for message in connection:
        words = message.strip().lower() if isinstance(message, str) else ""
        connection.send(answers.get(words, OTHERWISE))


ENDPOINTS = {"/": echo, "/echo": echo, "/hello": hello, "/clock": clock, "/dialogue": dialogue}

HANDLERS = {**ENDPOINTS, WATCH_PATH: watch_endpoint.serve}
"""The endpoints, and the one that shows a page its connections to them."""

HEALTH_PATH = "/health"
REFUSED_PATH = "/refused"
"""What was refused lately to the address of the client, as JSON for the page."""

LAB_IS_OFF = "the lab is off, because this server is not on loopback only; start it with --lab"

NOT_FOUND = f"""Nothing is at this path. This server has:
  WebSocket endpoints: {", ".join(ENDPOINTS)}
  pages: /, /lesson and {HEALTH_PATH}
"""


ALLOWED = {"Allow": "GET, HEAD, OPTIONS"}
"""The methods of ordinary requests (RFC 9110 §10.2.1)."""


def serve_endpoint(connection: Connection) -> None:
    """The handler: calls the endpoint at the request's path; `process_request` has checked it."""
    assert connection.request is not None
    HANDLERS[connection.request.absolute_path](connection)


def serve_without_lab(connection: Connection) -> None:
    """The same without the lab: no wire view, no commands of pages, no rules to break."""
    assert connection.request is not None
    if connection.request.absolute_path == WATCH_PATH:
        connection.close(CloseCode.POLICY_VIOLATION, LAB_IS_OFF)
        return
    serve_endpoint(connection)


def process_request(connection: ServerConnection, request: Request) -> Response | None:
    """The answer to a request that is no handshake for an endpoint: a page, a 404, or an error.

    With None the server checks the request by §4.2.1, and its answer says what is missing.
    """
    answer = None if is_upgrade_attempt(request) else plain_answer(connection, request)
    if answer is None and request.absolute_path not in HANDLERS:
        return connection.respond(HTTPStatus.NOT_FOUND, NOT_FOUND)
    if answer is None and request.absolute_path == WATCH_PATH:
        return watch_endpoint.refuse(connection, request)
    if answer is None:
        lab.prepare(connection, request)
    return answer


def with_login(login: ProcessRequest) -> ProcessRequest:
    """`process_request` for requests that `login` lets in; a check of the health needs none.

    Because a proxy that makes it has no login, and learns nothing else.
    """

    def process_with_login(connection: ServerConnection, request: Request) -> Response | None:
        is_check = request.absolute_path == HEALTH_PATH or request.method == "OPTIONS"
        refusal = None if is_check else login(connection, request)
        return process_request(connection, request) if refusal is None else refusal

    return process_with_login


def plain_answer(connection: ServerConnection, request: Request) -> Response | None:
    """The answer to an ordinary request; None to a GET or HEAD if there is no page at its path."""
    if request.method not in ("GET", "HEAD"):
        return other_method(connection, request)
    if request.absolute_path == HEALTH_PATH:
        return connection.respond(HTTPStatus.OK, "ok\n")
    if request.absolute_path == REFUSED_PATH:
        return respond(REFUSALS.as_json(connection), JSON)
    return page(request)


def other_method(connection: ServerConnection, request: Request) -> Response:
    """The answer of a page to a request that is neither a GET nor a HEAD."""
    if request.method == "OPTIONS":  # the check of health of a proxy, unless it names another one
        return connection.respond(HTTPStatus.NO_CONTENT, "", ALLOWED)
    text = "The pages of this server are for GET and HEAD.\n"
    return connection.respond(HTTPStatus.METHOD_NOT_ALLOWED, text, ALLOWED)
