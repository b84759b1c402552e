r"""Plain hex, separated in any way: 81 05, 81:05, 81-05, 0x81,0x05, \x81\x05, 8105 -> bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .values import BadPaste, Chunk, Pasted, Way, counted, shown
from .wrapped import FROM_HEX, unwrap, without_dots

SEPARATORS = re.compile(r"[\s:,;|_./-]+")
PREFIX = re.compile(r"0x|\\x|x|\$|&h|(?<=[0-9A-F]{2})h(?![0-9A-Z])", re.IGNORECASE)
"""What marks digits as hex: 0x81, \\x81, $81, &H81, 81h; x81 if a shell has taken a backslash."""
COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
REMARK = re.compile("//|--|;")
WORD = re.compile("(?<![0-9A-Za-z])(?=[A-Za-z]*[G-WYZg-wyz])[A-Za-z]{2,}")
"""A word that is not hex: the remark that it is in begins with // or -- or ; before it."""

HEX_TEXT = re.compile(r"[0-9A-Fa-fxXhH\\$&\s:,;|_./-]+")
HEX_DIGIT = re.compile("[0-9A-Fa-f]")
NOT_HEX = re.compile("[^0-9A-Fa-f]")
LETTER = re.compile("[A-Fa-f]")
ONE_DIGIT = re.compile(r"(?:0[xX]|&[hH]|\$)([0-9A-Fa-f])(?![0-9A-Fa-f])")
PADDED = re.compile(r"(?:0[xX]|&[hH]|\$)0[0-9A-Fa-f](?![0-9A-Fa-f])")
DECIMAL = re.compile(r"\s*[1-9][0-9](?:[\s,;]+[1-9][0-9])+[\s,;]*")
"""Pairs of digits that decimal numbers may be, too."""
OFFSET = re.compile(r"\s*[0-9A-Fa-f]{4,16}\s{2,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
"""Four digits or more, a gap, and two digits: the first may be an offset."""

DOTS = re.compile(r"\.{2,}|…")
SIGNED = re.compile("[Ff]{6}[89A-Fa-f][0-9A-Fa-f]")
"""A byte from 80 up that was printed as an int with its sign: ffffff81 is 81."""

PAIR = "give two digits, 0 to 9 and a to f, for each byte"


def recognises(text: str) -> bool:
    return is_plain(unwrapped(text)[0])


def unwrapped(text: str) -> tuple[str, list[str], str]:
    """What is inside, notes on what is left out, and what the text itself leaves out."""
    start, cut_off = without_dots(text)
    inside, notes = unwrap(start if cut_off else text, FROM_HEX)
    if not cut_off:
        inside, cut_off = without_dots(inside)
    return inside, notes, cut_off


def is_plain(text: str) -> bool:
    """Whether a text is only digits and what separates them."""
    text = "\n".join(map(without_remark, text.split("\n")))
    return HEX_TEXT.fullmatch(text) is not None and HEX_DIGIT.search(text) is not None


def read(text: str) -> Pasted:
    text, notes, cut_off = unwrapped(text)
    lines = text.splitlines()
    lines, signed = without_signs(lines)
    single = single_digits_are_bytes(" ".join(lines))
    data = b""
    try:
        for line in read_lines(lines, single):
            data += line
    except BadPaste as error:
        error.before = data
        raise
    notes += signed + notes_on(" ".join(lines), single)
    return Pasted(f"hex, {counted(len(data), 'byte')}", (Chunk(data),), tuple(notes), cut_off)


def without_signs(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines with ffffff81 as 81, and a note, if all other groups of digits are bytes."""
    words = [word for line in lines for word in words_of(line)]
    signed = next(filter(SIGNED.fullmatch, words), "")
    if not signed or any(len(word) > 2 and not SIGNED.fullmatch(word) for word in words):
        return lines, []
    short = [re.sub(rf"(?<![0-9A-Fa-f]){SIGNED.pattern}", lambda m: m[0][6:], x) for x in lines]
    return short, [
        f"{signed} is taken as the byte {signed[6:]}: a program printed it as a number with a sign "
        "(& 0xff prevents that)"
    ]


def notes_on(text: str, single: bool) -> list[str]:
    """What was assumed about digits that are alone, and the numbers that may be decimal."""
    notes = ["a digit that is alone is a byte: 5 is 05"] if single else []
    if re.search(r"(?:0[xX]|\\x)[0-9A-Fa-f]?\s*$", text) or text.rstrip().endswith("\\"):
        notes.append("the last byte has not two digits: is something cut off?")
    if OFFSET.match(text):
        notes.append("it can also be read as a hex dump, with an offset in front: --form dump")
    if DECIMAL.fullmatch(text):
        notes.append("it can also be read as decimal numbers: --form decimal")
    return notes


def read_lines(lines: Iterable[str], single: bool = False) -> Iterator[bytes]:
    """The bytes of each line; a # begins a comment. BadPaste if a line is not hex.

    With `single` one digit is a byte, too.
    """
    for number, line in enumerate(lines, 1):
        line = without_remark(line)
        if (dots := DOTS.search(line)) and HEX_DIGIT.search(line, dots.end()):
            raise BadPaste(
                number, f"{dots[0]} leaves out bytes: give all, or only the ones before it"
            )
        yield b"".join(read_word(word, number, single) for word in words_of(line))


def without_remark(line: str) -> str:
    line = COMMENT.sub("", line)
    remark = REMARK.search(line)
    return line[: remark.start()] if remark and WORD.search(line, remark.end()) else line


def words_of(line: str) -> list[str]:
    """The groups of digits; one digit after 0x is a byte, unless others have a 0 before it."""
    line = without_remark(line)
    if not PADDED.search(line):
        line = ONE_DIGIT.sub(r" 0\1 ", line)
    return [word for word in SEPARATORS.split(PREFIX.sub(" ", line)) if word]


def read_word(word: str, number: int, single: bool = False) -> bytes:
    """The bytes of a group of digits in line `number`."""
    if wrong := NOT_HEX.search(word):
        raise BadPaste(number, f"{wrong[0]!a} in {shown(word)} is no hex digit: {PAIR}")
    if single and len(word) == 1:
        word = f"0{word}"
    if len(word) % 2:
        raise BadPaste(
            number,
            f"{shown(word)} has an odd number of digits, {len(word)}: give two for each byte"
            + (", or --form decimal" if word.isdigit() else ""),
        )
    return bytes.fromhex(word)


def single_digits_are_bytes(text: str) -> bool:
    """Whether zeros in front are left out, as Arduino's `print(byte, HEX)` does.

    Then some digits are alone, the others are pairs that do not begin with 0, and a letter shows
    that this is hex. Letters that are all alone are no bytes: a | b | c is a table.
    """
    words = [word for word in SEPARATORS.split(text) if word]
    return (
        "x" not in text.lower()
        and {len(word) for word in words} == {1, 2}
        and all(len(word) == 1 or word[0] != "0" for word in words)
        and any(LETTER.search(word) for word in words)
    )


# The forms

HEX = Way(recognises, read)
