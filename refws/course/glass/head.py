"""RFC 9112 §3, RFC 6455 §4.1: where a request goes, and its head with another Host and Origin.

The bytes are passed on as they are cut. Held back are only the first ones, until it is known where
they go, and the name of a header, until it is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ...protocol.http import ascii_lower

PAGE_FILES = "/.refws/"
"""All that the page needs is below this path, where no server has anything of its own."""

PAGE_TARGETS = (b"/.refws/", b"/favicon.ico ", b"/ ", b"/?")
"""How the target of a request for the page begins; a browser asks for an icon by itself."""

PAGE_STARTS = tuple(method + target for method in (b"GET ", b"HEAD ") for target in PAGE_TARGETS)
PAGE_FORM = re.compile(b"|".join(map(re.escape, PAGE_STARTS)))
END_OF_HEAD = re.compile(rb"\n\r?\n")
UPGRADE = re.compile(rb"\n *upgrade *:[^\n]*websocket", re.IGNORECASE)

MAX_HELD = 32 * 1024
"""Bytes of a request for `/` that are held back to find its Upgrade; more are for the server."""

REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ ]+ HTTP/\d\.\d\r?\n")
BODY = frozenset({"content-length", "transfer-encoding"})
"""Headers of a request with a body, whose end is not looked for."""

MAX_NAME = 64
"""Bytes that are held back until the name of a header is known; a longer one is of no interest."""

MAX_VALUE = 1024
"""Bytes of a value that are kept, to show what was changed."""


class Destination(Enum):
    """Where the bytes of a client go."""

    UNKNOWN = auto()
    SERVER = auto()
    PAGE = auto()


def destination(start: bytes) -> Destination:
    """Where a connection goes that begins with these bytes.

    A GET or HEAD of `/` without `Upgrade: websocket`, of a file of the page, or of an icon, is for
    the page; all else is for the server.
    """
    form = PAGE_FORM.match(start)
    if form is None:
        undecided = any(page.startswith(start) for page in PAGE_STARTS)
        return Destination.UNKNOWN if undecided else Destination.SERVER
    if not form[0].endswith((b" / ", b" /?")):
        return Destination.PAGE
    if UPGRADE.search(start):
        return Destination.SERVER
    if END_OF_HEAD.search(start):
        return Destination.PAGE
    return Destination.UNKNOWN if len(start) < MAX_HELD else Destination.SERVER


@dataclass(frozen=True, slots=True)
class Change:
    """A header whose value was replaced."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} became {self.after}"


class HeadChanger:
    """The bytes of a client, with the values of some headers of its requests replaced.

    A client may send plain requests on the connection before it asks for an upgrade. After a head
    with Upgrade nothing more is changed, unless the upgrade is refused; nor after one with a body,
    or where a first line is no request line of HTTP. For the client's thread, but for `refused`.
    Its states are the methods that take the next part:

        _first_line
        _name, _value (to the end of the line)       for each header
        _rest                                        after an empty line, or _first_line again
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.changes: list[Change] = []
        self.begins_another = False
        """Whether the last bytes that were fed begin with the first line of another request."""
        self._requests = 0
        self._upgrades = self._has_body = False
        self._refusals = 0  # written by the server's thread
        self._refusals_seen = 0
        self._values = {
            ascii_lower(name): value.encode("latin-1") for name, value in values.items()
        }
        self._held = b""
        self._first = b""
        self._header = ""
        self._replaced: bytes | None = None
        self._step: Callable[[], bytes | None] = self._first_line

    def feed(self, data: bytes) -> bytes:
        """What to pass on now. Once the head is over these are the same bytes."""
        is_refused = self._refusals != self._refusals_seen and not self._has_body
        if is_refused and self._step in (self._rest, self._first_line):
            self._refusals_seen, self._step = self._refusals, self._first_line
        if self._step == self._rest and not self._held:
            self.begins_another = False
            return data
        before = self._requests
        is_start = self._step == self._first_line and not self._first
        self._held += data
        parts: list[bytes] = []
        while self._held and (part := self._step()) is not None:
            parts.append(part)
        self.begins_another = is_start and 0 < before < self._requests
        return b"".join(parts)

    def refused(self) -> None:
        """In the server's thread: it opens no WebSocket, and another request may follow."""
        self._refusals += 1

    def finish(self) -> bytes:
        """The bytes that are held back, once no more follow."""
        return self._take(len(self._held))

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _take_line(self) -> bytes:
        """Up to the end of the line, or all that has arrived of it."""
        return self._take(self._held.find(b"\n") + 1 or len(self._held))

    def _first_line(self) -> bytes:
        part = self._take_line()
        self._first = (self._first + part)[: MAX_HELD + 1]
        if part.endswith(b"\n"):
            is_request = REQUEST_LINE.fullmatch(self._first) is not None
            self._step = self._name if is_request else self._rest
            self._requests += is_request
            self._first, self._upgrades = b"", False
        elif len(self._first) > MAX_HELD:
            self._step = self._rest
        return part

    def _name(self) -> bytes | None:
        end = re.search(rb"[:\n]", self._held[:MAX_NAME])
        if end is None and len(self._held) < MAX_NAME:
            return None
        part = self._take(MAX_NAME if end is None else end.end())
        if part.endswith(b"\n"):
            after = self._rest if self._upgrades or self._has_body else self._first_line
            self._step = self._name if part.strip() else after
            return part
        self._header = part[:-1].decode("latin-1")
        name = ascii_lower(self._header)
        self._upgrades = self._upgrades or name == "upgrade"
        self._has_body = self._has_body or name in BODY
        value = self._values.get(name) if end else None
        self._replaced = None if value is None else b""
        self._step = self._value
        return part if value is None else part + b" " + value

    def _value(self) -> bytes:
        part = self._take_line()
        over = part.endswith(b"\n")
        if over:
            self._step = self._name
        if self._replaced is None:
            return part
        self._replaced = (self._replaced[:MAX_VALUE] + part)[-MAX_VALUE - 2 :]
        if not over:
            return b""
        self._note_change(self._replaced.decode("latin-1").strip())
        return b"\r\n" if self._replaced.endswith(b"\r\n") else b"\n"

    def _note_change(self, before: str) -> None:
        after = self._values[ascii_lower(self._header)].decode("latin-1")
        if before != after:
            self.changes.append(Change(self._header, before, after))

    def _rest(self) -> bytes:
        return self._take(len(self._held))
