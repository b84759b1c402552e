"""RFC 6455 §4.2.2 item 5.4: a wrong Sec-WebSocket-Accept -> the well-known mistake that makes it.

New servers often compute this value in one of a few wrong ways: another text is hashed, with
another hash, or the digest is written in another way. So the value is read back in each way that a
digest may be written, and compared with the hashes of the wrong texts.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections.abc import Iterator
from hashlib import md5, sha1, sha224, sha256, sha384, sha512
from itertools import product
from urllib.parse import unquote

from ..handshake import GUID, accept_key, in_base64
from ..http import ascii_lower

ACCEPT_OF_EXAMPLE = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The value of §1.3 and §4.2.2, which is right for one key only."""

HASHES = {
    20: ("SHA-1", sha1),
    16: ("MD5", md5),
    28: ("SHA-224", sha224),
    32: ("SHA-256", sha256),
    48: ("SHA-384", sha384),
    64: ("SHA-512", sha512),
}
"""A size of a digest in bytes -> the hash that makes it."""

SHA_1_SIZE = 20

NUMBERS = re.compile(r"\[?-?[0-9]{1,3}(?:[\s,]+-?[0-9]{1,3}){15,63}\]?")
AROUND = " \t\r\n\"'"
MIN_PART = 12
"""Characters of a value that is cut off from which on it is recognised."""

NOTHING = (
    "", "undefined", "null", "None", "nil", "False", "false", "(null)", "0", "1", "True", "true",
    "Array", "Object", "[object Object]", "Nothing", "NULL", "NaN",
)  # fmt: skip
"""What languages make of a value that is missing, or is no text."""

SPACES = ("", " ", "\t", "\r", "\n", "\r\n")

LINE_ENDS = {"\r\n": "its line end", "\n": "a line end", "\r": "the CR of its line end"}


def find_mistake(key: str, accept: str) -> str | None:
    """The mistake that makes this wrong `accept` from `key`, with its remedy; None if unknown.

    The key may be any text, because `python -m refws accept` takes any.
    """
    right = accept_key(key)
    if accept == right:
        return None
    if accept.strip(AROUND) == right:
        return "with something around it: send the value alone"
    if re.fullmatch(rf"""b(["']){re.escape(right)}\1""", accept):
        return "in the repr of bytes, b'...': decode them"
    if right in (_bare(accept), _bare(accept).replace(" ", "+")):
        return "in the writing of a URL, of HTML or in lines: send it as it is, in one line"
    if ascii_lower(accept) == ascii_lower(right):
        return "in another case: base64 tells upper case from lower"
    if accept in (key, GUID, key + GUID):
        what = {key: "the key itself", GUID: "the GUID itself"}.get(accept, "the key and the GUID")
        return f"which is {what}: take the SHA-1 of both together"
    if _from_base64(accept) == (key + GUID).encode("utf-8", "replace"):
        return "of the key and the GUID themselves: put the SHA-1 of both in base64"
    if accept == ACCEPT_OF_EXAMPLE:
        return "which is the value of the example in §1.3: compute it for each key"
    digest = b64decode(right)
    return (
        next(_ways_to_get(key, accept), None)
        or _hashed_again(key, digest, accept)
        or _lossy(digest, accept)
        or _part_of(right, digest, accept)
    )


def _bare(accept: str) -> str:
    """The value without escapes of URLs and HTML, quotation marks and line ends."""
    text = re.sub(r"&#(?:43|[xX]2[bB]);|&plus;", "+", unquote(accept))
    return re.sub(r"[\r\n]+\s*", "", text.strip(AROUND))


# The value read back


def _ways_to_get(key: str, accept: str) -> Iterator[str]:
    """What is wrong with the text, the hash and the writing, for each way that gives `accept`."""
    for digest, writing in _digests(accept):
        name, hash_of = HASHES.get(len(digest), ("", None))
        if hash_of is None:
            continue
        other_hash = "" if name == "SHA-1" else f"made with {name}: take SHA-1"
        for text, what in _texts(key):
            if hash_of(text, usedforsecurity=False).digest() == digest:
                found = [part for part in (what, other_hash, writing) if part]
                if found:
                    yield "; also ".join(found)


def _digests(accept: str) -> Iterator[tuple[bytes, str]]:
    """What the value may be a writing of, and what is wrong with this writing."""
    text = "".join(_bare(accept).split())
    if data := _from_base64(text):
        yield data, _how_in_base64(text)
        yield data[::-1], "with its bytes in reverse order: put the digest in base64 as it is"
        yield _words_swapped(data), "with the bytes of each word in reverse order: keep their order"
        yield (
            data.rstrip(b"\0\r\n"),
            "with a byte after the digest: put only its 20 bytes in base64",
        )
        for inner, writing in _in_hex(data):
            yield inner, f"made of {writing}"
        yield from _in_base64_again(data)
        yield from _in_utf_8(data)
    for inner, writing in _in_hex(text.encode("utf-8", "replace")):
        yield inner, f"which is {writing}"
    if NUMBERS.fullmatch(accept):
        numbers = bytes(int(number) & 0xFF for number in re.findall("-?[0-9]+", accept))
        yield numbers, "which is the digest as numbers: put its bytes in base64"


