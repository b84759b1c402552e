"""Bytes written as numbers: arrays of any language, decimal and octal lists, binary digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown
from .wrapped import unwrap

SEPARATOR = r"[\s,;]+"
DOTS = r"\.{3}|…"
TWOS_COMPLEMENT = "-127 is the byte 81: two's complement"
CAST = re.compile(
    r"\[pos=\d+ lim=\d+ cap=\d+\]"  # of a ByteBuffer of Java
    r"|\(\s*(?:unsigned\s+char|signed\s+char|u?int8(?:_t)?|s?byte|char)\s*\)"
)
COMMENT = re.compile(
    r"'(?:[^'\\]|\\.)'|/\*.{0,1000}?\*/|//[^\n]*|(?<![0-9A-Za-z])#(?!\(|v?[us]8\()[^\n]*", re.DOTALL
)

NUMBER = (
    r"(?>-?0[xX][0-9A-Fa-f]+|-?0[bB][01]+|-?[0-9]+|'(?:[^'\\]|\\.)'"  # the last is one of C
    r"|&[hH][0-9A-Fa-f]+|\$[0-9A-Fa-f]+)"  # as in Visual Basic, and in Pascal
)
SUFFIX = r"(?>(?:\.toU?Byte(?:\(\)|  )|['_]?[ui](?:8|nt8)|[uU]?[bByY]|[uU])?)"
ITEM = re.compile(
    rf"(?P<number>{NUMBER}){SUFFIX}|(?P<dots>{DOTS})(?:\s*(?P<more>[0-9]+) more items?)?"
)
GROUP = re.compile(
    rf"[\[{{(]\|?\s*(?P<items>(?:{NUMBER}){SUFFIX}(?:{SEPARATOR}(?:(?:{NUMBER}){SUFFIX}"
    rf"|(?:{DOTS})(?: *[0-9]+ more items?)?))*)"
    r"[\s,]*(?:, buffer: [^\[\]]*(?:\[[^\]]*\][^\[\]]*)?)?\|?[\]})]"
)
ANNOUNCED = re.compile(
    r"(?:(?<=\w)\s?[\[(] ?(?P<count>[0-9]{0,9}) ?[\])])|(?:\[ ?(?P<of>[0-9]{0,9}) ?\](?=\s*=))"
    r"|\[0\.\.(?P<last>[0-9]{1,9})\]|(?<=[\]}])\s?\((?P<after>[0-9]{1,9})\)"
    r"|(?<![\w\]])\[(?P<go>[0-9]{1,9})\](?=u?int8\{|byte\{)"
    r"|(?<!\S)\((?P<before>[0-9]{1,9})\)(?=\s?\[)"
)
"""How many numbers there are: byte[7], Uint8Array(7), array[0..6] of Pascal, [...] (7) of Safari,
(7) [...] of Chrome, [7]uint8{...} of Go"""

PEER = re.compile(r"\bpeer\d+(?=_)")
"""The name of an array as Wireshark writes it, with the number of the peer."""

CODE = re.compile(r"[\w\s=;:.,*&!<>$@'\"#+\[\](){}\u25b6\u25ba\u25b8\u25bc\u25be-]*")
OPEN = re.compile(rf"[\w\s=:.*<>@#-]*[\[{{(]\s*(?:{NUMBER}){SUFFIX}(?:{SEPARATOR}[\w$&'-]+)+[\s,]*")
"""An array without its end."""

LENGTH_AFTER = re.compile(r"\b\w+_(?:len|LEN)\s*=\s*[0-9]+")
"""What `xxd -i` prints after an array."""

LEFT_OUT = re.compile(r"(?<![\w.$])(?:[0-9]|[+.&]\s*[\"']|[\"']\s*[+.&])")
"""A number or a string beside the brackets, which may be bytes, too."""

ESCAPES = {"n": 10, "r": 13, "t": 9, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}

DECIMAL_LIST = re.compile(r"\s*-?[0-9]{1,4}(?:[\s,;|:]+-?[0-9]{1,4})+[\s,;|:]*")
DECIMAL_WORD = re.compile(
    r"\s*+(?=.*[0-9]{3})(?:[0-9]{1,3}(?:-[0-9]{1,3}){4,}|[0-9]{1,3}(?:\.[0-9]{1,3}){4,})\s*"
)
"""129-5-72-101-108 and 129.5.72.101.108: more than the four numbers of an address."""

TELLING = re.compile(r"-[0-9]|(?<![0-9])[0-9]{3}(?![0-9])")
"""A part of a list that is decimal and not hex: a sign, or three digits."""

PADDED = re.compile(r"(?<![\w.$'-])0[0-9](?![\w.])")
"""A number of two digits with a zero in front, as hex has it, and decimal numbers have not."""

REMARK = re.compile(r"(?:^|(?<=\s))(?:#|//).*")

NUMBERS = re.compile("(?<![0-9])-?[0-9]+|[0-9]+")
"""A dash after a digit separates; any other is a sign."""

OCTAL_LIST = re.compile(rf"\s*\\?[0-3][0-7]{{2}}(?:{SEPARATOR}[0-3][0-7]{{2}})+[\s,;]*")
IN_BITS = re.compile(r"\s*\[(?:\s*[01]{1,8})*?\s*[01]{8}(?:\s*[01]{1,8})*\s*\]\s*")
"""%b of Go: no array of numbers, because the longest are too large."""

MARKED_OCTAL = re.compile(r"\s*\[?(?:0o[0-7]{1,3}+[\s,;]*+){2,}\]?\s*")
"""oct() of Python: 0o201, 0o5"""

BIT_SEPARATOR = re.compile(r"[\s,;|_.:/\[\](){}-]+|0[bB](?=[01])")


# Arrays: [129, 5], {0x81, 5}, new byte[] {-127, 5}, Uint8Array(2) [129, 5], []byte{0x81}


def recognises_array(text: str) -> bool:
    given = without_casts(text)
    text = ANNOUNCED.sub(spaces, given)
    if OPEN.fullmatch(text):
        return True
    rest = LENGTH_AFTER.sub("", GROUP.sub(" ", text))
    first = GROUP.search(text)
    if first is None or LEFT_OUT.search(rest) or IN_BITS.fullmatch(text):
        return False
    sizes = [len(list(ITEM.finditer(match["items"]))) for match in GROUP.finditer(text)]
    is_code = CODE.fullmatch(rest) is not None and not all(
        PADDED.search(match["items"]) and not TELLING.search(match["items"])
        for match in GROUP.finditer(text)
    )
    is_one = sizes == [1] and set(announced_in(given)) <= {1} and not first[0].startswith("(")
    return is_code and (min(sizes) > 1 or is_one)


def read_array(text: str) -> Pasted:
    """The numbers between brackets; several arrays in a row are one chunk each."""
    clean = without_casts(text)
    if OPEN.fullmatch(ANNOUNCED.sub(spaces, clean)):
        raise BadPaste(
            line_of(text, len(text.rstrip())),
            "a bracket that is not closed: give the whole array, or only its numbers",
        )
    announced = announced_in(clean)
    spoken: list[tuple[str, bytes]] = []
    cut_off, last = "", 0
    for match in GROUP.finditer(ANNOUNCED.sub(spaces, clean)):
        line = line_of(clean, match.start())
        data, missing = read_items(match["items"], line)
        peer = PEER.search(clean, last, match.start())
        spoken.append((peer[0] if peer else "", data))
        cut_off, last = cut_off or missing, match.end()
        if len(announced) == 1 and announced[0] < len(data) and text.lstrip().startswith("("):
            raise BadPaste(line, f"({announced[0]}) before {len(data)} numbers: give only numbers")
        if len(announced) == 1 and not missing and announced[0] > len(data):
            cut_off = f"the text says {announced[0]} numbers, and has {len(data)}"
    chunks, note = with_senders(spoken)
    count = sum(len(chunk.data) for chunk in chunks)
    kind = "array" if len(chunks) == 1 else f"{len(chunks)} arrays"
    notes = [note] if note else []
    if re.search(r"(?<![\w'])-[0-9]", clean):
        notes.append(TWOS_COMPLEMENT)
    return Pasted(f"{kind} of {counted(count, 'number')}", chunks, tuple(notes), cut_off)


def announced_in(text: str) -> list[int]:
    """The numbers that say how many numbers an array has."""
    return [
        int(match["last"]) + 1 if match["last"] else int(match[match.lastgroup])
        for match in ANNOUNCED.finditer(text)
        if match.lastgroup and match[match.lastgroup]
    ]


def spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])


def without_casts(text: str) -> str:
    """The text with spaces in place of casts and comments, so that positions stay."""

    def blank(match: re.Match[str]) -> str:
        if match[0].startswith("'"):
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return CAST.sub(blank, COMMENT.sub(blank, text))


def read_items(items: str, line: int) -> tuple[bytes, str]:
    """The bytes of the numbers, and what the text says is missing."""
    numbers, missing = [], ""
    for match in ITEM.finditer(items):
        if match["dots"]:
            more = match["more"]
            missing = (
                f"the text leaves out {counted(int(more), 'number')}"
                if more
                else "the text ends in ..."
            )
            break
        numbers.append((value_of(match["number"]), match.start()))
    return to_bytes(numbers, items, line), missing


def value_of(number: str) -> int:
    if number.startswith("'"):
        inside = number[1:-1]
        return ESCAPES.get(inside[1], ord(inside[1])) if inside[0] == "\\" else ord(inside)
    if marked := re.match(r"\$|&[hH]", number):
        return int(number[marked.end() :], 16)
    prefix = number.lstrip("-")[:2].lower()
    return int(number, {"0x": 16, "0b": 2}.get(prefix, 10))


def to_bytes(numbers: Sequence[tuple[int, int]], text: str, first_line: int = 1) -> bytes:
    """The bytes of (number, its position in the text); BadPaste for one that is no byte."""

    def line(position: int) -> int:
        return first_line + text.count("\n", 0, position)

    for number, at in numbers:
        if not -128 <= number <= 255:
            raise BadPaste(
                line(at), f"{number} is no byte: give numbers from 0 to 255, or from -128 to 127"
            )
    negative = next((number for number, _ in numbers if number < 0), 0)
    for number, at in numbers:
        if number > 127 and negative:
            raise BadPaste(
                line(at),
                f"{number} and {negative} are in one list: give numbers from 0 to 255, or from "
                "-128 to 127",
            )
    return bytes(number & 0xFF for number, _ in numbers)


# Lists without brackets


def recognises_decimal(text: str) -> bool:
    """Numbers of 1 to 3 digits, some of which can be no pair of hex digits."""
    text = bare(text)[0]
    is_list = DECIMAL_LIST.fullmatch(text) is not None and TELLING.search(text) is not None
    return (is_list or DECIMAL_WORD.fullmatch(text) is not None) and not padded_with_two(text)


def bare(text: str) -> tuple[str, list[str]]:
    """The numbers without labels, remarks and quotes, and notes on what is left out."""
    lines = [REMARK.sub("", line) for line in text.split("\n")]
    return unwrap("\n".join(lines), ())


def padded_with_two(text: str) -> bool:
    return PADDED.search(text) is not None


def read_decimal(text: str) -> Pasted:
    text, notes = bare(text)
    numbers = [(int(match[0]), match.start()) for match in NUMBERS.finditer(text)]
    if wrong := re.search(r"[^-0-9\s,;|:.]", text):
        raise BadPaste(
            line_of(text, wrong.start()), f"{wrong[0]!a} is in no decimal number: give 0 to 255"
        )
    if not numbers:
        raise BadPaste(1, "there is no decimal number: give 0 to 255 for each byte")
    data = to_bytes(numbers, text)
    notes += [TWOS_COMPLEMENT] if any(number < 0 for number, _ in numbers) else []
    return Pasted(f"decimal numbers, {counted(len(data), 'byte')}", (Chunk(data),), tuple(notes))


def recognises_octal(text: str) -> bool:
    return OCTAL_LIST.fullmatch(text) is not None or MARKED_OCTAL.fullmatch(text) is not None


def read_octal(text: str) -> Pasted:
    """Three octal digits for each byte, as `od -b` writes them."""
    data = bytearray()
    for match in re.finditer(r"[^\s,;]+", re.sub(r"0o|[\[\]]", "  ", text)):
        if not re.fullmatch("[0-3]?[0-7]{1,2}", match[0]):
            raise BadPaste(
                line_of(text, match.start()),
                f"{shown(match[0])} is no byte in octal: give three digits, 000 to 377",
            )
        data.append(int(match[0], 8))
    return Pasted(f"octal numbers, {counted(len(data), 'byte')}", (Chunk(bytes(data)),))


# Binary digits


def recognises_bits(text: str) -> bool:
    """Groups that make up bytes, only 0 and 1; or pairs of hex words, nearly all 0 and 1."""
    groups = [group for group in BIT_SEPARATOR.split(bare(text)[0]) if group]
    digits = "".join(groups)
    if not re.fullmatch("[0-9]{8,}", digits):
        return False
    if digits.strip("01"):
        bits = digits.count("0") + digits.count("1")
        return (
            len(groups) > 1
            and {len(group) for group in groups} == {8}
            and bits >= 0.9 * len(digits)
        )
    return max(map(len, groups)) >= 7 or make_up_bytes(groups) or are_short(groups)


def are_short(groups: Sequence[str]) -> bool:
    """Whether each group is a byte without the zeros in front, as Arduino prints it."""
    are_numbers = all(group[0] == "1" or group == "0" for group in groups)
    is_byte = max(map(len, groups), default=0) == 8
    return are_numbers and is_byte and not make_up_bytes(groups)


def make_up_bytes(groups: Sequence[str]) -> bool:
    """Whether no group goes over the end of a byte, unless it is whole bytes."""
    filled = 0
    for group in groups:
        if filled + len(group) > 8 and (filled or len(group) % 8):
            return False
        filled = (filled + len(group)) % 8
    return filled == 0


def read_bits(text: str) -> Pasted:
    text, notes = bare(text)
    digits = ""
    for number, line in enumerate(text.splitlines(), 1):
        if wrong := re.search(r"[^01\s,;|_.:/\[\](){}bB-]", line):
            raise BadPaste(
                number, f"{wrong[0]!a} is no binary digit: give 0 and 1, 8 for each byte"
            )
        groups = [group for group in BIT_SEPARATOR.split(line) if group]
        if are_short(groups):
            groups = [group.rjust(8, "0") for group in groups]
            notes.append("zeros in front are put back: 101 is 00000101")
        if not make_up_bytes(groups):
            sizes = " and ".join(str(len(group)) for group in groups[:4])
            raise BadPaste(
                number, f"groups of {sizes} binary digits make no whole bytes: give 8 for each byte"
            )
        digits += "".join(groups)
    if not digits:
        raise BadPaste(1, "there is no binary digit: give 0 and 1, 8 for each byte")
    data = int(digits, 2).to_bytes(len(digits) // 8)
    return Pasted(f"binary digits, {counted(len(data), 'byte')}", (Chunk(data),), tuple(notes))


# The forms

ARRAY = Way(recognises_array, read_array)
BITS = Way(recognises_bits, read_bits)
OCTAL = Way(recognises_octal, read_octal)
DECIMAL = Way(recognises_decimal, read_decimal)
