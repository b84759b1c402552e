"""RFC 6455 §4.1 item 2: the connections that a server has let in, and the limits for the others.

"Servers can refuse to accept connections from hosts/IP addresses with an excessive number of
existing connections." A server refuses with 503 (overload.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from typing import Any, NamedTuple

from .addresses import ip_of
from .server_handshake import ServerConnection
from .stream import Stream

CLAIMS = threading.RLock()
"""Held for an assignment. One for all connections, because each lock takes memory."""


class ConnectionThread(threading.Thread):
    """The thread of one connection.

    `network` is what the connection counts as; under the admission's lock. `claim` is for the
    thread, or for the accept thread if it cannot start it: so one of them ends the connection.
    `start` may also fail after the thread has begun, if a signal's exception ends its waiting.
    Its own `run` saves a level of calls: on Python 3.11 that is a page of memory for its stack,
    from 3.12 on hardly anything.
    """

    network: str | None = None
    _claimed = False

    def __init__(
        self,
        serve: Callable[[ConnectionThread], None],
        connection: ServerConnection,
        stream: Stream,
    ) -> None:
        super().__init__(name=f"refws {connection.peer}", daemon=True)
        self._serve = serve
        self.connection = connection
        self.stream = stream

    def claim(self) -> bool:
        """True for the first thread that asks."""
        with CLAIMS:
            claimed, self._claimed = self._claimed, True
            return not claimed

    @property
    def claimed(self) -> bool:
        return self._claimed

    def run(self) -> None:
        if self.claim():
            self._serve(self)


class Full(NamedTuple):
    """Which limit keeps a connection out: its name, and the reason for the client."""

    limit: str
    reason: str


class Admission:
    """The connections that have not ended, with their threads. `_lock` guards all other fields.

    It is held for a few operations of dictionaries only, however many connections there are. A
    signal handler may read `threads` meanwhile, so it is an RLock.
    """

    def __init__(self, most: int | None, most_per_address: int | None) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._lock = threading.RLock()
        self._threads: dict[ServerConnection, ConnectionThread] = {}
        self._networks: dict[str, set[ServerConnection]] = {}
        self._closed = False

    @property
    def threads(self) -> tuple[ConnectionThread, ...]:
        with self._lock:
            return tuple(self._threads.values())

    def admit(self, thread: ConnectionThread) -> Full | None:
        """Let its connection in, or return the limit that keeps it out."""
        with self._lock:
            if self._most is not None and len(self._threads) >= self._most:
                reason = f"{self._most} connections are open, the limit of this server"
                return Full("max_connections", reason)
            if self._most_per_address is not None and (full := self._enter_network(thread)):
                return full
            self._threads[thread.connection] = thread
        return None

    def _enter_network(self, thread: ConnectionThread) -> Full | None:
        network = network_of(thread.connection.remote_address)
        if network is None:
            return None
        open_there = self._networks.get(network, set())
        if len(open_there) == self._most_per_address:
            count = len(open_there)
            reason = f"{count} connections from {network} are open, the limit for each address"
            return Full("max_connections_per_address", reason)
        thread.network = network  # first: `forget` may find less than it asks for, but not more
        self._networks[network] = open_there
        open_there.add(thread.connection)
        return None

    def forget(self, thread: ConnectionThread) -> bool:
        """Give its place back. True if it was the last one of a server that has shut down."""
        with self._lock:
            self._threads.pop(thread.connection, None)
            if thread.network is not None:
                self._leave_network(thread, thread.network)
            return self._closed and not self._threads

    def _leave_network(self, thread: ConnectionThread, network: str) -> None:
        """The application may have changed `remote_address` meanwhile, but not the network."""
        open_there = self._networks.get(network, set())
        open_there.discard(thread.connection)
        if not open_there:
            self._networks.pop(network, None)

    def close(self) -> bool:
        """Note that the server has shut down. True if no connection is left."""
        with self._lock:
            self._closed = True
            return not self._threads


def network_of(address: Any) -> str | None:
    """What a remote address counts as: IPv4 as itself, IPv6 as its /64. None: it is not counted.

    A subscriber of IPv6 gets at least a whole /64: a limit for each of its 2**64 addresses would be
    none. The price is the one of a NAT with IPv4: the machines of such a network count together,
    and the limit must be high enough for all of them. IPv4 inside of IPv6, ::ffff:a.b.c.d, counts
    as IPv4, because all of it is in one /64. A Unix socket has no address.
    """
    if not isinstance(address, tuple):
        return None
    ip = ip_of(address)
    if isinstance(ip, IPv6Address):
        return str(ip_network((ip, 64), strict=False))
    return str(ip or address[0])
