"""RFC 9110 §11.6, RFC 6265: the head of a request or response, cut anywhere -> the same with its
secrets as ****.

Each character of a secret becomes a *, white space stays: so every byte after it keeps its place,
and all that explains a connection explains it as before. Secret are the values of headers whose
names say so, and the query of a target, as scripts in browsers can put a password nowhere else.
"""

from __future__ import annotations

import re

from ...protocol.frame import Side
from ...protocol.http import ascii_lower
from ..explain.handshake import SECRETS, is_start_of_head

TELLING_NAME = re.compile(r"cookie|auth|token|secret|passw|session|credential|api-?key|referer")

LONGEST_NAME = 256
"""Bytes that are held back until it is known whose value follows; what is longer is no name."""

STARRED = bytes(byte if byte in b" \t\r\n" else ord("*") for byte in range(256))

END_OF_NAME = re.compile(rb"[:\n]")
END_OF_PATH = re.compile(rb"[?\n]")
END_OF_QUERY = re.compile(rb"[ \n]")
END_OF_LINE = re.compile(rb"\n")


def is_secret(name: str) -> bool:
    """Whether the value of a header with this name is to be kept secret."""
    name = ascii_lower(name.strip())
    return name in SECRETS or TELLING_NAME.search(name) is not None


class Redactor:
    """One direction of a connection from its first byte on: heads, and then anything. Holds back
    one name at most.

    _first_line -> _query -> _value -> _name -> _value -> _name ... _name (an empty line) -> _behind
    -> _rest
    """

    def __init__(self, sender: Side) -> None:
        self._held = b""
        self._secret = False
        self._blank = True
        self._has_query = sender is Side.CLIENT
        self._step = self._first_line

    def feed(self, data: bytes) -> bytes:
        """What may be known of these bytes, and of what was held back."""
        self._held += data
        parts: list[bytes] = []
        while self._held and (part := self._step()):
            parts.append(part)
        return b"".join(parts)

    def finish(self) -> bytes:
        """What was held back, once no more comes."""
        return self._take(len(self._held))

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _take_until(self, end: re.Pattern[bytes]) -> bytes:
        match = end.search(self._held)
        return self._take(match.end() if match else len(self._held))

    # Each takes the next part of what is held, and gives it as it may be known; b"" if more must
    # come first

    def _first_line(self) -> bytes:
        part = self._take_until(END_OF_PATH if self._has_query else END_OF_LINE)
        self._blank = self._blank and not part.strip()
        if self._has_query and part.endswith(b"?"):
            self._step = self._query
        elif (
            part.endswith(b"\n") and not self._blank
        ):  # RFC 9112 §2.2: empty lines before it are ignored
            self._step = self._name
        return part

    def _query(self) -> bytes:
        part = self._take_until(END_OF_QUERY)
        if part.endswith(b" "):
            self._secret, self._step = False, self._value
        elif part.endswith(b"\n"):
            self._step = self._name
        return part.translate(STARRED)

    def _name(self) -> bytes:
        if self._held[:1] in (b" ", b"\t"):  # RFC 9112 §5.2: the value of the line before goes on
            return self._value()
        if END_OF_NAME.search(self._held, 0, LONGEST_NAME) is None:
            if len(self._held) < LONGEST_NAME:
                return b""
            self._secret = False
            return self._value()
        part = self._take_until(END_OF_NAME)
        if part.endswith(b"\n"):
            self._secret, self._step = False, self._name if part.strip() else self._behind
        else:
            self._secret, self._step = is_secret(part[:-1].decode("latin-1")), self._value
        return part

    def _value(self) -> bytes:
        part = self._take_until(END_OF_LINE)
        self._step = self._name if part.endswith(b"\n") else self._value
        return part.translate(STARRED) if self._secret else part

    def _behind(self) -> bytes:
        """Another head, as after a 100 or 103; or what else there is."""
        self._blank = True
        self._step = self._first_line if is_start_of_head(self._held) else self._rest
        return self._step()

    def _rest(self) -> bytes:
        return self._take(len(self._held))
