"""What was seen of the client under test: its request, its frames, and its earlier connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from ...protocol.deflate.negotiation import (
    CLIENT_MAX_WINDOW_BITS,
    NAME,
    SERVER_NO_CONTEXT_TAKEOVER,
    DeflateSettings,
    choose_offer,
)
from ...protocol.errors import HandshakeError
from ...protocol.extensions import Extension
from ...protocol.frame import BINARY
from ...protocol.handshake import KEY, requested_extensions, requested_subprotocols
from ...protocol.http import Request, is_token
from ..case import Need
from ..seen import Message, Seen

MANY_KEYS = 8
"""Keys of handshakes in which a byte that is always the same is no accident: one in 256 ** 7."""

MANY_MASKS = 32
"""Masking keys in which a bit that is always the same is no accident: one in 2 ** 31, 32 times."""

MANY_TRIES = 2
"""Connections on which a client may fail to show an ability before it is taken to lack it."""

LARGE = 65_536


@dataclass(slots=True)
class History:
    """What the connections so far have shown, for all threads that run cases of one client.

    `connections` says how many, `keys` are the values of Sec-WebSocket-Key, `masks` all masking
    keys, `starts` the first one of each connection. `greetings` are the messages that the client
    begins with, None until that is known. `shown` are abilities, `tried` those that were asked for,
    each time. `has_closed` says whether a Close of ours was answered.

    No value changes, each is replaced under the lock: so all may be read without it.
    """

    connections: int = 0
    keys: tuple[str, ...] = ()
    masks: tuple[bytes, ...] = ()
    starts: frozenset[bytes] = frozenset()
    greetings: tuple[Message, ...] | None = None
    shown: frozenset[Need] = frozenset()
    tried: tuple[Need, ...] = ()
    has_closed: bool = False
    _lock: Lock = field(default_factory=Lock)

    def note(self, seen: ClientSeen, needs: Iterable[Need], is_answered: bool) -> None:
        """Add a connection that has ended, and on which these needs were asked for.

        `is_answered` says whether our Close was.
        """
        key = "" if seen.request is None else seen.request.headers.get("Sec-WebSocket-Key")
        with self._lock:
            self.connections += 1
            self.keys += (key,) if key else ()
            self.masks += tuple(seen.keys)
            self.starts |= set(seen.keys[:1])
            self.shown |= abilities(seen.messages)
            self.tried += tuple(needs)
            self.has_closed |= is_answered

    def note_greetings(self, greetings: Iterable[Message]) -> None:
        with self._lock:
            self.greetings = tuple(greetings)

    def lacks(self, need: Need) -> bool:
        """Whether the client has not shown this ability although it had the chance."""
        return need not in self.shown and self.tried.count(need) >= MANY_TRIES


@dataclass(slots=True)
class ClientSeen(Seen):
    """`problem` says why its request cannot be read, `fault` which rule of HTTP the head breaks.

    `early` are bytes that came before the answer. `resource_name` is what it was asked to request,
    `authority` the host and port that it was asked to connect to, None if that is not known;
    `port` is the one that it has reached.
    """

    request: Request | None = None
    fault: str = ""
    early: bytes = b""
    resource_name: str | None = None
    authority: str | None = None
    port: int = 0
    history: History = field(default_factory=History)

    def __str__(self) -> str:
        return self.problem or self.after_the_opening("a valid request")


def abilities(messages: Iterable[Message]) -> set[Need]:
    """What these messages of a client show that it can do."""
    found = set()
    for message in messages:
        found.add(Need.ECHO)
        if message.opcode == BINARY:
            found.add(Need.BINARY)
        if len(message.data) >= LARGE:
            found.add(Need.LARGE)
    return found


def missing(request: Request, history: History) -> set[Need]:
    """The needs that the client cannot fill, as its request and its earlier connections show."""
    headers, found = request.headers, set()
    offers = [extension for extension in offered(request) if extension.name == NAME]
    parameters = {name for offer in offers for name, _ in offer.parameters}
    subprotocols = requested_subprotocols(request)
    for need, lacks in (
        (Need.ORIGIN, "Origin" not in headers),
        (Need.SUBPROTOCOLS, not subprotocols),
        (Need.SUBPROTOCOLS_VALID, not any(map(is_token, subprotocols))),
        (Need.EXTENSIONS, "Sec-WebSocket-Extensions" not in headers),
        (Need.OFFER, not offers),
        (Need.OFFER_VALID, choose_offer(offers, DeflateSettings()) is None),
        (Need.CONTEXT, SERVER_NO_CONTEXT_TAKEOVER in parameters),
        (Need.CLIENT_WINDOW, CLIENT_MAX_WINDOW_BITS not in parameters),
        (Need.EARLIER, not history.keys),
        (Need.STARTS, not history.starts),
        (Need.KEYS, len(list(filter(KEY.fullmatch, history.keys))) < MANY_KEYS),
        (Need.ECHO, history.lacks(Need.ECHO)),
        (Need.BINARY, history.lacks(Need.BINARY)),
        (Need.LARGE, history.lacks(Need.LARGE)),
    ):
        if lacks:
            found.add(need)
    return found


def offered(request: Request) -> tuple[Extension, ...]:
    """The extensions in a request; none if the header cannot be read."""
    try:
        return requested_extensions(request)
    except HandshakeError:
        return ()
