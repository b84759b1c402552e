"""RFC 6455 §4.2: one client, from its first byte to its end: to the server, to the page, or a 502.

The connection to the server is made once it is known that the client is not for the page: with its
first byte, or for a request of `/` at the end of its head. So a browser that connects in advance
does not show up at the server.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from contextlib import suppress
from http import HTTPStatus
from logging import Logger
from time import monotonic
from typing import Any, Protocol

from ...endpoint.addresses import ip_of
from ...endpoint.answers import SERVER, to_bytes
from ...endpoint.log import format_address, log_error
from ...endpoint.timers import Timers
from ...protocol.frame import Side
from ...protocol.http import Response
from ..web.message_starts import MessageStarts
from .copies import Copy, Ended, How, Opened, Over, Passed
from .head import Change, Destination, HeadChanger, destination
from .link import CHUNK, End, Link, Report, end_of
from .target import Target

LINGER = 1.0
"""Seconds that a client has to read an answer of our own."""

OTHER_STATUS = re.compile(rb"HTTP/1\.1 [2-5][0-9][0-9]")
"""The start of a response that ends, and is no 101."""

PAGE_TIMEOUT = 1.0
"""Seconds to reach the server of the page, which is in this process."""

ONLY_HERE = (
    "The page of watch is for this machine only: open the address that watch has printed, in a "
    "browser on the machine where it runs.\n"
)


class Home(Protocol):
    """What a client needs of the forwarding server."""

    @property
    def target(self) -> Target: ...
    @property
    def page_at(self) -> tuple[str, int]: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def logger(self) -> Logger: ...

    def number(self) -> int: ...
    def show(self, copy: Copy) -> None: ...
    def forget(self, client: Client) -> None: ...


class Client(threading.Thread):
    """The thread of one client. `_lock` guards `_stopped` and `_link`; only the thread sets it."""

    def __init__(self, home: Home, end: End, address: Any) -> None:
        super().__init__(name=f"refws-watch {format_address(address)}", daemon=True)
        self._home = home
        self._end = end
        self._address = address
        self._lock = threading.Lock()
        self._stopped = False
        self._link: Link | None = None

    def run(self) -> None:
        try:
            self._serve()
        except OSError:
            pass  # it has gone before anything was passed on, or its TLS handshake has failed
        except Exception as error:
            log_error(self._home.logger, self.name, "an internal error; please report it", error)
        finally:
            self._end.close()
            self._home.forget(self)

    def stop(self) -> None:
        """Make the thread end soon, unless it is connecting. For any thread."""
        with self._lock:
            self._stopped = True
            link = self._link
        if link is not None:
            link.abort()
        else:
            self._end.abort()

    def _serve(self) -> None:
        try:
            self._end.handshake()
        except ssl.SSLError as error:
            self._show_failure(f"no TLS with the client: {error.strerror or error}", b"")
            return
        first, where = self._read_first()
        if not first:
            return
        if where is not Destination.PAGE:
            self._pass_on(first)
        elif is_here(self._end.own_address, self._address):
            self._serve_page(first)
        else:
            self._answer(HTTPStatus.FORBIDDEN, ONLY_HERE)

    def _show_failure(self, why: str, first: bytes) -> None:
        """Nothing is passed on of this client."""
        home, number = self._home, self._home.number()
        home.show(Opened(monotonic(), number, self._address, None, why))
        if first:
            home.show(Passed(monotonic(), number, Side.CLIENT, first))
        home.show(Over(monotonic(), number, self._stopped))

    def _read_first(self) -> tuple[bytes, Destination]:
        """The first bytes, and where they go."""
        first, buffer = b"", memoryview(bytearray(CHUNK))
        while data := self._end.read(buffer):
            first += data
            if (where := destination(first)) is not Destination.UNKNOWN:
                return first, where
        return first, Destination.SERVER

    def _serve_page(self, first: bytes) -> None:
        server = socket.create_connection(self._home.page_at, PAGE_TIMEOUT)
        server.settimeout(None)
        self._run(end_of(server, self._home.timers), HeadChanger({}), Report(), first)

    def _pass_on(self, first: bytes) -> None:
        home = self._home
        try:
            server, address = home.target.connect(home.timers)
        except OSError as error:
            why = home.target.describe(error)
            self._show_failure(why, first)
            end = "" if why.endswith("?") else "."
            self._answer(HTTPStatus.BAD_GATEWAY, f"watch cannot pass this on: {why}{end}\n")
            return
        report = CopyReport(home, self._address, address)
        try:
            self._run(server, HeadChanger(home.target.headers), report, first)
        finally:
            report.over(self._stopped)

    def _run(self, server: End, changer: HeadChanger, report: Report, first: bytes) -> None:
        link = Link(self._end, server, changer, report)
        with self._lock:
            self._link = link
            stopped = self._stopped
        if stopped:
            link.abort()
        link.run(first, self.name)

    def _answer(self, status: HTTPStatus, text: str) -> None:
        """An answer of our own. The client gets time to read it before TCP ends."""
        with suppress(OSError):
            self._end.write(to_bytes(Response.text(status, text), None, SERVER))
            self._end.finish()
            self._end.linger(LINGER)


class Exchange:
    """What is shown as one connection: one request, and all that follows it until another one.

    Each direction has a thread, which alone uses its part of `starts`.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.starts = {side: MessageStarts() for side in Side}
        self.answered = False
        """Whether the server has sent something. Its thread writes it."""


