"""RFC 6455 §5.6: a message -> what a pipe gets on standard output, in three forms.

    --raw       the payload, and nothing else: no line feed between two messages
    --json      {"type": "text", "size": 5, "payload": "hello"}, one line of JSON for each message
    (neither)   the payload in one line: text with its control characters escaped, binary in hex

The last form is for people, and for programs that know what to expect: there 0102ff may be a text
or three bytes. The other two lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ...course.text.characters import escape_words

Form = Callable[[str | bytes], str | bytes]
"""A message -> what is written for it: text, or bytes that go out as they are."""


def as_line(message: str | bytes) -> str:
    return escape_words(payload_of(message)) + "\n"


def as_json(message: str | bytes) -> str:
    """One line, in ASCII; the size is in bytes, the payload of a binary message in hex."""
    kind, octets = ("text", message.encode()) if isinstance(message, str) else ("binary", message)
    return json.dumps({"type": kind, "size": len(octets), "payload": payload_of(message)}) + "\n"


def as_it_is(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


def payload_of(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.hex()