def _from_base64(text: str) -> bytes:
    """The bytes; none if it is not base64, of either alphabet, with or without its padding."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        return b""


def _how_in_base64(text: str) -> str:
    url = "in the alphabet of base64url: use + and /" if re.search("[-_]", text) else ""
    padded = len(text) % 4 == 0
    padding = "" if padded else "without its padding: base64 of 20 bytes ends in ="
    return "; also ".join(filter(None, (url, padding)))


def _in_hex(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Hex digits, with anything between the pairs, and what `sha1sum` prints after them."""
    text = re.sub(r"\s+-\s*$", "", data.decode("latin-1")).strip(AROUND)
    digits = re.sub(r"0x|\\x|[\s:,-]", "", text)
    if re.fullmatch("(?:[0-9A-Fa-f]{2})+", digits):
        digest = bytes.fromhex(digits)
        name = HASHES[len(digest)][0] if len(digest) in HASHES else "digest"
        yield digest, f"the {name} in hexadecimal: put its {len(digest)} bytes in base64"


def _in_base64_again(data: bytes) -> Iterator[tuple[bytes, str]]:
    if inner := _from_base64(data.decode("latin-1").strip()):
        yield inner, "in base64 twice: put the 20 bytes of the SHA-1 in it once"


def _in_utf_8(data: bytes) -> Iterator[tuple[bytes, str]]:
    try:
        inner = data.decode().encode("latin-1")
    except UnicodeError:
        return
    yield inner, "of a digest that was written as text, in UTF-8: put its 20 bytes in base64"


def _words_swapped(data: bytes) -> bytes:
    return b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))


def _hashed_again(key: str, digest: bytes, accept: str) -> str | None:
    """A hash of the hash, or one with a key of its own."""
    data = _from_base64(accept)
    for again in (digest, digest.hex().encode(), in_base64(digest).encode()):
        if data == sha1(again, usedforsecurity=False).digest():
            return "of the SHA-1 hashed once more: put the SHA-1 of the key and the GUID in base64"
    text, guid = key.encode("utf-8", "replace"), GUID.encode()
    if data in (hmac.digest(text, guid, "sha1"), hmac.digest(guid, text, "sha1")):
        return "made with HMAC: take the SHA-1 of the key and the GUID, one after the other"
    return None


def _lossy(digest: bytes, accept: str) -> str | None:
    """A digest that was taken for text, so that bytes of it are lost."""
    as_utf_8 = digest.decode(errors="replace").encode()
    as_ascii = bytes(byte if byte < 0x80 else ord("?") for byte in digest)
    if accept in (in_base64(as_utf_8), in_base64(as_ascii)):
        return "of a digest that was taken for text, so bytes are lost: put its 20 bytes in base64"
    return None


def _part_of(right: str, digest: bytes, accept: str) -> str | None:
    if len(accept) < MIN_PART:
        return None
    if right.startswith(accept):
        return "cut off: it has 28 characters"
    data = _from_base64(accept)
    if data and len(data) < SHA_1_SIZE and digest.startswith(data):
        return f"of the first {len(data)} bytes of the SHA-1: take all 20"
    return None


# The text that is hashed


def _texts(key: str) -> Iterator[tuple[bytes, str]]:
    """The right text and the wrong ones, the likeliest first, and what is wrong with each."""
    wrong = (*_wrong_keys(key), *_wrong_ends(key), *_wrong_guids(key), *_not_trimmed(key))
    for text, what in wrong:
        yield text.encode("utf-8", "replace"), what
    yield _decoded(key) + GUID.encode(), "made of the decoded key: take it as the text that it is"
    yield _decoded(key), "made of the decoded key without the GUID: take the key as text, and both"
    guid = bytes.fromhex(GUID.replace("-", ""))
    yield key.encode("utf-8", "replace") + guid, "made of the GUID as 16 bytes: take it as text"
    yield _decoded(key) + guid, "made of the decoded key and the GUID as bytes: take both as text"
    for name in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be"):
        yield (
            (key + GUID).encode(name, "replace"),
            f"made of text in {name[:6].upper()}: encode it as ASCII, a byte for each character",
        )


