"""Numbers with their indexes, as consoles, debuggers and PHP print an array -> bytes."""

from __future__ import annotations

import re
from itertools import pairwise

from .numbers import to_bytes, value_of
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown

ITEM = re.compile(
    r"(?:- |[A-Za-z_]\w{0,30}(?=\[))?(?P<quote>'?)\[?(?<!\d)(?P<index>0x[0-9A-Fa-f]{8}|\d{1,9})\]?"
    r"(?P=quote)\s{0,9}(?::|=>|=|\t)\s*(?:int\(|\{byte\} )?"
    r"(?P<number>-?(?:0x[0-9A-Fa-f]+|\d+)|'[^'\\\n]')\)?(?: '[^'\n]*')?(?:\tbyte)?[\s,;]*"
)
"""0: 129, [0] => 129, '0': 129, frame[0] = 129; 0 = -127 of IntelliJ; [0]: 0x81 of Visual Studio,
also with tabs and its type; - 0 : 129 of Swift
"""

BEFORE = re.compile(r"\s*(?:[^\n]{0,200}\n\s*|(?:Array|array\(\d+\))\s*)?[\[({]?\s*")
NAMES_THEM = re.compile(r"[\w\s=\[\](){}\u25bf:]*")
PROPERTY = (
    r"(?:buffer|byteLength|byteOffset|length|Symbol\(.*\)|\[\[Prototype\]\]|<prototype>|__proto__)"
    r": .*\s*"
)
AFTER = re.compile(rf"[\])}}\s;]*(?:{PROPERTY})*")
"""The other properties of an Uint8Array, as Chrome and Firefox list them after its numbers."""


HEX_ITEM = re.compile(
    r"(?P<quote>'?)\[?(?<!\d)(?P<index>\d{1,9})\]?(?P=quote)\s{0,9}=>\s*(?:string\(\d+\) )?"
    r"(?P<mark>[\"']?)(?P<hex>(?:[0-9A-Fa-f]{2})+)(?P=mark)[\s,;]*"
)
"""[0] => 81 of str_split, [1] => 8105 of unpack("H*")."""

PAIR = re.compile(r"[(\[]\s*(?P<index>\d{1,9})\s*,\s*(?P<number>-?\d+)\s*[)\]][\s,]*")
"""(0, 129), (1, 5) of enumerate."""


def item_of(text: str) -> re.Pattern[str]:
    """How the text writes a number with its index."""
    found = list(HEX_ITEM.finditer(text))
    if found and any(re.search("[A-Fa-f]", match["hex"]) for match in found):
        return HEX_ITEM
    return PAIR if re.match(r"\s*\[\s*[(\[]\s*0\s*,", text) else ITEM


def recognises(text: str) -> bool:
    found, (before, *between, after) = parts_of(text)
    is_list = len(found) > 1 or (bool(found) and found[0].re is HEX_ITEM)
    return (
        is_list
        and index_of(found[0]) in (0, 1)
        and BEFORE.fullmatch(before) is not None
        and not "".join(between).strip(" \t\n\r)]}")
        and AFTER.fullmatch(after) is not None
    )


def parts_of(text: str) -> tuple[list[re.Match[str]], list[str]]:
    """The numbers with their indexes, and what is before, between and after them."""
    found = list(item_of(text).finditer(text))
    # The first line may have numbers of its own, such as [ 129, 5 ] of Firefox, without indexes.
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(text)]
    pieces = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    return found, pieces if found else [text, ""]


def index_of(match: re.Match[str]) -> int:
    return int(match["index"], 16 if match["index"].startswith("0x") else 10)


def read(text: str) -> Pasted:
    """0: 129, 1: 5 or [0] => 129, [1] => 5: the indexes must follow each other."""
    found, (first, *_) = parts_of(text)
    notes = () if NAMES_THEM.fullmatch(first) else (f"left out: {shown(first.strip())}",)
    for before, match in pairwise(found):
        if index_of(match) != index_of(before) + 1:
            line = line_of(text, match.start())
            raise BadPaste(
                line, f"index {match['index']} after {before['index']}: give all numbers"
            )
    if found and found[0].re is HEX_ITEM:
        data = b"".join(bytes.fromhex(match["hex"]) for match in found)
    else:
        data = to_bytes([(value_of(match["number"]), match.start()) for match in found], text)
    return Pasted(f"numbers with indexes, {counted(len(data), 'byte')}", (Chunk(data),), notes)


# The forms

INDEXED = Way(recognises, read)
