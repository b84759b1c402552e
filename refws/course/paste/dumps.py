"""Hex dumps: an offset, bytes, and perhaps a column of characters, line by line -> bytes.

Wireshark, xxd, hexdump, od, tcpdump, Netty, gdb, PowerShell and browsers differ in the width of the
offset, in its base, in how the bytes are grouped, and in the column. A dump checks itself: each
offset says how many bytes the line before has, and the column repeats the bytes that are ASCII. So
every line is held to both.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, shown

LINE = re.compile(
    r"(?P<indent>[ \t]*)\|?(?:\[0x[0-9A-Fa-f]+\] )?(?P<offset>(?P<zero_x>0[xX])?[0-9A-Fa-f]{1,16})"
    r"(?P<symbol> <[^<>]*>)?(?P<mark>:(?=\s|$)|\||(?=\s|$))(?P<body>.*)"
)
OTHER_LINES = re.compile(
    r"[\s|+=-]*(?:(?:Offset\b|Label:|0?0 +0?1 +0?2 +0?3|-{3}).*)?"  # the heads of tables
    r"|\s*(?:```.*|\$ .*|\(gdb\).*|\(lldb\).*|\[HEXDUMP\].*|={5,}|(?:Follow|Filter|Node \d): .*)"
    r"|.*\b(?:READ|WRITE|RECEIVED|SENT|FLUSH|READ COMPLETE)\b.*"  # the log of Netty
    r"|(?:\S+ )?.*\bIP6? .* > .*"  # the packets of tcpdump
    r"|\s+\S+ > \S+: Flags .*"
)
BARE = re.compile(
    r"\s*(?P<bytes>(?:[0-9A-Fa-f]{2})+(?:\s{1,2}(?:[0-9A-Fa-f]{2})+)*)(?P<column>\s*\|.+\||\s{2,}\S.*)"
)
STREAM = re.compile(r"\t?(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]{1,2}\s*")
SPEAKER = re.compile(r"\b(READ|WRITE|RECEIVED|SENT)\b(?! COMPLETE)")
READS = {"RECEIVED": "READ", "SENT": "WRITE"}
PART = re.compile(r"(?P<name>\S.*) \((?P<size>\d+) bytes?\):\s*")
"""The name of a part of a packet, as Wireshark prints it: only the frame itself was sent."""

REPEATED = "*"
USUAL_SIZES = (8, 16, 20, 32)
"""Bytes in a line of a dump."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How a dump writes its bytes: `cell` is a regular expression of digits, `read` reads it."""

    cell: re.Pattern[str]
    read: Callable[[str], bytes]
    what: str


def swapped(digits: str) -> bytes:
    return bytes.fromhex(digits)[::-1]


HEX = Cells(re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2}){1,8})(?![^\s|>-])"), bytes.fromhex, "hex")
WORDS = Cells(re.compile(r"([0-9A-Fa-f]{4})(?![^\s|>])"), swapped, "hex")
BITS = Cells(re.compile(r"([01]{8})(?![^\s|>])"), lambda cell: bytes([int(cell, 2)]), "bits")
OCTAL = Cells(
    re.compile(r"([0-3][0-7]{2})(?![^\s|>])"), lambda cell: bytes([int(cell, 8)]), "octal"
)
OCTAL_WORDS = Cells(
    re.compile(r"([01][0-7]{5})(?![^\s|>])"),
    lambda cell: int(cell, 8).to_bytes(2, "little"),
    "octal",
)
LONG_WORDS = Cells(re.compile(r"((?:[0-9A-Fa-f]{2}){1,4})(?![^\s|>])"), swapped, "hex")
IN_WORDS = (WORDS, OCTAL_WORDS)


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
    if not any(cells.cell.match(first.body.lstrip()) for cells in (HEX, OCTAL, OCTAL_WORDS)):
        return len(bodies) > 1 and not digits.strip("0")
    if not digits.strip("0"):
        return len(digits) >= 4 or (first.mark == ":" and len(digits) < 4)
    return rises(bodies) if len(bodies) > 1 else len(digits) > 4 and is_marked(first)


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
    data = bytes.fromhex(re.sub("0x|[^0-9A-Fa-f]", "", match["bytes"]))
    return fit(match["column"], data, False) == EXACT


def recognises_words(text: str) -> bool:
    """What `hexdump` and `od` print without other options: words of 16 bits; or `xxd -e`."""
    return recognises(text) and words_of(text) is not None


def words_of(text: str) -> Cells | None:
    """The words that the dump has; words of 32 bits only if its column shows that they are."""
    lines = split(text)[0]
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


# Lines


@lru_cache(maxsize=1)
def split(text: str) -> tuple[tuple[Line, ...], tuple[tuple[int, str], ...]]:
    """The lines of the dump, and the others that belong to none, with their numbers.

    Each form of a dump asks for them, so the last answer is kept.
    """
    lines: list[Line] = []
    others: list[tuple[int, str]] = []
    said, made = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if part := PART.fullmatch(line):
            made = part["name"] != "Frame"
        elif made and line.strip():
            continue
        elif line.strip() == REPEATED:
            lines.append(Line(number, REPEATED, "", "", said))
        elif OTHER_LINES.fullmatch(line):
            made = False
            if found := SPEAKER.search(line):
                said = READS.get(found[1], found[1])
        elif match := LINE.fullmatch(line):
            lines.append(
                Line(number, match["offset"], match["mark"], match["body"], said or indent(match))
            )
        else:
            others.append((number, line))
    return tuple(lines), tuple(others)


