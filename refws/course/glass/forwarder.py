"""RFC 6455 §1.2: listening sockets -> a thread for each client, whose bytes go on to one server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from logging import Logger, getLogger
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Any

from ...endpoint.overload import Overload
from ...endpoint.shortages import Shortages
from ...endpoint.stream import Stream, send_at_once
from ...endpoint.timers import Timers
from ...endpoint.waking import WakeUp
from ...protocol.frame import Side
from .client import Client
from .copies import Copies, Copy
from .link import end_of
from .target import Target

LOGGER = getLogger("refws")

MAX_CLIENTS = 500
"""Clients at a time; each one takes two threads."""

PAUSE_AFTER_FAILURE = 0.1
"""Seconds without accepting after the system had no file descriptor or memory for a connection."""

TIME_TO_END = 1.0
"""Seconds that the threads of the clients have to end."""


class Forwarder:
    """`run` serves until `stop`, and then ends all connections.

    The page is served at `page_at`. `_lock` guards `_clients`, which have not ended, `_count`, and
    changes of `_copies`, which is read without it. `_stopping` is set once, by any thread.
    """

    def __init__(
        self,
        socks: Sequence[socket.socket],
        target: Target,
        page_at: tuple[str, int],
        context: ssl.SSLContext | None = None,
        logger: Logger = LOGGER,
    ) -> None:
        self.address: Any = socks[0].getsockname()
        self.target = target
        self.page_at = page_at
        self.timers = Timers()
        self.logger = logger
        self._socks = socks
        self._context = context
        self._overload = Overload(self.timers)
        self._shortages = Shortages(logger)
        self._wake_up = WakeUp()
        self._lock = threading.Lock()
        self._clients: set[Client] = set()
        self._count = 0
        self._copies: tuple[Copies, ...] = ()
        self._stopping = False
        for sock in socks:
            sock.setblocking(False)

    # Looking on

    def add(self, copies: Copies) -> None:
        """Put copies of all connections that begin from now on there."""
        with self._lock:
            self._copies = (*self._copies, copies)

    def remove(self, copies: Copies) -> None:
        with self._lock:
            self._copies = tuple(other for other in self._copies if other is not copies)

    def show(self, copy: Copy) -> None:
        """Never waits for one who looks on."""
        for copies in self._copies:
            copies.put(copy)

    # Accepting

    def run(self) -> None:
        """Serve until `stop`; then end all connections."""
        with self._wake_up.by_signals(), DefaultSelector() as poll:
            for waiting in (*self._socks, self._wake_up.receiver):
                poll.register(waiting, EVENT_READ)
            while not self._stopping:
                try:
                    poll.select()
                    self._wake_up.pause(0)
                    for sock in self._socks:
                        self._accept(sock)
                except Exception as error:
                    self._shortages.report_error(error, turned_away=0)
                    self._wake_up.pause(PAUSE_AFTER_FAILURE)
        self._close()

    def stop(self) -> None:
        """Make `run` return. For any thread, and for signal handlers."""
        self._stopping = True
        self._wake_up.send()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        client = None
        try:
            sock.setblocking(True)
            send_at_once(sock)
            end = end_of(sock, self.timers, self._context, Side.SERVER)
            client = Client(self, end, address)
            if self._admit(client):
                client.start()
            else:
                self._turn_away(sock)
        except BaseException:
            sock.close()
            if client is not None:
                self.forget(client)
            raise

    def _admit(self, client: Client) -> bool:
        with self._lock:
            admitted = len(self._clients) < MAX_CLIENTS
            if admitted:
                self._clients.add(client)
            return admitted

    def _turn_away(self, sock: socket.socket) -> None:
        reason = f"{MAX_CLIENTS} connections are watched, the limit"
        self._shortages.report("no more connections are watched", reason)
        self._overload.turn_away(Stream(sock, self.timers, 1.0), reason)

    def number(self) -> int:
        """The number of a new connection to the server, from 1 on."""
        with self._lock:
            self._count += 1
            return self._count

    def forget(self, client: Client) -> None:
        """The client has ended."""
        with self._lock:
            self._clients.discard(client)

    def _close(self) -> None:
        for sock in self._socks:
            sock.close()
        self._overload.close_all()
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            client.stop()
        give_up_at = monotonic() + TIME_TO_END
        for client in clients:
            client.join(max(0.0, give_up_at - monotonic()))
        self._wake_up.close()
        self.timers.stop()
