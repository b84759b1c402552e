"""The server under test: where it is, and what each opening handshake with it says."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from ..protocol.client.handshake import build_request, make_key
from ..protocol.client.uri import WebSocketURI
from ..protocol.http import HeadersLike, Request

TIMEOUT = 2.0
"""Seconds after the last byte that was sent or received until a case is over."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server; `context` is for wss://, None for ws://."""

    uri: WebSocketURI
    context: ssl.SSLContext | None = None
    origin: str | None = None
    subprotocols: tuple[str, ...] = ()
    headers: HeadersLike = ()
    timeout: float = TIMEOUT

    def request(self, offer: str | None = None) -> Request:
        """A valid opening handshake with a key of its own; `offer` is for the extensions."""
        return build_request(
            self.uri,
            make_key(),
            origin=self.origin,
            subprotocols=self.subprotocols,
            extensions=offer,
            additional_headers=self.headers,
        )
