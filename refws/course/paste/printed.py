"""Bytes as programs print them: Node, JSON, Foundation, Okio, PHP and debuggers."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from .numbers import DOTS, to_bytes, value_of
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown

# Node


BUFFER_TEXT = re.compile(
    r"<(?:Slow)?Buffer(?P<bytes>[^<>]*)>|\[Uint8Contents\]: <(?P<contents>[^<>]*)>"
)
MORE_BYTES = re.compile(rf"(?:{DOTS})\s*(?P<count>[0-9]+) more bytes?\s*$")


def recognises_buffer(text: str) -> bool:
    return re.search(r"<(?:Slow)?Buffer\b|\[Uint8Contents\]: <", text) is not None


def read_buffer(text: str) -> Pasted:
    """What Node prints for a Buffer; several in a row are one chunk each."""
    chunks, cut_off = [], ""
    for match in BUFFER_TEXT.finditer(text):
        if cut_off:
            raise BadPaste(
                line_of(text, match.start()), "a Buffer after one that is cut off: give them apart"
            )
        digits = match["bytes"] or match["contents"] or ""
        if more := MORE_BYTES.search(digits):
            digits, cut_off = digits[: more.start()], f"{more['count']} more bytes"
        chunks.append(Chunk(read_pairs(digits, line_of(text, match.start()))))
    opened = len(re.findall(r"<(?:Slow)?Buffer\b|\[Uint8Contents\]: <", text))
    if opened != len(chunks):
        last = text.rindex("<")
        raise BadPaste(
            line_of(text, last),
            "a Buffer that is cut off: end it with >, after its last whole byte",
        )
    rest = re.sub(r"[\s\d,:;{}\[\]()]", "", BUFFER_TEXT.sub("", text))
    notes = (f"what is around it is not read: {shown(rest)}",) if rest else ()
    count = sum(len(chunk.data) for chunk in chunks)
    missing = f"the text leaves out {cut_off}" if cut_off else ""
    return Pasted(f"Node's <Buffer>, {counted(count, 'byte')}", tuple(chunks), notes, missing)


def read_pairs(text: str, line: int) -> bytes:
    """Bytes of two digits each, with spaces between."""
    for word in text.split():
        if not re.fullmatch("[0-9A-Fa-f]{2}", word):
            raise BadPaste(line, f"{shown(word)} is no byte of a Buffer: give two hex digits")
    return bytes.fromhex(text)


DATA_TEXT = re.compile(
    r"\{\s*length = (?P<length>[0-9]+), bytes = 0x(?P<bytes>[0-9A-Fa-f ]+?)"
    r"(?P<dots>\s*(?:\.{3}|…).*)?\s*\}"
)
BYTE_STRING = re.compile(
    r"\[(?:size=(?P<length>[0-9]+) )?hex=(?P<bytes>[0-9A-Fa-f]*)(?P<dots>…|\.{3})?\]"
)


def recognises_data(text: str) -> bool:
    return (
        re.match(r"\s*(?:\{\s*length = [0-9]+, bytes = |\[(?:size=[0-9]+ )?hex=)", text) is not None
    )


def read_data(text: str) -> Pasted:
    """{length = 2, bytes = 0x8105} of Foundation, [size=2 hex=8105] of Okio."""
    match = DATA_TEXT.fullmatch(text.strip()) or BYTE_STRING.fullmatch(text.strip())
    digits = match["bytes"].replace(" ", "") if match else ""
    if match is None or len(digits) % 2:
        raise BadPaste(1, "no whole {length = 2, bytes = 0x8105} or [hex=8105]: give it to its end")
    data = bytes.fromhex(digits)
    length = int(match["length"] or len(data))
    if not match["dots"] and len(data) != length:
        raise BadPaste(1, f"{counted(len(data), 'byte')}, and the length says {length}: give all")
    missing = f"the text leaves out {counted(length - len(data), 'byte')}" if match["dots"] else ""
    return Pasted(
        f"data with its length, {counted(len(data), 'byte')}", (Chunk(data),), (), missing
    )


# Numbers with their indexes, as consoles and PHP print them


INDEXED = re.compile(
    r"(?:- )?(?P<quote>'?)\[?(?<!\d)(?P<index>\d{1,9})\]?(?P=quote)\s{0,9}(?::|=>|=|\t)\s*"
    r"(?:int\(|\{byte\} )?(?P<number>-?(?:0x[0-9A-Fa-f]+|\d+))\)?(?: '[^'\n]*')?(?:\tbyte)?[\s,;]*"
)
"""0: 129, [0] => 129, '0': 129; 0 = -127 of IntelliJ, [0]	129	byte of Visual Studio, - 0 : 129"""

AROUND_INDEXED = re.compile(
    r"\s*(?:(?:Array|array\(\d+\)|Uint8Array\(\d+\)|\{byte\[\d+\]\}|\u25bf \d+ \w+)\s*)?[\[({]?\s*"
    r"|[\])}\s;]*"
)


def recognises_indexed(text: str) -> bool:
    found = list(INDEXED.finditer(text))
    rest = INDEXED.sub("\0", text).split("\0")
    first = found[0]["index"] if found else ""
    around = (piece.strip() for piece in rest)
    return len(found) > 1 and first in ("0", "1") and all(map(AROUND_INDEXED.fullmatch, around))


def read_indexed(text: str) -> Pasted:
    """0: 129, 1: 5 or [0] => 129, [1] => 5: the indexes must follow each other."""
    found = list(INDEXED.finditer(text))
    for before, match in pairwise(found):
        if int(match["index"]) != int(before["index"]) + 1:
            line = line_of(text, match.start())
            raise BadPaste(
                line, f"index {match['index']} after {before['index']}: give all numbers"
            )
    data = to_bytes([(value_of(match["number"]), match.start()) for match in found], text)
    return Pasted(f"numbers with indexes, {counted(len(data), 'byte')}", (Chunk(data),))


def recognises_json(text: str) -> bool:
    return (
        re.match(r'\s*\{\s*"(?:type"\s*:\s*"Buffer"|data"\s*:\s*\[|0"\s*:\s*[0-9])', text)
        is not None
    )


def read_json(text: str) -> Pasted:
    """`JSON.stringify` of a Buffer, {"type": "Buffer", "data": [...]}, or of a Uint8Array."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadPaste(line, f"no JSON ({error}): give the whole object") from None
    numbers = numbers_of(value) if isinstance(value, dict) else value
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise BadPaste(1, 'its bytes are not whole numbers: give {"type": "Buffer", "data": [129]}')
    data = to_bytes([(number, 0) for number in numbers], text)
    return Pasted(f"JSON of a Buffer, {counted(len(data), 'byte')}", (Chunk(data),))


def numbers_of(value: dict[str, object]) -> object:
    """What an object has as its data, or under the names "0", "1", "2" and so on."""
    if "data" in value:
        return value["data"]
    if list(value) != [str(index) for index in range(len(value))]:
        raise BadPaste(1, 'the names are not "0", "1", "2" and so on: give the whole object')
    return list(value.values())


# The forms

BUFFER = Way(recognises_buffer, read_buffer)
JSON = Way(recognises_json, read_json)
DATA = Way(recognises_data, read_data)
INDEXED_NUMBERS = Way(recognises_indexed, read_indexed)
