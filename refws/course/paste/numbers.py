"""Bytes written as numbers: arrays of any language, decimal and octal lists, binary digits."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from .senders import with_senders
from .values import SHOWN, BadPaste, Chunk, Pasted, Way, counted, line_of, shown

SEPARATOR = r"[\s,;]+"
DOTS = r"\.{3}|…"
TWOS_COMPLEMENT = "-127 is the byte 81: two's complement"
CAST = re.compile(r"\(\s*(?:unsigned\s+char|signed\s+char|u?int8(?:_t)?|s?byte|char)\s*\)")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(?<![0-9A-Za-z])#(?!\()[^\n]*", re.DOTALL)

NUMBER = r"(?>-?0[xX][0-9A-Fa-f]+|-?0[bB][01]+|-?[0-9]+|'(?:[^'\\]|\\.)')"  # the last is one of C
SUFFIX = r"(?>(?:_?[ui](?:8|nt8)|[uU]?[bByY]|[uU])?)"
ITEM = re.compile(
    rf"(?P<number>{NUMBER}){SUFFIX}|(?P<dots>{DOTS})(?:\s*(?P<more>[0-9]+) more items?)?"
)
GROUP = re.compile(
    rf"[\[{{(]\s*(?P<items>(?:{NUMBER}){SUFFIX}(?:{SEPARATOR}(?:(?:{NUMBER}){SUFFIX}"
    rf"|(?:{DOTS})(?: *[0-9]+ more items?)?))*)"
    r"[\s,]*(?:, buffer: [^\[\]]*(?:\[[^\]]*\][^\[\]]*)?)?[\]})]"
)
ANNOUNCED = re.compile(
    r"(?:(?<=\w)\s?[\[(] ?(?P<count>[0-9]{0,9}) ?[\])])|(?:\[ ?(?P<of>[0-9]{0,9}) ?\](?=\s*=))"
)
PEER = re.compile(r"\bpeer\d+(?=_)")
"""The name of an array as Wireshark writes it, with the number of the peer."""

CODE = re.compile(r"[\w\s=;:.,*&!<>$@'\"#+\[\](){}-]*")
ESCAPES = {"n": 10, "r": 13, "t": 9, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}

DECIMAL_LIST = re.compile(rf"\s*-?[0-9]{{1,4}}(?:{SEPARATOR}-?[0-9]{{1,4}})+[\s,;]*")
TELLING = re.compile(r"-[0-9]|(?<![0-9])[0-9]{3}(?![0-9])")
"""A part of a list that is decimal and not hex: a sign, or three digits."""

OCTAL_LIST = re.compile(rf"\s*\\?[0-3][0-7]{{2}}(?:{SEPARATOR}[0-3][0-7]{{2}})+[\s,;]*")
BIT_SEPARATOR = re.compile(r"[\s,;|_.:]+|0[bB](?=[01])")


# Arrays: [129, 5], {0x81, 5}, new byte[] {-127, 5}, Uint8Array(2) [129, 5], []byte{0x81}


def recognises_array(text: str) -> bool:
    text = without_casts(text)
    groups = list(GROUP.finditer(ANNOUNCED.sub(spaces, text)))
    return bool(groups) and CODE.fullmatch(GROUP.sub("", text)) is not None


def read_array(text: str) -> Pasted:
    """The numbers between brackets; several arrays in a row are one chunk each."""
    clean = without_casts(text)
    sizes = (match["count"] or match["of"] for match in ANNOUNCED.finditer(clean))
    announced = [int(size) for size in sizes if size]
    spoken: list[tuple[str, bytes]] = []
    cut_off, last = "", 0
    for match in GROUP.finditer(ANNOUNCED.sub(spaces, clean)):
        line = line_of(clean, match.start())
        data, missing = read_items(match["items"], line)
        peer = PEER.search(clean, last, match.start())
        spoken.append((peer[0] if peer else "", data))
        cut_off, last = cut_off or missing, match.end()
        if len(announced) == 1 and not missing and announced[0] > len(data):
            cut_off = f"the text says {announced[0]} numbers, and has {len(data)}"
    chunks, note = with_senders(spoken)
    count = sum(len(chunk.data) for chunk in chunks)
    kind = "array" if len(chunks) == 1 else f"{len(chunks)} arrays"
    notes = [note] if note else []
    if re.search(r"(?<![\w'])-[0-9]", clean):
        notes.append(TWOS_COMPLEMENT)
    return Pasted(f"{kind} of {counted(count, 'number')}", chunks, tuple(notes), cut_off)


def spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])


def without_casts(text: str) -> str:
    """The text with spaces in place of casts and comments, so that positions stay."""

    def blank(match: re.Match[str]) -> str:
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
    return bool(DECIMAL_LIST.fullmatch(text) and TELLING.search(text)) and not padded_with_two(text)


def padded_with_two(text: str) -> bool:
    return re.search(r"(?<![0-9])0[0-9](?![0-9])", text) is not None


def read_decimal(text: str) -> Pasted:
    numbers = [(int(match[0]), match.start()) for match in re.finditer("-?[0-9]+", text)]
    if wrong := re.search(r"[^-0-9\s,;]", text):
        raise BadPaste(
            line_of(text, wrong.start()), f"{wrong[0]!a} is in no decimal number: give 0 to 255"
        )
    if not numbers:
        raise BadPaste(1, "there is no decimal number: give 0 to 255 for each byte")
    data = to_bytes(numbers, text)
    notes = (TWOS_COMPLEMENT,) if "-" in text else ()
    return Pasted(f"decimal numbers, {counted(len(data), 'byte')}", (Chunk(data),), notes)


def recognises_octal(text: str) -> bool:
    return OCTAL_LIST.fullmatch(text) is not None


def read_octal(text: str) -> Pasted:
    """Three octal digits for each byte, as `od -b` writes them."""
    data = bytearray()
    for match in re.finditer(r"[^\s,;]+", text):
        if not re.fullmatch("[0-3][0-7]{2}", match[0]):
            raise BadPaste(
                line_of(text, match.start()),
                f"{shown(match[0])} is no byte in octal: give three digits, 000 to 377",
            )
        data.append(int(match[0], 8))
    return Pasted(f"octal numbers, {counted(len(data), 'byte')}", (Chunk(bytes(data)),))


# Binary digits


def recognises_bits(text: str) -> bool:
    """Groups that make up bytes, only 0 and 1; or pairs of hex words, nearly all 0 and 1."""
    groups = [group for group in BIT_SEPARATOR.split(text) if group]
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
    return max(map(len, groups)) >= 7 or make_up_bytes(groups)


def make_up_bytes(groups: Sequence[str]) -> bool:
    """Whether no group goes over the end of a byte, unless it is whole bytes."""
    filled = 0
    for group in groups:
        if filled + len(group) > 8 and (filled or len(group) % 8):
            return False
        filled = (filled + len(group)) % 8
    return filled == 0


def read_bits(text: str) -> Pasted:
    digits = ""
    for number, line in enumerate(text.splitlines(), 1):
        if wrong := re.search(r"[^01\s,;|_.:bB]", line):
            raise BadPaste(
                number, f"{wrong[0]!a} is no binary digit: give 0 and 1, 8 for each byte"
            )
        groups = [group for group in BIT_SEPARATOR.split(line) if group]
        if not make_up_bytes(groups):
            sizes = " and ".join(str(len(group)) for group in groups[:4])
            raise BadPaste(
                number, f"groups of {sizes} binary digits make no whole bytes: give 8 for each byte"
            )
        digits += "".join(groups)
    if not digits:
        raise BadPaste(1, "there is no binary digit: give 0 and 1, 8 for each byte")
    data = int(digits, 2).to_bytes(len(digits) // 8)
    return Pasted(f"binary digits, {counted(len(data), 'byte')}", (Chunk(data),))


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
    r"\[?(?<!\d)(?P<index>\d{1,9})\]?\s{0,9}(?::|=>)\s*(?:int\()?(?P<number>-?\d+)\)?[\s,;]*"
)
AROUND_INDEXED = re.compile(
    r"\s*(?:(?:Array|array\(\d+\)|Uint8Array\(\d+\))\s*)?[\[({]?\s*|[\])}\s;]*"
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
    data = to_bytes([(int(match["number"]), match.start()) for match in found], text)
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


# Erlang and Elixir


SEGMENT = re.compile(
    rf"\s*(?P<value>(?:(?P<base>[0-9]{{1,2}})#(?P<digits>[0-9A-Za-z]+)|(?P<number>0[xX][0-9A-Fa-f]+|-?[0-9]+)"
    rf'|"(?P<string>(?:[^"\\]|\\.)*)"|(?P<dots>{DOTS}))(?:/utf8)?)\s*(?P<end>,|$)',
    re.DOTALL,
)


def recognises_erlang(text: str) -> bool:
    return re.match(r"\s*<<[\s0-9\"]", text) is not None


def read_erlang(text: str) -> Pasted:
    """<<129,5,"Hello">>, <<16#81, 0x05>>: bytes, and strings in UTF-8."""
    if not re.fullmatch(r"\s*<<.*>>[\s.,;]*", text, re.DOTALL):
        raise BadPaste(line_of(text, len(text.rstrip())), "no whole binary: give it from << to >>")
    start, end = text.index("<<") + 2, text.rindex(">>")
    inside, cut_off, position, line = text[start:end].rstrip(), "", 0, line_of(text, start)
    data = bytearray()
    while position < len(inside):
        match = SEGMENT.match(inside, position)
        line += inside.count("\n", position, match.start("value") if match else position)
        if match is None or cut_off:
            seen = shown(inside[position : position + 2 * SHOWN].strip())
            raise BadPaste(
                line, f"{seen} is no segment of bytes: give numbers and strings, with commas"
            )
        line += inside.count("\n", match.start("value"), match.end())
        position = match.end()
        if match["dots"]:
            cut_off = "the text ends in ..."
        elif match["string"] is not None:
            data += plain_string(match["string"], line)
        else:
            data += to_bytes([(segment_value(match, line), 0)], "", line)
    count = counted(len(data), "byte")
    return Pasted(f"Erlang or Elixir binary, {count}", (Chunk(bytes(data)),), (), cut_off)


def plain_string(string: str, line: int) -> bytes:
    if "\\" in string:
        raise BadPaste(line, "an escape in a string: give its bytes as numbers")
    return string.encode()


def segment_value(match: re.Match[str], line: int) -> int:
    if match["number"]:
        return value_of(match["number"])
    try:
        return int(match["digits"], int(match["base"]))
    except ValueError:
        raise BadPaste(line, f"{match['base']}#{match['digits']} is no number") from None


# The forms

BUFFER = Way(recognises_buffer, read_buffer)
JSON = Way(recognises_json, read_json)
DATA = Way(recognises_data, read_data)
INDEXED_NUMBERS = Way(recognises_indexed, read_indexed)
ERLANG = Way(recognises_erlang, read_erlang)
ARRAY = Way(recognises_array, read_array)
BITS = Way(recognises_bits, read_bits)
OCTAL = Way(recognises_octal, read_octal)
DECIMAL = Way(recognises_decimal, read_decimal)
