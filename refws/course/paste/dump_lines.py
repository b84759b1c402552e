"""The lines of a hex dump: an offset, bytes, and perhaps a column of characters -> bytes.

A dump checks itself: each offset says how many bytes the line before has, and the column repeats
the bytes that are ASCII. Every line is held to both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .columns import NO, NONE, columns_in, fit, is_printable
from .dump_context import OTHER_LINES, speaker_in
from .od import CHARACTERS_UNDER
from .values import BadPaste, counted, shown

LINE = re.compile(
    r"(?P<indent>[ \t]*)(?:\||\[(?=[0-9A-Fa-f]{4,16}\]))?(?:\[0x[0-9A-Fa-f]+\] )?"
    r"(?P<offset>(?P<zero_x>0[xX])?(?:[0-9A-Fa-f]{8}`[0-9A-Fa-f]{8}|[0-9A-Fa-f]{1,16})"
    r"|[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}(?=  | \|))"
    r"(?P<symbol> <[^<>]*>)?(?P<mark>:(?=\s|$)|\||\](?=\s)| [-|:](?= )|(?=\s|$))(?P<body>.*)"
)
"""0000   81 05, and offsets as in |00000000|, [0000] of ncat, 0000 - of OpenSSL, 0`0 of WinDbg,
0B3F:0100 of DEBUG, 0000:0000 | of Okteta"""

CERTAIN_LINE = re.compile(
    r"\s*[|\[]?(?:\[0x[0-9A-Fa-f]+\] )?(?:0[xX])?[0-9A-Fa-f`]{4,17}(?:[:|\]]| -)?\s+"
    r"(?:0x)?[0-9A-Fa-f]{2}"
)
"""A line of a dump also if its column of characters has words that other lines have."""

DISSECTED = re.compile(r"^Frame \d+: \d+ bytes on wire", re.MULTILINE)
"""What `tshark -V -x` prints before the bytes of a packet: all except a dump at the margin."""

AT_MARGIN = re.compile(r"[0-9a-f]{4}  [0-9a-f]{2}[^=]*")
NO_BYTES = re.compile(r"(?P<bytes>\s*(?:[0-9A-Fa-f]{2}\s++)++)(?:--(?:\s|$))+")
"""Two dashes in place of each byte that the last line has not, as Burp shows them."""

PART = re.compile(r"(?P<name>\S.*) \((?P<size>\d+) bytes?\):\s*")
"""The name of a part of a packet, as Wireshark prints it: only the frame itself was sent."""

GAP = re.compile(r"[\s-]*")
FULL_LINE = 16
"""Bytes in a line of most dumps."""

REPEATED = "*"


@dataclass(frozen=True, slots=True)
class Cells:
    """How a dump writes its bytes: `cell` is a regular expression of digits, `read` reads it."""

    cell: re.Pattern[str]
    read: Callable[[str], bytes]
    what: str
    widest_gap: int = 2
    """Spaces between two of them; `xxd -e` puts some before a short one."""
    padding: int = 0
    """Bytes 00 at the end that may fill the last cell."""


def swapped(digits: str) -> bytes:
    return bytes.fromhex(digits)[::-1]


