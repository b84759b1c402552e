"""The page of watch: the connections that pass, explained live, for the person who started it.

    GET /?token=...                  the page; without the token, what to do
    GET /.refws/NAME                 its scripts and its style sheet, which are no secret
    GET /.refws/watch?token=...      the WebSocket over which it gets events

It is served by a server of refws on a loopback port of its own. Clients reach it through the
forwarding server, which passes on loopback clients only. The token is in the address that is
printed, so that no other user of the machine, and no other page in the browser, can look on; pages
of other origins get 403, too (§10.2).
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from logging import NullHandler, getLogger
from time import monotonic

from ... import serve
from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConnectionClosed
from ...endpoint.log import format_address
from ...endpoint.server_handshake import ServerConnection
from ...endpoint.settings import Settings
from ...protocol.close_codes import CloseCode
from ...protocol.handshake import is_upgrade_attempt
from ...protocol.http import Request, Response
from ..explain.conversation import LARGE_HEADS
from ..web.connection_view import ConnectionView
from ..web.event_queue import Chunk, Event
from ..web.pages import parameters
from ..web.site import TYPES, page, respond
from ..web.thinning import Allowance
from .copies import Copy, Ended, How, Judged, Opened, Over, Passed
from .document import document
from .forwarder import Forwarder
from .head import PAGE_FILES
from .looking import LookerOn

SILENT = getLogger("refws.watch.page")
"""What the server of the page logs is of no interest to the person who watches another server."""

SILENT.addHandler(NullHandler())
SILENT.propagate = False

MAX_PAGES = 8
MAX_CONNECTIONS = 64
"""Requests for the page at a time, with the pages that are open."""

EVENTS = f"{PAGE_FILES}watch"

LIMITS = Settings(
    max_size=None,
    max_fragments=None,
    max_line_size=LARGE_HEADS.max_line_size,
    max_header_lines=LARGE_HEADS.max_header_lines,
    max_head_size=LARGE_HEADS.max_head_size,
)
"""What the receivers accept is not known: the page judges no size."""

NO_TOKEN = (
    "This page belongs to `python3 -m refws watch`. It shows what passes there, only to the\n"
    "person who has started it: open the address that it has printed, with its token.\n"
    "A WebSocket client needs no token: it connects here, and its bytes are passed on.\n"
)

NO_FILE = "The page has no such file.\n"

FULL = f"{MAX_PAGES} pages are open, the limit; close one, and reload this one"


class Pages:
    """The server of the page, and the pages that are open. `_lock` guards `_open`."""

    def __init__(self, own: str, target: str, origins: list[str]) -> None:
        """`own` is the URI that clients connect to in place of `target`."""
        self.token = secrets.token_urlsafe(16)
        self._document = document(own, target)
        self._forwarder: Forwarder | None = None
        self._lock = threading.Lock()
        self._open: set[Page] = set()
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            origins=origins,
            process_request=self._process_request,
            max_connections=MAX_CONNECTIONS,
            close_timeout=0.5,
            logger=SILENT,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="refws-watch pages", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the page is served."""
        host, port, *_ = self._server.address
        return str(host), int(port)

    def start(self, forwarder: Forwarder) -> None:
        """Serve; pages show the connections of this forwarder."""
        self._forwarder = forwarder
        self._thread.start()

    def stop(self) -> None:
        """End all pages."""
        self._server.shutdown()
        self._thread.join()

    # Requests

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """A page, a file, or a refusal; None lets a WebSocket for events open."""
        path = request.absolute_path
        if path == EVENTS and self._has_token(request):
            return None
        if path.startswith(PAGE_FILES) and path != EVENTS and not is_upgrade_attempt(request):
            answer = page(Request(request.method, path[len(PAGE_FILES) - 1 :], "", request.headers))
            return answer or connection.respond(
                HTTPStatus.NOT_FOUND, "The page has no such file.\n"
            )
        if path == "/" and self._has_token(request):
            return respond(self._document, TYPES[".html"])
        return connection.respond(HTTPStatus.FORBIDDEN, NO_TOKEN)

    def _has_token(self, request: Request) -> bool:
        """Compared in constant time: its duration says nothing about the right token."""
        given = parameters(request).get("token", "").encode()
        return hmac.compare_digest(given, self.token.encode())

    def _serve(self, connection: Connection) -> None:
        """The handler: events go to the page until it closes."""
        assert self._forwarder is not None
        looker_on = Page(connection)
        with self._lock:
            full = len(self._open) >= MAX_PAGES
            if not full:
                self._open.add(looker_on)
        if full:
            connection.close(CloseCode.TRY_AGAIN_LATER, FULL)
            return
        self._forwarder.add(looker_on.copies)
        try:
            connection.send(json.dumps({"event": "hello"}))
            looker_on.start()
            for _ in connection:
                pass
        finally:
            self._forwarder.remove(looker_on.copies)
            looker_on.stop(monotonic())
            with self._lock:
                self._open.discard(looker_on)


class Page(LookerOn):
    """One page: sends it the events that explain each connection, and the verdict at its end."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(f"page {connection.peer}")
        self._connection = connection
        self._allowance = Allowance()
        self._views: dict[int, ConnectionView] = {}
        self._began = monotonic()

    def look(self, copy: Copy) -> Iterator[None]:
        for event in self._events(copy):
            try:
                self._connection.send(json.dumps(event))
            except ConnectionClosed:
                self.copies.close(drop=True)
                return
            yield

    def _events(self, copy: Copy) -> Iterator[Event]:
        known = {"connection": copy.connection, "time": self._seconds(copy)}
        if isinstance(copy, Opened):
            self._views[copy.connection] = self._view(copy.connection)
            label = f"#{copy.connection} {format_address(copy.client)}"
            yield {"event": "connection", "label": label, "target": "", "why": copy.why, **known}
        elif isinstance(copy, Judged):
            yield {"event": "verdict", "lines": copy.lines, **known}
        elif (view := self._views.get(copy.connection)) is not None:
            yield from self._explained(view, copy)

    def _explained(self, view: ConnectionView, copy: Passed | Ended | Over) -> Iterator[Event]:
        if isinstance(copy, Over):
            del self._views[copy.connection]
            yield from view.finish()
            return
        chunk = Chunk(self._seconds(copy), view.number, copy.sender, b"", copy.left_out)
        if isinstance(copy, Passed):
            chunk = replace(chunk, data=copy.data, message_start=copy.message_start)
        reset = {"reset": True} if isinstance(copy, Ended) and copy.how is How.RESET else {}
        yield from ({**each, **reset} for each in view.explain(chunk, monotonic() - self._began))
        yield from view.partial(chunk)
        if not self.copies.size:
            yield from view.report_gap()

    def _view(self, number: int) -> ConnectionView:
        return ConnectionView(number, LIMITS, self._allowance, keep_going=True)

    def _seconds(self, copy: Copy) -> float:
        """Its time, from the start of the page."""
        return round(copy.time - self._began, 6)
