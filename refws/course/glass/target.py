"""RFC 6455 §4.1: the server that all clients are passed on to, and a connection to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...endpoint.client.connect import within
from ...endpoint.client.connecting import Deadline
from ...endpoint.client.racing import first_connected
from ...endpoint.client.resolving import resolve
from ...endpoint.timers import Timers
from ...protocol.client.uri import WebSocketURI
from ...protocol.frame import Side
from .link import End, end_of

CONNECT_TIMEOUT = 10.0
"""Seconds to reach the server, TLS included, unless a target has another number."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server is, its TLS, and the headers whose values a request to it gets."""

    uri: WebSocketURI
    context: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    describe: Callable[[OSError], str] = str
    """One line: why the server cannot be reached, and what to do."""
    connect_timeout: float = CONNECT_TIMEOUT

    def connect(self, timers: Timers) -> tuple[End, Any]:
        """A new connection, and the address of its peer.

        Blocks for `connect_timeout` at most; OSError if there is none.
        """
        deadline = Deadline(self.connect_timeout)
        with first_connected(resolve(self.uri, None, None, deadline), deadline) as (sock, address):
            end = end_of(sock, timers, self.context, Side.CLIENT, self.uri.host.removesuffix("."))
        try:
            with within(deadline, end.stream):
                end.handshake()
        except BaseException:
            end.close()
            raise
        return end, address
