"""RFC 6455 §4.2.2 item 5.4: a wrong Sec-WebSocket-Accept -> the well-known mistake that makes it.

New servers often compute this value in one of a few wrong ways. Each way gives a value that can be
computed here, too, and so be recognised.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import md5, sha1, sha256, sha512

from ..handshake import GUID, accept_key, in_base64
from ..http import ascii_lower

ACCEPT_OF_EXAMPLE = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The value of §1.3 and §4.2.2, which is right for one key only."""


def find_mistake(key: str, accept: str) -> str | None:
    """The mistake that makes this wrong `accept` from `key`, with its remedy; None if unknown.

    The key may be any ASCII text, because `python -m refws accept` takes any.
    """
    right = accept_key(key)
    if accept.strip(' \t\r\n"') == right != accept:
        return "with something around it: send the value alone"
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
        _accept_of(f"{key}\r{GUID}"): "made of the key with the CR of its line end: trim it",
        _accept_of(f"{key}\r\n{GUID}"): "made of the key with its line end: trim it",
        _accept_of(f"{key}{GUID}\n"): "made with a line end after the GUID: leave it out",
        _accept_of(f"{key}{GUID}\r\n"): "made with a line end after the GUID: leave it out",
        _accept_of(f"{key}{GUID}\0"): "made with a NUL after the GUID: leave it out",
        _accept_of(f"{key}\0{GUID}"): "made with a NUL after the key: leave it out",
        _accept_of(f"{key} {GUID}"): "made with a space before the GUID: leave it out",
        _accept_of(f'"{key}"{GUID}'): "made of the key in quotation marks: leave them out",
        _accept_of(key.rstrip("=") + GUID): (
            "made of the key without its ==: take all 24 characters"
        ),
        _accept_of(key.lower() + GUID): "made of the key in lower case: take it as it is",
        _accept_of(key + GUID.replace("-", "")): "made with the GUID without its dashes: keep them",
        _accept_of(f"{key}{{{GUID}}}"): "made with the GUID in braces: leave them out",
        hexadecimal: "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        hexadecimal.upper(): "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        in_base64(hexadecimal.encode()): (
            "made of the SHA-1 in hexadecimal: put its 20 bytes in base64"
        ),
        in_base64(hexadecimal.upper().encode()): (
            "made of the SHA-1 in hexadecimal: put its 20 bytes in base64"
        ),
        in_base64(right.encode()): "in base64 twice: put the 20 bytes of the SHA-1 in it once",
        ACCEPT_OF_EXAMPLE: "which is the value of the example in §1.3: compute it for each key",
        right.rstrip("="): "without its padding: base64 of 20 bytes ends in =",
        urlsafe_b64encode(b64decode(right)).decode(): "in the alphabet of base64url: use + and /",
    }
    return mistakes.get(accept) or next(_other_mistakes(key, accept), None)


def _other_mistakes(key: str, accept: str) -> Iterator[str]:
    """Other hashes, other texts in place of the key, and a GUID with a mistake in it."""
    text = (key + GUID).encode()
    for name, other_hash in (("SHA-256", sha256), ("SHA-512", sha512), ("MD5", md5)):
        digest = other_hash(text, usedforsecurity=False).digest()
        if accept in (in_base64(digest), digest.hex(), digest.hex().upper()):
            yield f"made with {name}: take SHA-1"
    for name in ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key:"):
        for end in ("", "\r", "\n", "\r\n"):
            if accept == _accept_of(f"{name}{key}{end}{GUID}"):
                yield "made of the whole line: take only the value after the colon and the space"
    for missing in ("", "undefined", "null", "None", "nil"):
        if accept == _accept_of(missing + GUID):
            what = f"the word {missing}" if missing else "no key"
            yield (
                f"made of {what}: the program did not find the header; its name may be in any case"
            )
    for wrong, what in _wrong_guids():
        if accept == _accept_of(key + wrong):
            yield f"made with a GUID {what}: it is {GUID}"


def _wrong_guids() -> Iterator[tuple[str, str]]:
    """The GUID with one letter missing, twice, wrong, or exchanged with the next one."""
    for i, letter in enumerate(GUID):
        before, after = GUID[:i], GUID[i + 1 :]
        group = GUID.split("-")[before.count("-")]
        yield before + after, f"that lacks the {letter} of {group}"
        yield before + letter + letter + after, f"with a second {letter} in {group}"
        yield (
            before + after[:1] + letter + after[1:],
            f"with {letter}{after[:1]} the wrong way round",
        )
        for other in "0123456789ABCDEF":
            yield before + other + after, f"with {other} in place of the {letter} of {group}"


def _accept_of(text: str | bytes) -> str:
    data = text.encode("ascii") if isinstance(text, str) else text
    return in_base64(sha1(data, usedforsecurity=False).digest())


def _decoded(key: str) -> bytes:
    """The bytes of the key; none if it is not base64."""
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""
