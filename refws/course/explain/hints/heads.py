"""RFC 6455 §4: bytes where the head of an opening handshake should be -> what they look like."""

from __future__ import annotations

import re

from ....protocol.frame import Side
from .evidence import size_of_frame
from .no_frames import NO_FRAMES, REPLACEMENT, what_of_tls

HIXIE_HEADERS = re.compile(
    rb"^(Sec-WebSocket-Key[12]|(Sec-)?WebSocket-(Origin|Location)|Sec-WebSocket-Draft):",
    re.IGNORECASE | re.MULTILINE,
)

BODY_OF_A_101 = re.compile(
    rb"HTTP/1\.1 101 .*^(Transfer-Encoding|Content-Length):",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)

OTHER_PROTOCOLS = NO_FRAMES[-3:]
"""The ones that may be before a handshake, or in place of it."""


def find_hint_for_head(data: bytes, sender: Side) -> str:
    """What the bytes of a head that is not legal look like; "" if that is unknown."""
    for pattern, text in OTHER_PROTOCOLS:
        if pattern.match(data):
            return f"this looks like {text}"
    if what := what_of_tls(data, sender):
        return what
    if HIXIE_HEADERS.search(data):
        return (
            "these headers are of Hixie-75 or Hixie-76, drafts from before the RFC: use a library "
            "that speaks RFC 6455 (version 13)"
        )
    if BODY_OF_A_101.match(data):
        return (
            "a 101 has no body: leave that header out, and write frames to the connection itself, "
            "without chunks around them (RFC 9112 §6.1)"
        )
    if data[:2] == REPLACEMENT[:2]:
        return "ef bf bd is U+FFFD in UTF-8: the bytes were read or written as text"
    if size_of_frame(data, sender) is not None and not data[:1].isascii():
        return "this is a frame: the opening handshake comes before all frames (§4.1)"
    return ""
