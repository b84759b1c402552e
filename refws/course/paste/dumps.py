"""Hex dumps of all tools: which text is one, of which kind, and what its bytes are.

Wireshark, xxd, hexdump, od, tcpdump, Netty, gdb, PowerShell and browsers differ in the width of the
offset, in its base, in how the bytes are grouped, and in the column of characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from .columns import EXACT, fit
from .dump_context import OTHER_LINES
from .dump_lines import (
    BITS,
    HEX,
    IN_WORDS,
    LONG_WORDS,
    OCTAL,
    OCTAL_WORDS,
    WORDS,
    WORDS_OF_GDB,
    Block,
    Cells,
    Line,
    part_of,
    read_blocks,
    split,
)
from .hex_text import SIGNED
from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, shown

BARE = re.compile(
    r"\s*(?P<bytes>(?:(?:[0-9A-Fa-f]{2} ){8} {3}(?:[0-9A-Fa-f]{2} ){0,7}[0-9A-Fa-f]{2}"  # ngrep
    r"|(?:[0-9A-Fa-f]{2})+(?:(?:\s{1,2}|-)(?:[0-9A-Fa-f]{2})+)*))(?P<column>\s*\|.+|\s+\[.+\]|\s{2,}\S.*)"
)
STREAM = re.compile(r"\t?(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]{1,2}\s*")
USUAL_SIZES = (8, 16, 20, 32)
"""Bytes in a line of a dump."""


# Recognition


def recognises(text: str) -> bool:
    """Offsets that begin with 0, are marked or rise, and bytes, or a column that fits."""
    lines, others = split(text)
    bodies = [line for line in lines if line.has_body]
    if not bodies or len(others) > len(bodies):
        return False
    first, digits = bodies[0], bodies[0].offset.lower().removeprefix("0x")
    if any(has_column(line) for line in bodies):
        return True
    if not first.mark and SIGNED.fullmatch(digits):
        return False
    if not any(cells.cell.match(first.body.lstrip()) for cells in (HEX, OCTAL, OCTAL_WORDS)):
        return len(bodies) > 1 and not digits.strip("0")
    if not digits.strip("0"):
        return len(digits) >= 4 or (first.mark == ":" and len(digits) < 4)
    return (len(digits) > 4 and all(map(is_marked, bodies))) or rises(bodies)


def is_marked(line: Line) -> bool:
    return bool(line.mark) or line.offset.lower().startswith("0x")


def rises(lines: Sequence[Line]) -> bool:
    """Whether an offset follows another by the usual number of bytes of a line."""
    numbers = [int(line.offset, 16) for line in lines]
    enough = len(lines[0].offset.lower().removeprefix("0x")) >= 4
    return enough and any(b - a in USUAL_SIZES for a, b in pairwise(numbers))


def has_column(line: Line) -> bool:
    """Whether the bytes of a line are repeated as characters after a gap, or between bars."""
    match = BARE.fullmatch(line.body)
    if match is None or len(line.offset) < 4:
        return False
    return fit(match["column"], bytes_of(match), False) == EXACT


def recognises_words(text: str) -> bool:
    """What `hexdump` and `od` print without other options: words of 16 bits; or `xxd -e`."""
    return recognises(text) and words_of(text) is not None


def words_of(text: str) -> Cells | None:
    """The words that the dump has; words of 32 bits only if its column shows that they are."""
    lines = split(text)[0]
    if every_cell(text, WORDS_OF_GDB):
        return WORDS_OF_GDB
    if all(len(line.offset) in (6, 7) and not line.mark for line in lines if line.has_body):
        return next((words for words in IN_WORDS if every_cell(text, words)), None)
    return LONG_WORDS if not can_be_read(text, HEX) and can_be_read(text, LONG_WORDS) else None


def can_be_read(text: str, cells: Cells) -> bool:
    try:
        read_blocks(text, cells)
    except BadPaste:
        return False
    return True


def recognises_bits(text: str) -> bool:
    return recognises(text) and every_cell(text, BITS)


def recognises_octal(text: str) -> bool:
    return recognises(text) and every_cell(text, OCTAL)


def every_cell(text: str, cells: Cells) -> bool:
    """Whether each line with bytes begins with a cell of this kind, and has no column or a gap."""
    lines = [line for line in split(text)[0] if line.has_body]
    return all(
        cells.cell.fullmatch(word)
        for line in lines
        for word in re.split(r"\s{2,}", line.body.strip())[0].split()
    )


# Without offsets


def recognises_bare(text: str) -> bool:
    """Bytes and their column of characters in each line, without an offset."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(bare_bytes(line) for line in lines)


