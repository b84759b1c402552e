"""RFC 9110 §11.6, RFC 6265: a head, cut anywhere -> the same head with its secrets as ****.

Each character of a secret becomes a *, but white space stays. So every later byte keeps its place,
and the explanation of the connection stays the same. Secrets are the values of headers with certain
names, and the query and fragment of a target, where a script in a browser can put a password.
"""

from __future__ import annotations

import re

from ...protocol.frame import Side
from ..explain.handshake import is_secret, is_start_of_head

MAX_NAME = 256
"""Bytes that are held back until the name of a header is complete; more are not a name."""

STARRED = bytes(byte if byte in b" \t\r\n" else ord("*") for byte in range(256))

END_OF_NAME = re.compile(rb"[:\n]")
END_OF_PATH = re.compile(rb"[?#\n]")
END_OF_QUERY = re.compile(rb" HTTP/|\n")
"""A malformed query may have spaces: it ends where the version begins, or with the line."""

PART_OF_VERSION = re.compile(rb" (?:H(?:T(?:TP?)?)?)?\Z")
END_OF_LINE = re.compile(rb"\n")


class Redactor:
    """Redacts one direction of a connection from its first byte on. It holds back one name at most.

    Its states are the methods that take the next part, in this order for a request:

        _first_line, _query, _value (to the end of the line)
        _name, _value                                for each header
        _name (an empty line), _after_head           then another head, or
        _rest                                        frames, or any other bytes
    """

    def __init__(self, sender: Side) -> None:
        self._held = b""
        self._secret = False
        self._blank = True
        self._has_query = sender is Side.CLIENT
        self._step = self._first_line

    def feed(self, data: bytes) -> bytes:
        """The bytes held back and these, without secrets, up to the next name if it is cut off."""
        self._held += data
        parts: list[bytes] = []
        while self._held and (part := self._step()):
            parts.append(part)
        return b"".join(parts)

    def finish(self) -> bytes:
        """The bytes held back, once the direction has ended."""
        return self._take(len(self._held))

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _take_until(self, end: re.Pattern[bytes]) -> bytes:
        match = end.search(self._held)
        return self._take(match.end() if match else len(self._held))

    # The states: each takes the next part of the held bytes and returns it without its secrets, or
    # returns b"" if it needs more bytes

    def _first_line(self) -> bytes:
        part = self._take_until(END_OF_PATH if self._has_query else END_OF_LINE)
        self._blank = self._blank and not part.strip()
        if self._has_query and part.endswith((b"?", b"#")):
            self._step = self._query
        elif part.endswith(b"\n") and not self._blank:
            self._step = self._name  # RFC 9112 §2.2: empty lines before a first line are ignored
        return part

    def _query(self) -> bytes:
        found = END_OF_QUERY.search(self._held)
        if found is None:
            part = PART_OF_VERSION.search(self._held)
            return self._take(part.start() if part else len(self._held)).translate(STARRED)
        query, end = self._take(found.start()), self._take(len(found[0]))
        self._secret, self._step = False, self._name if end == b"\n" else self._value
        return query.translate(STARRED) + end

    def _name(self) -> bytes:
        if self._held[:1] in (b" ", b"\t"):  # RFC 9112 §5.2: the value before continues
            return self._value()
        if END_OF_NAME.search(self._held, 0, MAX_NAME) is None:
            if len(self._held) < MAX_NAME:
                return b""
            self._secret = False
            return self._value()
        part = self._take_until(END_OF_NAME)
        if part.endswith(b"\n"):
            self._secret, self._step = False, self._name if part.strip() else self._after_head
        else:
            self._secret, self._step = is_secret(part[:-1].decode("latin-1")), self._value
        return part

    def _value(self) -> bytes:
        part = self._take_until(END_OF_LINE)
        self._step = self._name if part.endswith(b"\n") else self._value
        return part.translate(STARRED) if self._secret else part

    def _after_head(self) -> bytes:
        """Another head, as after a status 100 or 103, or the rest."""
        self._blank = True
        self._step = self._first_line if is_start_of_head(self._held) else self._rest
        return self._step()

    def _rest(self) -> bytes:
        return self._take(len(self._held))
