"""RFC 6455 §4: the first bytes of a TCP connection -> whether it is a WebSocket connection."""

from __future__ import annotations

import re
from enum import Enum

from .reassembly import END, Missing, Piece
from .values import End

REQUEST = b"GET "
SWITCHED = b"HTTP/1.1 101"
UPGRADE = re.compile(rb"\r?\nupgrade[ \t]*:[^\r\n]*websocket", re.IGNORECASE)
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")

TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
HTTP = re.compile(rb"[A-Z]{3,10} \S* HTTP/1\.|HTTP/1\.")
HTTP_2 = re.compile(rb"PRI \* HTTP/2")

MAX_HEAD = 16 * 1024
"""The longest head of which it is seen that it asks for a WebSocket connection."""

MAX_HELD = 64 * 1024
HELD_COST = 100
"""The most bytes that wait until it is known what they are, and what a piece costs besides."""


class Kind(Enum):
    """What a connection carries."""

    EMPTY = "without data"
    UNKNOWN = "with neither HTTP nor TLS"
    TLS = "with TLS"
    HTTP = "with HTTP, but no opening handshake"
    HTTP_2 = "with HTTP version 2"
    WEBSOCKET = "with WebSocket frames"


def kind_of(start: bytes) -> Kind:
    """The kind of a connection that is not known to be a WebSocket's, by its first bytes."""
    for pattern, kind in ((TLS, Kind.TLS), (HTTP_2, Kind.HTTP_2), (HTTP, Kind.HTTP)):
        if pattern.match(start):
            return kind
    return Kind.UNKNOWN


def may_begin(data: bytes) -> bool:
    """Whether a head of an opening handshake may begin with these bytes."""
    return any(head.startswith(data[: len(head)]) for head in (REQUEST, SWITCHED))


class Head:
    """The bytes of one end, from where a head may begin; without the ones after a gap."""

    def __init__(self) -> None:
        self.data = b""
        self._cut = False

    def add(self, piece: Piece) -> None:
        if isinstance(piece, Missing):
            self._cut = True
        elif not self._cut:
            self.data += piece

    @property
    def opens(self) -> bool | None:
        """Whether it is a head of an opening handshake; None if that is not known yet.

        A status 101 is taken for one if the rest of its head is missing.
        """
        end = END_OF_HEAD.search(self.data)
        if UPGRADE.search(self.data, 0, end.end() if end else len(self.data)):
            return may_begin(self.data)
        if end or len(self.data) > MAX_HEAD or not may_begin(self.data):
            return False
        return True if self._cut and self.data.startswith(SWITCHED) else None


class Choice:
    """Whether a connection is chosen: by its server's `port`, or without one by its handshake.

    The handshake may follow other requests. Pieces wait from where it may begin. The handshake also
    shows which end is the client.
    """

    def __init__(self, client: End, server: End, port: int | None) -> None:
        self.client = client
        self.server = server
        self.kind = Kind.EMPTY
        self._by_port = port is not None
        self._held: list[tuple[float, End, Piece]] = []
        self._size = 0
        self._heads: dict[End, Head] = {}

    @property
    def began(self) -> float:
        """When the first piece was sent, in seconds."""
        return self._held[0][0]

    @property
    def has_request(self) -> bool:
        """Whether the client's first bytes begin a request."""
        head = self._heads.get(self.client)
        return head is not None and head.data.startswith(REQUEST)

    def take(self) -> list[tuple[float, End, Piece]]:
        """The pieces that have waited: (seconds, sender, piece)."""
        held, self._held = self._held, []
        return held

    def add(self, seconds: float, end: End, piece: Piece) -> bool:
        """Whether the connection is chosen with this piece."""
        if self.kind is Kind.EMPTY and isinstance(piece, bytes) and piece:
            self.kind = kind_of(piece)
        if not self._held and not self._may_be_first(piece):
            return False
        self._held.append((seconds, end, piece))
        head = self._heads.setdefault(end, Head())
        head.add(piece)
        self._size += HELD_COST + (len(piece) if isinstance(piece, bytes) else 0)
        if head.opens:
            self._note_client(end, head)
        elif self._is_in_vain():
            self._held, self._heads, self._size = [], {}, 0
        return self._by_port or head.opens is True

    def _may_be_first(self, piece: Piece) -> bool:
        if self._by_port:
            return piece != END and self.kind is not Kind.TLS
        return isinstance(piece, bytes) and piece != END and may_begin(piece)

    def _is_in_vain(self) -> bool:
        """Whether what waits is no opening handshake."""
        if self._by_port:
            return False
        return self._heads[self._held[0][1]].opens is False or self._size > MAX_HELD

    def _note_client(self, end: End, head: Head) -> None:
        if (end == self.client) != head.data.startswith(REQUEST):
            self.client, self.server = self.server, self.client