HEX = Cells(re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2}){1,8})(?![^\s|>-])"), bytes.fromhex, "hex")
WORDS = Cells(re.compile(r"([0-9A-Fa-f]{4})(?![^\s|>])"), swapped, "hex", 4, padding=1)
WORDS_OF_4 = Cells(re.compile(r"([0-9A-Fa-f]{8})(?![^\s|>])"), swapped, "hex", padding=3)
BITS = Cells(re.compile(r"([01]{8})(?![^\s|>])"), lambda cell: bytes([int(cell, 2)]), "bits")
OCTAL = Cells(
    re.compile(r"([0-3][0-7]{2})(?![^\s|>])"), lambda cell: bytes([int(cell, 8)]), "octal"
)
OCTAL_WORDS = Cells(
    re.compile(r"([01][0-7]{5})(?![^\s|>])"),
    lambda cell: int(cell, 8).to_bytes(2, "little"),
    "octal",
    padding=1,
)
# Only a column shows that these bytes are swapped, so each line must have one.
LONG_WORDS = Cells(re.compile(r"((?:[0-9A-Fa-f]{2}){1,4})(?![^\s|>])"), swapped, "hex", 8)
WORDS_OF_GDB = Cells(
    re.compile(r"0x((?:[0-9A-Fa-f]{2}){2,8})(?![^\s|>])"), swapped, "hex", padding=7
)
IN_WORDS = (WORDS, WORDS_OF_4, OCTAL_WORDS)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a dump. `speaker` tells two directions apart, if the dump shows them."""

    number: int
    offset: str
    mark: str
    body: str
    speaker: str

    @property
    def has_body(self) -> bool:
        return bool(self.body.strip())


@dataclass(frozen=True, slots=True)
class Block:
    """The bytes of lines whose offsets follow each other; a packet, perhaps."""

    speaker: str
    data: bytes


# Lines


@lru_cache(maxsize=1)
def split(text: str) -> tuple[tuple[Line, ...], tuple[tuple[int, str], ...]]:
    """The lines of the dump, and the others that belong to none, with their numbers.

    Each form of a dump asks for them, so the last answer is kept.
    """
    lines: list[Line] = []
    others: list[tuple[int, str]] = []
    said, made = "", False
    is_dissected = DISSECTED.search(text) is not None
    for number, line in enumerate(text.splitlines(), 1):
        match, part = LINE.fullmatch(line), part_of(line)
        is_certain = match is not None and CERTAIN_LINE.match(line) is not None
        if is_dissected and not part and not AT_MARGIN.match(line):
            continue
        if part:
            made = part != "Frame"
        elif made and line.strip():
            continue
        elif line.strip() == REPEATED:
            lines.append(Line(number, REPEATED, "", "", said))
        elif lines and CHARACTERS_UNDER.fullmatch(line):
            continue
        elif not is_certain and OTHER_LINES.fullmatch(line):
            made = False
            said = speaker_in(line) or said
        elif match:
            speaker = said or indent(match)
            offset = re.sub("[`:]", "", match["offset"])
            mark = match["mark"].strip() or "`" * ("`" in match["offset"])
            lines.append(Line(number, offset, mark, without_dashes(match["body"]), speaker))
        else:
            others.append((number, line))
    return tuple(lines), tuple(others)


def without_dashes(body: str) -> str:
    match = NO_BYTES.match(body)
    return f"{match['bytes']}  {body[match.end() :]}" if match else body


def part_of(line: str) -> str:
    """The name of the part of a packet that begins here; "" if none does."""
    match = None if CERTAIN_LINE.match(line) else PART.fullmatch(line)
    return match["name"] if match else ""


def indent(match: re.Match[str]) -> str:
    """Wireshark indents what the server sends, in a dump of a whole stream."""
    return "indented" if len(match["indent"].expandtabs()) >= 4 else ""


# Reading


def read_blocks(text: str, cells: Cells) -> list[Block]:
    """The blocks, with offsets in hex, octal or decimal: whichever fits. BadPaste if none does."""
    lines, others = split(text)
    if others:
        number, line = others[0]
        raise BadPaste(
            number, f"{shown(line.strip())} is no line of a hex dump: leave it out, or mend it"
        )
    if not lines:
        raise BadPaste(1, "no line of a hex dump: give an offset and bytes in each line")
    problem: BadPaste | None = None
    for base in bases(lines):
        try:
            return Reader(lines, cells, base).blocks()
        except BadPaste as error:
            problem = problem or error
    assert problem is not None
    raise problem


def bases(lines: Sequence[Line]) -> tuple[int, ...]:
    """`od` writes offsets in octal, or in decimal; others write short ones in decimal.

    Others are decimal only in rows of 8 or 16 bytes. In other rows a line that is lost could make
    hex look so: 0, 6 and 12, without 0c.
    """
    line = lines[0]
    if line.mark == ":" and len(line.offset) < 4:
        return (10, 16)
    if len(line.offset) == 7 and not line.mark:
        return (16, 8, 10)
    return (16, 10) if all(is_start_of_8(line.offset) for line in lines) else (16,)


def is_start_of_8(offset: str) -> bool:
    return offset == REPEATED or (offset.isdecimal() and int(offset) % 8 == 0)


class Reader:
    """Reads the lines of a dump whose offsets are in `base`."""

    def __init__(self, lines: Sequence[Line], cells: Cells, base: int) -> None:
        self.lines = lines
        self.cells = cells
        self.base = base

    def blocks(self) -> list[Block]:
        blocks: list[Block] = []
        last: dict[str, bytes] = {}
        for index, line in enumerate(self.lines):
            if line.offset == REPEATED:
                data = self._repeated(index, last.get(line.speaker, b""))
            elif line.has_body:
                data = last[line.speaker] = self._line(index)
            else:
                continue
            starts = line.offset != REPEATED and self._offset(line) == 0
            if blocks and blocks[-1].speaker == line.speaker and not starts:
                data = blocks.pop().data + data
            blocks.append(Block(line.speaker, data))
        return blocks

    def _offset(self, line: Line) -> int:
        try:
            return int(line.offset, 16 if line.offset.lower().startswith("0x") else self.base)
        except ValueError:
            raise BadPaste(line.number, f"{shown(line.offset)} is no offset") from None

    def _next(self, index: int) -> Line | None:
        """The next line of the same speaker, if its offset goes on from this one's."""
        line = self.lines[index]
        same = (later for later in self.lines[index + 1 :] if later.speaker == line.speaker)
        following = next(same, None)
        if following is None or following.offset == REPEATED:
            return None
        starts_again = self._offset(following) == 0 and following.has_body
        return None if starts_again else following

    def _line(self, index: int) -> bytes:
        line, following = self.lines[index], self._next(index)
        wanted = None if following is None else self._offset(following) - self._offset(line)
        readings = self._readings(line)
        if wanted is not None and wanted not in map(len, readings):
            padded = range(wanted + 1, wanted + 1 + self.cells.padding)
            if any(len(data) in padded for data in readings):
                return next(data[:wanted] for data in readings if len(data) in padded)
            after = following.number if following else 0
            if wanted <= 0:
                raise BadPaste(after, f"its offset is not above the one of line {line.number}")
            raise BadPaste(
                line.number,
                f"{counted(len(readings[0]), 'byte')}, and by the offset of line {after} it must "
                f"be {wanted}: give whole lines",
            )
        return next(data for data in readings if wanted is None or len(data) == wanted)

    def _repeated(self, index: int, data: bytes) -> bytes:
        """`*`: the line before, again and again, up to the next offset."""
        number = self.lines[index].number
        before, after = index - 1, index + 1
        if before < 0 or after >= len(self.lines) or not data:
            raise BadPaste(number, "* repeats the line before it up to the next offset: give both")
        size = self._offset(self.lines[after]) - self._offset(self.lines[before]) - len(data)
        if size <= 0 or size % len(data):
            raise BadPaste(number, f"* must stand for whole lines, not for {size} bytes")
        return data * (size // len(data))

    def _readings(self, line: Line) -> list[bytes]:
        """The bytes that the line may mean, the likeliest first."""
        body = line.body.rstrip()
        ends = list(self._ends(body))
        found: list[tuple[int, bytes]] = []
        read = bytearray()
        for count, (cell, end) in enumerate(ends, 1):
            read += self.cells.read(cell)
            is_last = count == len(ends)
            if is_last or body[end : end + 2].isspace() or len(read) == FULL_LINE:
                data = bytes(read)
                found.append((fit(body[end:], data, is_last), data))
        fitting = sorted(found, key=lambda pair: pair[0], reverse=True)
        best = [
            data
            for quality, data in fitting
            if quality > (NONE if self.cells is LONG_WORDS else NO)
        ]
        if not best:
            raise BadPaste(line.number, self._problem(body, ends))
        return best

    def _ends(self, body: str) -> list[tuple[str, int]]:
        """Each cell at the start of the body, and where it ends; all of the first one's size.

        A wide gap ends them, and any gap after 16 bytes, because then a column begins, also one
        that is cut short.
        """
        ends: list[tuple[str, int]] = []
        position = size = 0
        while gap := GAP.match(body, position):
            match = self.cells.cell.match(body, gap.end())
            if match is None or (ends and len(match[1]) > len(ends[0][0])):
                break
            is_after_shorter = len(ends) > 1 and len(ends[-1][0]) < len(ends[0][0])
            widest = 1 if size == FULL_LINE else self.cells.widest_gap
            if is_after_shorter or (ends and len(gap[0]) > widest):
                break
            ends.append((match[1], match.end()))
            position, size = match.end(), size + len(self.cells.read(match[1]))
        return ends

    def _problem(self, body: str, ends: Sequence[tuple[str, int]]) -> str:
        rest = body[ends[-1][1] :].strip() if ends else body.strip()
        data = b"".join(self.cells.read(cell) for cell, _ in ends)
        column = next((seen for seen in columns_in(rest) if len(seen) == len(data)), "")
        for seen, byte in zip(column, data, strict=False):
            if is_printable(byte) and seen != chr(byte):
                return (
                    f"{byte:02x} is {chr(byte)!a}, and the column of characters has {seen!a}: one "
                    "of them is wrong"
                )
        word = (rest.split() or [""])[0]
        return (
            f"{shown(word)} is no byte in {self.cells.what}, and no column of characters that "
            "fits: mend the line, or leave its column out"
        )