class CopyReport(Report):
    """Copies of what passes on one connection, for those who look on.

    A client that has its answer may send another request on the same connection, and this one may
    open the WebSocket. It is shown as a connection of its own. The client's thread, and no other,
    writes `_exchange`, `_changer` and `_shown`.
    """

    def __init__(self, home: Home, client: Any, server: Any) -> None:
        self._home = home
        self._addresses = client, server
        self._shown = 0
        self._changer: HeadChanger | None = None
        self._exchange = self._begin()

    def _begin(self) -> Exchange:
        exchange = Exchange(self._home.number())
        self._home.show(Opened(monotonic(), exchange.number, *self._addresses))
        return exchange

    def passed(self, sender: Side, data: bytes, changer: HeadChanger | None) -> None:
        changes = () if changer is None else self._note_request(changer)
        exchange = self._exchange
        if sender is Side.SERVER:
            self._note_answer(exchange, data)
        start = exchange.starts[sender].find(data)
        self._home.show(Passed(monotonic(), exchange.number, sender, data, changes, start))

    def _note_request(self, changer: HeadChanger) -> tuple[Change, ...]:
        """In the client's thread: what was changed in these bytes, which may begin a request."""
        self._changer = changer
        if changer.begins_another and self._exchange.answered:
            self.over(stopped=False)
            self._exchange = self._begin()
        changes = tuple(changer.changes[self._shown :])
        self._shown += len(changes)
        return changes

    def _note_answer(self, exchange: Exchange, data: bytes) -> None:
        """In the server's thread."""
        if exchange.answered:
            return
        exchange.answered = True
        if self._changer is not None and is_refusal(data):
            self._changer.refused()

    def ended(self, sender: Side, how: How) -> None:
        self._home.show(Ended(monotonic(), self._exchange.number, sender, how))

    def over(self, stopped: bool) -> None:
        """Nothing more follows, of the connection or of this request."""
        self._home.show(Over(monotonic(), self._exchange.number, stopped))


def is_refusal(answer: bytes) -> bool:
    """Whether a server that begins with these bytes opens no WebSocket."""
    return OTHER_STATUS.match(answer) is not None


def is_here(own: Any, peer: Any) -> bool:
    """Whether the peer is on this machine: its address is a loopback address, or our own."""
    ip = ip_of(peer)
    return ip is not None and (ip.is_loopback or ip == ip_of(own))
