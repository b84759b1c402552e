r"""Strings of Haskell, with its names for characters that control, -> bytes: "\129\ENQHello"."""

from __future__ import annotations

import re

from .strings import LETTERS
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown

NAMES = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF",
    "VT", "FF", "CR", "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK",
    "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US", "SP",
]  # fmt: skip
"""In their order, from 0 on. DEL is 127."""

NAME = "|".join(sorted([*NAMES, "DEL"], key=len, reverse=True))
"""SOH before SO."""

LITERAL = re.compile(r'"(?P<body>(?:[^"\\]|\\.)*)"', re.DOTALL)
TELLING = re.compile(rf"\\(?:{NAME}|&)")
"""No other language has these escapes."""

ESCAPE = re.compile(
    rf"\\(?:(?P<name>{NAME})|(?P<empty>&|\s+\\)|(?P<number>[0-9]{{1,3}})|x(?P<hex>[0-9A-Fa-f]{{1,2}})"
    r"|(?P<letter>.))|(?P<plain>[^\\]+)|(?P<wrong>\\)",
    re.DOTALL,
)


def recognises(text: str) -> bool:
    return any(TELLING.search(match["body"]) for match in LITERAL.finditer(text))


def read(text: str) -> Pasted:
    """The literals one after another; numbers in them are decimal."""
    literals = list(LITERAL.finditer(text))
    if not literals:
        raise BadPaste(1, "no string in quotes: give the whole literal")
    data = b"".join(value_of(match["body"], line_of(text, match.start())) for match in literals)
    around = LITERAL.sub("", text).strip()
    notes = (f"what is around the quotes is not read: {shown(around)}",) if around else ()
    return Pasted(f"string of Haskell, {counted(len(data), 'byte')}", (Chunk(data),), notes)


def value_of(body: str, line: int) -> bytes:
    return b"".join(value_of_one(match, line) for match in ESCAPE.finditer(body))


def value_of_one(match: re.Match[str], line: int) -> bytes:
    if match["plain"]:
        return match["plain"].encode("utf-8", "surrogateescape")
    if match["empty"]:
        return b""
    if name := match["name"]:
        return bytes([NAMES.index(name) if name in NAMES else 0x7F])
    number = int(match["number"] or match["hex"] or "256", 16 if match["hex"] else 10)
    if number <= 0xFF:
        return bytes([number])
    if match["letter"] in LETTERS:
        return LETTERS[match["letter"]]
    raise BadPaste(line, rf"{match[0]!a} is no escape of a byte: give \0 to \255, or \NUL to \DEL")


# The forms

HASKELL = Way(recognises, read)