def indent(match: re.Match[str]) -> str:
    """Wireshark indents what the server sends, in a dump of a whole stream."""
    return "indented" if len(match["indent"].expandtabs()) >= 4 else ""


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
    data = bytes.fromhex(match["bytes"]) if match else b""
    return data if match and fit(match["column"], data, False) == EXACT else b""


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
    note = (
        "each word is printed with its last byte first, so the bytes are swapped back; hexdump -C "
        "prints them in order"
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
    names = dict.fromkeys(part["name"] for part in map(PART.fullmatch, text.splitlines()) if part)
    return [f"left out, because it was not sent so: {name}" for name in names if name != "Frame"]


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
    for base in bases(lines[0]):
        try:
            return Reader(lines, cells, base).blocks()
        except BadPaste as error:
            problem = problem or error
    assert problem is not None
    raise problem


def bases(line: Line) -> tuple[int, ...]:
    """`od` writes offsets in octal, or in decimal; others write short ones in decimal."""
    if line.mark == ":" and len(line.offset) < 4:
        return (10, 16)
    return (16, 8, 10) if len(line.offset) == 7 and not line.mark else (16,)


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
            if self.cells in IN_WORDS and any(len(data) == wanted + 1 for data in readings):
                return next(data[:wanted] for data in readings if len(data) == wanted + 1)
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
        for count, (_, end) in enumerate(ends, 1):
            data = b"".join(self.cells.read(cell) for cell, _ in ends[:count])
            is_last = count == len(ends)
            gap = len(body[end:]) - len(body[end:].lstrip())
            if is_last or gap >= 2 or len(data) == 16:
                found.append((fit(body[end:], data, is_last), data))
        fitting = sorted(found, key=lambda pair: pair[0], reverse=True)
        best = [data for quality, data in fitting if quality > 0]
        if not best:
            raise BadPaste(line.number, self._problem(body, ends))
        return best

    def _ends(self, body: str) -> list[tuple[str, int]]:
        """Each cell at the start of the body, and where it ends; all of the first one's size."""
        ends: list[tuple[str, int]] = []
        position = 0
        while True:
            gap = re.compile(r"[\s-]*").match(body, position)
            match = self.cells.cell.match(body, gap.end() if gap else position)
            if match is None or (ends and len(match[1]) > len(ends[0][0])):
                return ends
            if len(ends) > 1 and len(ends[-1][0]) < len(ends[0][0]):
                return ends  # a shorter cell is the last
            ends.append((match[1], match.end()))
            position = match.end()

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
            "fits: mend the line"
        )


# The column of characters

BARS = re.compile(r"\|(?P<bars>.*)\|$|>(?P<angles>.*)<$|\|(?P<open>.*)$")
SIGNS = "."
"""The sign in a column for a byte that is no character; others are not ASCII."""

NO, TRUNCATED, NONE, LOOSE, EXACT = 0, 1, 2, 3, 4


def fit(rest: str, data: bytes, is_last: bool) -> int:
    """How well the text after the bytes is their column of characters; NONE for no column."""
    if not rest.strip():
        return NONE if is_last else NO
    expected = "".join(chr(byte) if is_printable(byte) else "." for byte in data)
    halves = f"{expected[:8]} {expected[8:]}"
    columns = columns_in(rest)
    if any(same(seen, whole.strip()) for seen in columns for whole in (expected, halves)):
        return EXACT
    if not is_last:
        return NO
    wanted = expected.replace(" ", "")
    packed = [re.sub(r"\s", "", seen) for seen in columns]
    if any(same(seen, wanted) for seen in packed):
        return LOOSE
    is_open = rest.strip()[-1] not in "|<"
    cut = any(seen and same(seen, wanted[: len(seen)]) for seen in packed)
    return TRUNCATED if is_open and cut else NO


def same(seen: str, expected: str) -> bool:
    """Whether a column is as expected; a byte that is no character may be shown in other ways."""
    return len(seen) == len(expected) and all(
        a == b or (b == "." and (a in SIGNS or not a.isascii()))
        for a, b in zip(seen, expected, strict=True)
    )


def is_printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F


def columns_in(rest: str) -> list[str]:
    """What the column may be: the text itself, or what is between its bars."""
    text = rest.strip()
    match = BARS.match(text)
    inside = [(match["bars"] or match["angles"] or match["open"] or "").strip()] if match else []
    return [*inside, text, html.unescape(text)]


# The forms

DUMP_OF_BITS = Way(recognises_bits, read_bits)
DUMP_IN_OCTAL = Way(recognises_octal, read_octal)
DUMP_OF_WORDS = Way(recognises_words, read_words)
DUMP = Way(recognises, read)
STREAM_IN_HEX = Way(recognises_stream, read_stream)
COLUMNS = Way(recognises_bare, read_bare)