def read_bare(text: str) -> Pasted:
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not bare_bytes(line):
            raise BadPaste(number, f"{shown(line)} is not bytes and their column of characters")
    data = b"".join(map(bare_bytes, lines))
    return Pasted(
        f"bytes with a column of characters, {counted(len(lines), 'line')}", (Chunk(data),)
    )


def bare_bytes(line: str) -> bytes:
    """The bytes of a line; none if it has no column that fits."""
    match = BARE.fullmatch(line)
    is_sure = match is not None and fit(match["column"], bytes_of(match), False) == EXACT
    return bytes_of(match) if match and is_sure else b""


def bytes_of(bare: re.Match[str]) -> bytes:
    return bytes.fromhex(bare["bytes"].replace("-", " "))


# Streams without offsets, as `tshark -z follow,tcp,raw` prints them


def recognises_stream(text: str) -> bool:
    """Lines of hex, some of them, from the server, after a tab."""
    lines = [line for line in text.splitlines() if not OTHER_LINES.fullmatch(line)]
    return len({line[:1] == "\t" for line in lines}) == 2 and all(map(STREAM.fullmatch, lines))


def read_stream(text: str) -> Pasted:
    spoken: list[tuple[str, bytes]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if OTHER_LINES.fullmatch(line):
            continue
        if not STREAM.fullmatch(line) or len(line.strip()) % 2:
            raise BadPaste(number, f"{shown(line.strip())} is not bytes in hex: give whole lines")
        spoken.append(("tab" if line[:1] == "\t" else "", bytes.fromhex(line.strip())))
    chunks, note = with_senders(spoken)
    count = counted(len(spoken), "part")
    return Pasted(f"Wireshark's raw stream, {count}", chunks, (note,) if note else ())


# Reading


def read(text: str) -> Pasted:
    return as_pasted(text, read_blocks(text, HEX), tool(text))


def read_words(text: str) -> Pasted:
    words = words_of(text) or WORDS
    pasted = as_pasted(text, read_blocks(text, words), "hex dump of words")
    in_order = "x/16xb" if words is WORDS_OF_GDB else "hexdump -C"
    note = (
        "each word is printed with its last byte first, so the bytes are swapped back; "
        f"{in_order} prints them in order"
    )
    return Pasted(pasted.description, pasted.chunks, (*pasted.notes, note))


def read_bits(text: str) -> Pasted:
    return as_pasted(text, read_blocks(text, BITS), "dump of binary digits")


def read_octal(text: str) -> Pasted:
    return as_pasted(text, read_blocks(text, OCTAL), "octal dump")


def as_pasted(text: str, blocks: Sequence[Block], what: str) -> Pasted:
    chunks, note = with_senders([(block.speaker, block.data) for block in blocks])
    lines = sum(line.has_body for line in split(text)[0])
    notes = [*([note] if note else []), *notes_on_parts(text)]
    first = split(text)[0][0].offset
    if first.lower().removeprefix("0x").strip("0") and len(first) < 9:
        notes.append(f"the first offset is {first}: what is before it is not here")
    return Pasted(f"{what}, {counted(lines, 'line')}", chunks, tuple(notes))


def notes_on_parts(text: str) -> list[str]:
    """What is left out of the packets that Wireshark prints with what it made of them."""
    names = dict.fromkeys(map(part_of, text.splitlines()))
    made = [name for name in names if name not in ("", "Frame")]
    return [f"left out, because it was not sent so: {shown(name)}" for name in made]


def tool(text: str) -> str:
    """The tool that writes dumps of this form."""
    first = next((line for line in split(text)[0] if line.has_body), None)
    if first is None:
        return "hex dump"
    body = first.body.strip()
    if re.match(r"\s*\|", text.splitlines()[first.number - 1]):
        return "Netty hex dump"
    if first.mark == ":":
        if first.offset.lower().startswith("0x"):
            return "tcpdump hex dump" if len(first.offset) == 6 else "memory dump"
        return "xxd hex dump" if len(first.offset) == 8 else "hex dump"
    if body.endswith("|") and len(first.offset) == 8:
        return "hexdump -C"
    if len(first.offset) in (6, 7):
        return "od hex dump"
    return "Wireshark hex dump" if len(first.offset) in (4, 8) else "hex dump"


# The forms

DUMP_OF_BITS = Way(recognises_bits, read_bits)
DUMP_IN_OCTAL = Way(recognises_octal, read_octal)
DUMP_OF_WORDS = Way(recognises_words, read_words)
DUMP = Way(recognises, read)
STREAM_IN_HEX = Way(recognises_stream, read_stream)
COLUMNS = Way(recognises_bare, read_bare)
