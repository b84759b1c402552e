"""Bytes in base64 (RFC 4648) and in percent escapes (RFC 3986 §2.1)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode

from .plausible import NO_FRAME, rate
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown

DATA_URL = re.compile(r"\s*data:[^,\s]*;base64,")
BASE64_TEXT = re.compile(
    r"\s*(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)(?:\s*\n\s*(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+))*={0,2}\s*"
)
NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_=\s-]")
LONG = 16
"""Characters from which on all kinds of them show that a text is base64."""

KINDS = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9+/=]"))

ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


def recognises_base64(text: str) -> bool:
    """The alphabet of base64, and more than a short word, or hex with a wrong digit."""
    if DATA_URL.match(text):
        return True
    characters = "".join(text.split())
    if not BASE64_TEXT.fullmatch(text) or len(characters) < 4:
        return False
    try:
        plausible = rate(decode(characters)) != NO_FRAME
    except ValueError:
        plausible = False
    share = share_of_hex(characters)
    if share >= 0.8:
        return share == 1 and plausible
    return plausible or (len(characters) >= LONG and all(kind.search(characters) for kind in KINDS))


def share_of_hex(characters: str) -> float:
    """The share of hex digits, separators apart; 0 if the padding shows that this is no hex."""
    letters = re.sub("[-_/]", "", characters)
    digits = re.sub("[^0-9A-Fa-f]", "", letters)
    return 0 if "=" in characters else len(digits) / max(len(letters), 1)


def read_base64(text: str) -> Pasted:
    """Both alphabets, in lines or in one; the padding may be missing."""
    encoded = DATA_URL.sub("", text)
    if wrong := NOT_BASE64.search(encoded):
        raise BadPaste(
            line_of(encoded, wrong.start()), f"{wrong[0]!a} is not in the alphabet of base64"
        )
    characters = "".join(encoded.split())
    try:
        data = decode(characters)
    except ValueError:
        raise BadPaste(
            line_of(encoded, len(encoded.rstrip())),
            f"{shown(characters)} is not whole base64, {counted(len(characters), 'character')}: "
            "give all of it, 4 characters for 3 bytes",
        ) from None
    missing = -len(characters) % 4
    notes = (f"the padding is missing ({'=' * missing}): is something cut off?",) if missing else ()
    return Pasted(f"base64, {counted(len(data), 'byte')}", (Chunk(data),), notes)


def decode(characters: str) -> bytes:
    """ValueError if this is not exactly what an encoder writes, with or without padding."""
    standard = characters.translate(str.maketrans("-_", "+/")).rstrip("=")
    padded = standard + "=" * (-len(standard) % 4)
    data = b64decode(padded, validate=True)
    if b64encode(data).decode() != padded or ("=" in characters and len(characters) != len(padded)):
        raise binascii.Error("bits after the last byte")
    return data


def recognises_percent(text: str) -> bool:
    return (
        re.match(r"\s*%[0-9A-Fa-f]{2}", text) is not None and re.search(r"\s", text.strip()) is None
    )


def read_percent(text: str) -> Pasted:
    text = text.strip()
    data, position = b"", 0
    while position < len(text):
        if text[position] == "%":
            if not ESCAPED.match(text, position):
                seen = shown(text[position : position + 3])
                raise BadPaste(1, f"{seen} is no percent escape: give % and two hex digits")
            data += bytes.fromhex(text[position + 1 : position + 3])
            position += 3
        else:
            data += text[position].encode()
            position += 1
    notes = ("+ is taken as itself; in the data of a form it is a space",) if "+" in text else ()
    return Pasted(f"percent escapes, {counted(len(data), 'byte')}", (Chunk(data),), notes)


# The forms

PERCENT = Way(recognises_percent, read_percent)
BASE64 = Way(recognises_base64, read_base64)
