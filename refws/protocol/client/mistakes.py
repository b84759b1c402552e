"""RFC 6455 §4.2.2 item 5.4: a wrong Sec-WebSocket-Accept -> the well-known mistake that makes it.

New servers often compute this value in one of a few wrong ways. Each way gives a value that can be
computed here, too, and so be recognised.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha1

from ..handshake import GUID, accept_key, in_base64
from ..http import ascii_lower

ACCEPT_OF_EXAMPLE = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The value of §1.3 and §4.2.2, which is right for one key only."""


def find_mistake(key: str, accept: str) -> str | None:
    """The mistake that makes this wrong `accept` from `key`, with its remedy; None if unknown.

    The key may be any ASCII text, because `python -m refws accept` takes any.
    """
    right = accept_key(key)
    if ascii_lower(accept) == ascii_lower(right):
        return "in another case: base64 tells upper case from lower"
    hexadecimal = b64decode(right).hex()
    mistakes = {
        key: "which is the key itself: take its SHA-1 together with the GUID",
        _accept_of(key): "made without the GUID: append it to the key",
        _accept_of(GUID + key): "made with the GUID before the key: append it",
        _accept_of(key + GUID.lower()): "made with the GUID in lower case: it is in upper case",
        _accept_of(_decoded(key) + GUID.encode()): (
            "made of the decoded key: take it as the text that it is"
        ),
        _accept_of(f" {key}{GUID}"): "made of the key with the space before it: trim it",
        _accept_of(f"{key}\n{GUID}"): "made of the key with a line end: trim it",
        _accept_of(f"{key}\r\n{GUID}"): "made of the key with its line end: trim it",
        _accept_of(f"{key}{GUID}\n"): "made with a line end after the GUID: leave it out",
        _accept_of(f"{key}{GUID}\r\n"): "made with a line end after the GUID: leave it out",
        hexadecimal: "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        hexadecimal.upper(): "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        in_base64(hexadecimal.encode()): (
            "made of the SHA-1 in hexadecimal: put its 20 bytes in base64"
        ),
        ACCEPT_OF_EXAMPLE: "which is the value of the example in §1.3: compute it for each key",
        right.rstrip("="): "without its padding: base64 of 20 bytes ends in =",
        urlsafe_b64encode(b64decode(right)).decode(): "in the alphabet of base64url: use + and /",
    }
    return mistakes.get(accept)


def _accept_of(text: str | bytes) -> str:
    data = text.encode("ascii") if isinstance(text, str) else text
    return in_base64(sha1(data, usedforsecurity=False).digest())


def _decoded(key: str) -> bytes:
    """The bytes of the key; none if it is not base64."""
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""
