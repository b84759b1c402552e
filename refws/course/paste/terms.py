r"""Strings that are put together of characters by their numbers -> bytes.

chr(129) . chr(5) . "Hello" of PHP and Python, Chr(&H81) & "Hello" of Visual Basic, #$81#5'Hello'
of Pascal; and \81\05Hello, with hex digits, as LabVIEW and Packet Sender show a string.
"""

from __future__ import annotations

import re

from .numbers import to_bytes, value_of
from .strings import unescape
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown

NUMBER = r"(?:0[xX][0-9A-Fa-f]+|&[hH][0-9A-Fa-f]+|\$[0-9A-Fa-f]{1,2}|[0-9]{1,3})"
CALL = rf"(?:String\.fromCharCode|[cC]hr[BW]?|CHR|char)\(\s*(?P<number>{NUMBER})\s*\)"
CHARACTER = rf"#(?P<character>{NUMBER})"
LITERAL = r"(?P<quote>[\"'])(?P<body>(?:[^\\\n]|\\.)*?)(?P=quote)"
TERM = re.compile(rf"\s*(?:{CALL}|{CHARACTER}|{LITERAL})\s*(?P<join>[.+&]?)\s*", re.DOTALL)
ASSIGNED = re.compile(r"\s*(?:(?:\w+ ){0,3}\$?\w+\s*:?=\s*)?")
START = re.compile(rf"{ASSIGNED.pattern}(?:[cC]hr[BW]?\(|CHR\(|String\.fromCharCode\(|#{NUMBER})")
CALL_OF_OTHERS = re.compile(r"[^.+&\n]{1,60}")

HEX_ESCAPE = re.compile(r"\\(?P<hex>[0-9A-Fa-f]{2})|\\(?P<letter>[nrtsbf\\])|(?P<plain>[^\\]+)")
HEX_ESCAPES = re.compile(
    r"""\s*(?P<quote>["']?)(?P<body>\\[0-9A-Fa-f]{2}(?:[^\\"']|\\[0-9A-Fa-f]{2}|\\[nrtsbf\\])*)(?P=quote)\s*"""
)
LETTERS = {"n": 10, "r": 13, "t": 9, "s": 32, "b": 8, "f": 12, "\\": 92}


def recognises(text: str) -> bool:
    return START.match(text) is not None


def read(text: str) -> Pasted:
    """The characters one after another, joined by . or + or &, or by nothing."""
    start = ASSIGNED.match(text)
    position, end = start.end() if start else 0, len(text.rstrip(" \t\r\n;"))
    data = b""
    while position < end:
        line, match = line_of(text, position), TERM.match(text, position, end)
        if match is None:
            other = CALL_OF_OTHERS.match(text, position, end)
            seen = shown((other[0] if other else text[position:end]).strip())
            raise BadPaste(line, f"{seen} is no number and no string: give its value")
        if number := match["number"] or match["character"]:
            data += to_bytes([(value_of(number), 0)], "", line)
        else:
            data += unescape(match["body"], line, False, [])
        position = match.end()
    return Pasted(f"string of characters, {counted(len(data), 'byte')}", (Chunk(data),))


def recognises_hex_escapes(text: str) -> bool:
    """Escapes of two hex digits, some of them without a third digit, which octal ones have."""
    return (
        HEX_ESCAPES.fullmatch(text) is not None
        and re.search(r"\\[0-9A-Fa-f]{2}(?![0-9])", text) is not None
    )


def read_hex_escapes(text: str) -> Pasted:
    found = HEX_ESCAPES.fullmatch(text.rstrip("\r\n"))
    if found is None:
        raise BadPaste(1, r"not all escapes are a backslash and two hex digits, such as \81\05")
    data = b""
    for match in HEX_ESCAPE.finditer(found["body"]):
        if match["hex"]:
            data += bytes.fromhex(match["hex"])
        else:
            data += match["plain"].encode() if match["plain"] else bytes([LETTERS[match["letter"]]])
    count = counted(len(data), "byte")
    return Pasted(f"hex escapes as in LabVIEW, {count}", (Chunk(data),))


# The forms

TERMS = Way(recognises, read)
HEX_ESCAPED = Way(recognises_hex_escapes, read_hex_escapes)
