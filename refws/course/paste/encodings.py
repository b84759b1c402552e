"""Bytes in base64 (RFC 4648) and in percent escapes (RFC 3986 §2.1)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode

from .plausible import A_HEADER, NO_FRAME, WHOLE_FRAMES, rate
from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown
from .wrapped import FROM_BASE64, unwrap

DATA_URL = re.compile(r"data:[^,\s]*;base64,")
ALPHABET = re.compile(r"(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}")
IN_LINES = re.compile(r"\S[^\S\n]+\S")
"""White space within a line, which base64 has not."""
NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_=\s-]")
NOT_HEX = re.compile("[^0-9A-Fa-f]")
LONG = 16
"""Characters from which on all kinds of them show that a text is base64."""

KINDS = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9+/=]"))

ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


def recognises_base64(text: str) -> bool:
    """The alphabet of base64, and more than a short word, or hex with a wrong digit."""
    if DATA_URL.match(text.lstrip()):
        return True
    text = unwrap(text, FROM_BASE64)[0]
    if is_several(text):
        return True
    characters = "".join(text.split())
    if len(characters) < 4 or not ALPHABET.fullmatch(characters) or IN_LINES.search(text):
        return False
    if looks_like_hex(characters):
        return rating(characters) != NO_FRAME and NOT_HEX.search(characters) is None
    return is_likely(characters)


def is_several(text: str) -> bool:
    """Whether each line is base64 by itself: there is padding before the end."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return any(line.endswith("=") for line in lines[:-1]) and all(
        ALPHABET.fullmatch(line) and rating(line) != NO_FRAME for line in lines
    )


def is_likely(characters: str) -> bool:
    """Whether this is hardly a word: it is long and mixed, is padded, or means whole frames."""
    if len(characters) >= LONG and all(kind.search(characters) for kind in KINDS):
        return True
    enough = A_HEADER if "=" in characters or len(characters) >= LONG else WHOLE_FRAMES
    return rating(characters) >= enough


def rating(characters: str) -> int:
    try:
        return rate(decode(characters))
    except ValueError:
        return NO_FRAME


def looks_like_hex(characters: str) -> bool:
    """Hex digits, and perhaps one or two that are wrong."""
    letters = re.sub("[-_/]", "", characters)
    wrong = len(NOT_HEX.findall(letters))
    return "=" not in characters and wrong <= min(2, len(letters) // 5)


def read_base64(text: str) -> Pasted:
    """Both alphabets, in lines or in one; the padding may be missing."""
    text, notes = unwrap(text, FROM_BASE64)
    if is_several(text):
        chunks = tuple(Chunk(decode(line.strip())) for line in text.split("\n") if line.strip())
        count = counted(sum(len(chunk.data) for chunk in chunks), "byte")
        return Pasted(f"base64, {len(chunks)} lines, {count}", chunks, tuple(notes))
    url = DATA_URL.match(text.lstrip())
    encoded = text.lstrip()[url.end() :] if url else text
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
    if len(data) in (16, 20) and rate(data) == NO_FRAME:
        what = "Sec-WebSocket-Key" if len(data) == 16 else "Sec-WebSocket-Accept"
        notes.append(f"{len(data)} bytes may be a {what}: python3 -m refws accept")
    missing = -len(characters) % 4
    if missing:
        notes.append(f"the padding is missing ({'=' * missing}): is something cut off?")
    return Pasted(f"base64, {counted(len(data), 'byte')}", (Chunk(data),), tuple(notes))


def decode(characters: str) -> bytes:
    """ValueError if this is not exactly what an encoder writes, with or without padding."""
    standard = characters.translate(str.maketrans("-_", "+/")).rstrip("=")
    padded = standard + "=" * (-len(standard) % 4)
    data = b64decode(padded, validate=True)
    if b64encode(data).decode() != padded or ("=" in characters and len(characters) != len(padded)):
        raise binascii.Error("bits after the last byte")
    return data


# Wireshark's YAML of a stream: the peer and the base64 of each packet

PEER = re.compile(r"\s*peer: (?P<peer>\d+)\s*")
BINARY = re.compile(r"\s*data: !!binary \|\s*")
WORD = re.compile(r"\s*(?P<word>[A-Za-z0-9+/]+={0,2})\s*")


def recognises_yaml(text: str) -> bool:
    return any(map(BINARY.fullmatch, text.splitlines()))


def read_yaml(text: str) -> Pasted:
    """The packets of both peers, in order."""
    spoken: list[tuple[str, bytes]] = []
    peer, inside = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if match := PEER.fullmatch(line):
            peer = match["peer"]
        if BINARY.fullmatch(line):
            inside = True
            spoken.append((peer, b""))
        elif inside and (match := WORD.fullmatch(line)):
            spoken[-1] = (peer, spoken[-1][1] + read_word(match["word"], number))
        else:
            inside = False
    chunks, note = with_senders(spoken)
    count = counted(len(spoken), "packet")
    return Pasted(f"Wireshark's YAML of a stream, {count}", chunks, (note,) if note else ())


def read_word(word: str, number: int) -> bytes:
    """The bytes of a line of base64."""
    try:
        return decode(word)
    except ValueError:
        raise BadPaste(number, f"{shown(word)} is not whole base64: give whole lines") from None


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

YAML = Way(recognises_yaml, read_yaml)
PERCENT = Way(recognises_percent, read_percent)
BASE64 = Way(recognises_base64, read_base64)
