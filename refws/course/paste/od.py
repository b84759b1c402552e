r"""Dumps of characters or decimal numbers: od -c, hexdump -c, od -t u1, od -t d1, x/8ub of gdb.

0000000 201 005   H   e   l   l   o
0000000 -127    5   72  101  108  108  111
0000007
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .values import BadPaste, Chunk, Pasted, Way, counted, shown

CHARACTER = r"(?: [0-3][0-7]{2}|  \\[0abfnrtv]|   [^\n]|  \*\*)"
DECIMAL = r"(?: (?:  [0-9]| [0-9]{2}|[0-9]{3}))"
SIGNED = r"(?: (?:   [0-9]|  [-0-9][0-9]| [-0-9][0-9]{2}|-[0-9]{3}))"
OF_GDB = r"(?:\t-?[0-9]{1,3})"
OFFSET = r"(?:(?P<offset>[0-9A-Fa-f]{6,8})|(?P<address>0x[0-9a-f]+)(?: <[^<>]*>)?:)?"
LINE = 16
"""Bytes in each line except the last."""

REPEATED, AGAIN = "*", "again"
"""In place of an offset: a line that is left out, and one under the line that says the same."""

HAS_OFFSET = re.compile(r"[0-9A-Fa-f]{6,8} |(?P<gdb>0x[0-9a-f]+(?: <[^<>]*>)?:\t)")
TELLING = re.compile(r"\t(?:-|[0-9]{3}|[0-9](?![0-9]))")
"""A number that is decimal and not hex: a sign, or not two digits."""
ESCAPES = {"0": 0, "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
GOES_ON = "**"
"""In place of the next byte of a character of several bytes, as hexdump -c prints it."""

PUT_BACK = "spaces at the end of a line, which pasting took away, are put back"

CHARACTERS_UNDER = re.compile(rf" {{6,8}}{CHARACTER}{{1,16}} *")
"""The bytes of the line above again: the second format of od -t x1c."""

HEX_UNDER = re.compile(r" {6,8}(?: +[0-9A-Fa-f]{2}){1,16} *")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a dump writes its bytes: `cell` matches one, and `value` has its bytes.

    ValueError if they are none.
    """

    line: re.Pattern[str]
    cell: re.Pattern[str]
    value: Callable[[str], bytes]
    name: str
    under: re.Pattern[str]
    """A line that has the bytes of the line above again."""
    loses_spaces: bool = False
    """Whether spaces at the end of a line are bytes, which pasting may take away."""


class Line(NamedTuple):
    """A line of a dump: `offset` is "" if the dump has none; `data` is empty in the last one."""

    number: int
    offset: str
    data: bytes


def value_of_character(cell: str) -> bytes:
    text = cell.strip() or " "
    if text == GOES_ON:
        return b""
    if len(text) == 3:
        return bytes([int(text, 8)])
    return bytes([ESCAPES[text[1]]]) if len(text) == 2 else text.encode()


def value_of_decimal(cell: str) -> bytes:
    number = int(cell)
    return struct.pack("b" if number < 0 else "B", number)


CHARACTERS = Kind(
    re.compile(rf"{OFFSET}(?P<cells>{CHARACTER}{{1,{LINE}}})?\s*"),
    re.compile(CHARACTER),
    value_of_character,
    "dump of characters",
    HEX_UNDER,
    loses_spaces=True,
)
DECIMALS = Kind(
    re.compile(
        rf"{OFFSET}(?P<cells>{DECIMAL}{{1,{LINE}}}|{SIGNED}{{1,{LINE}}}|{OF_GDB}{{1,{LINE}}})?\s*"
    ),
    re.compile("[ \t]+-?[0-9]+"),
    value_of_decimal,
    "dump of decimal numbers",
    CHARACTERS_UNDER,
)


def recognises_characters(text: str) -> bool:
    """Cells of four places that are not all octal numbers; some are, if there is no offset."""
    cells = cells_of(text, CHARACTERS)
    numbers = sum(len(cell) == 3 for cell in cells)
    escapes = sum(len(cell) == 2 for cell in cells)
    return numbers < len(cells) and (HAS_OFFSET.match(text) is not None or numbers + escapes > 0)


def recognises_decimals(text: str) -> bool:
    """Cells of four or five places after an offset; or of gdb, some of which are not hex."""
    start = HAS_OFFSET.match(text)
    if start is None or (start["gdb"] and not TELLING.search(text)):
        return False
    return bool(cells_of(text, DECIMALS))


def cells_of(text: str, kind: Kind) -> list[str]:
    """All cells, without spaces; nothing if a line has others."""
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip(" \r*")]
    found = [kind.line.fullmatch(line) for line in lines if not kind.under.fullmatch(line)]
    if not all(found):
        return []
    return [
        cell.strip() for line in found if line for cell in kind.cell.findall(line["cells"] or "")
    ]


def read(text: str, kind: Kind) -> Pasted:
    """The bytes, held to the offsets, which are octal, hex or decimal. BadPaste if none fits."""
    lines = [
        read_line(line.rstrip("\r"), number, kind)
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip()
    ]
    problem: BadPaste | None = None
    for base in (8, 16, 10):
        try:
            data, put_back = join(lines, base, kind.loses_spaces)
        except BadPaste as error:
            problem = problem or error
        else:
            count = counted(sum(bool(line.data) for line in lines), "line")
            return Pasted(f"{kind.name}, {count}", (Chunk(data),), (PUT_BACK,) * put_back)
    assert problem is not None
    raise problem


def read_line(line: str, number: int, kind: Kind) -> Line:
    if line.strip() == REPEATED:
        return Line(number, REPEATED, b"")
    if kind.under.fullmatch(line):
        return Line(number, AGAIN, b"")
    match = kind.line.fullmatch(line)
    try:
        cells = kind.cell.findall(match["cells"] or "") if match else []
        data = b"".join(map(kind.value, cells))
    except (ValueError, struct.error):
        match = None
    if match is None:
        raise BadPaste(
            number, f"{shown(line.strip())} is no line of a {kind.name}: copy it with its spaces"
        )
    return Line(number, match["offset"] or match["address"] or "", data)


def join(lines: Sequence[Line], base: int, loses_spaces: bool) -> tuple[bytes, bool]:
    """The bytes of all lines, and whether spaces at their ends were put back.

    Pasting may have taken them away, and hexdump fills the last line with more.
    """
    data, before, put_back = b"", Line(0, "", b""), False
    first = offset_of(lines[0], base) if lines and lines[0].offset else 0
    for line in lines:
        if line.offset == AGAIN:
            continue
        if line.offset not in ("", REPEATED):
            missing = offset_of(line, base) - first - len(data)
            if before.offset == REPEATED and missing > 0 and missing % LINE == 0:
                data += data[-LINE:] * (missing // LINE)
            elif loses_spaces and 0 < missing <= LINE - len(before.data):
                data, put_back = data + b" " * missing, True
            elif loses_spaces and missing < 0 and not before.data[missing:].strip(b" "):
                data = data[:missing]
            elif missing:
                count = counted(len(data), "byte")
                raise BadPaste(
                    line.number, f"its offset is {line.offset}, after {count}: give whole lines"
                )
        data, before = data + line.data, line
    return data, put_back


def offset_of(line: Line, base: int) -> int:
    try:
        return int(line.offset, 16 if line.offset.startswith("0x") else base)
    except ValueError:
        raise BadPaste(line.number, f"{line.offset} is no offset") from None


# The forms

IN_CHARACTERS = Way(recognises_characters, partial(read, kind=CHARACTERS))
IN_DECIMAL = Way(recognises_decimals, partial(read, kind=DECIMALS))