def _wrong_keys(key: str) -> Iterator[tuple[str, str]]:
    yield key + GUID, ""
    yield key, "made without the GUID: append it to the key"
    yield GUID + key, "made with the GUID before the key: append it"
    yield f" {key}{GUID}", "made of the key with the space before it: trim it"
    for end, what in LINE_ENDS.items():
        yield f"{key}{end}{GUID}", f"made of the key with {what}: trim it"
        yield f" {key}{end}{GUID}", f"made of the key with a space and {what}: trim it"
        yield f"{key}{end}", f"made of the key with {what}, and without the GUID"
    yield f"{key}\r\n\r\n{GUID}", "made of the key with the end of the head: trim it"
    yield f"{key}\0{GUID}", "made with a NUL after the key: leave it out"
    yield f"{key} {GUID}", "made with a space before the GUID: leave it out"
    for quote in "\"'":
        yield f"{quote}{key}{quote}{GUID}", "made of the key in quotation marks: leave them out"
    for reprs in (f"b'{key}'{GUID}", f"b'{key}'b'{GUID}'"):
        yield reprs, "made of the repr of bytes, b'...': decode them"
    yield f"['{key}']{GUID}", "made of a list, ['...']: take the value in it"
    for comma in (", ", ","):
        yield f"{key}{comma}{key}{GUID}", "made of two headers joined by a comma: the key is one"
    yield f"\ufeff{key}{GUID}", "made with a byte order mark in front: leave it out"
    yield key.rstrip("=") + GUID, "made of the key without its ==: take all 24 characters"
    yield key[:-1] + GUID, f"made of the first {len(key) - 1} characters of the key: take all"
    yield key.lower() + GUID, "made of the key in lower case: take it as it is"
    yield key.upper() + GUID, "made of the key in upper case: take it as it is"
    yield key.replace("=", "%3D") + GUID, "made of the key in percent escapes: take it as it is"
    yield key + key + GUID, "made of the key twice: take it once"
    yield _decoded(key).hex() + GUID, "made of the key in hexadecimal: take it as the text it is"
    yield (
        in_base64((key + GUID).encode("utf-8", "replace")),
        ("made of the text in base64: take the SHA-1 of the text, and put that in base64"),
    )
    for line in ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key:", "sec-websocket-key: ", ": ", ":"):
        for end in ("", *LINE_ENDS):
            yield (
                f"{line}{key}{end}{GUID}",
                ("made of the whole line: take only the value after the colon and the space"),
            )
    for missing in NOTHING:
        what = f"the word {missing}" if missing else "no key"
        yield (
            missing + GUID,
            (f"made of {what}: the program did not find the header; its name may be in any case"),
        )


def _wrong_ends(key: str) -> Iterator[tuple[str, str]]:
    for end in LINE_ENDS:
        yield f"{key}{GUID}{end}", "made with a line end after the GUID: leave it out"
    yield f"{key}{GUID}\0", "made with a NUL after the GUID: leave it out"
    yield f"{key}{GUID} ", "made with a space after the GUID: leave it out"
    yield f"{key}{GUID}{GUID}", "made with the GUID twice: append it once"
    yield "", "made of an empty text: take the key and the GUID"


def _not_trimmed(key: str) -> Iterator[tuple[str, str]]:
    """White space around the key and the GUID in all combinations."""
    for before, between, after in product(SPACES, repeat=3):
        for guid, also in ((GUID, ""), (GUID.lower(), "; also the GUID in lower case")):
            yield (
                f"{before}{key}{between}{guid}{after}",
                f"made with spaces or line ends around the key or the GUID: leave them out{also}",
            )


def _wrong_guids(key: str) -> Iterator[tuple[str, str]]:
    """The GUID in another writing; and with one letter missing, twice, wrong, or exchanged."""
    bare = GUID.replace("-", "")
    yield key + GUID.lower(), "made with the GUID in lower case: it is in upper case"
    yield key + bare, "made with the GUID without its dashes: keep them"
    yield key + bare.lower(), "made with the GUID in lower case and without its dashes: keep both"
    yield f"{key}{{{GUID}}}", "made with the GUID in braces: leave them out"
    yield f"{key}{{{GUID.lower()}}}", "made with the GUID in braces and in lower case: as it is"
    yield f'{key}"{GUID}"', "made with the GUID in quotation marks: leave them out"
    for wrong, what in _slips():
        yield key + wrong, f"made with a GUID {what}: it is {GUID}"


def _slips() -> Iterator[tuple[str, str]]:
    for i, letter in enumerate(GUID):
        before, after = GUID[:i], GUID[i + 1 :]
        group = GUID.split("-")[before.count("-")]
        yield before + after, f"that lacks the {letter} of {group}"
        yield before + letter + letter + after, f"with a second {letter} in {group}"
        yield (
            before + after[:1] + letter + after[1:],
            f"with {letter}{after[:1]} the wrong way round",
        )
        for other in f"0123456789ABCDEFOIl{letter.lower()}":
            yield before + other + after, f"with {other} in place of the {letter} of {group}"


def _decoded(key: str) -> bytes:
    """The bytes of the key; none if it is not base64."""
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""
