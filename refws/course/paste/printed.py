"""Bytes as programs print them: Node, Foundation, Okio, scodec, Jetty, and JSON of a Buffer."""

from __future__ import annotations

import re

from .json_values import values_of
from .numbers import DOTS, to_bytes
from .strings import unescape
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
BYTE_VECTOR = re.compile(
    r"ByteVector\((?P<length>[0-9]+) bytes?, 0x(?P<bytes>[0-9A-Fa-f]*)(?P<dots>…|\.{3})?\)"
)


def recognises_data(text: str) -> bool:
    return (
        re.match(
            r"\s*(?:\{\s*length = [0-9]+, bytes = |\[(?:size=[0-9]+ )?hex=|ByteVector\([0-9])", text
        )
        is not None
    )


def read_data(text: str) -> Pasted:
    """{length = 2, bytes = 0x8105} of Foundation, [size=2 hex=8105] of Okio, and of scodec."""
    forms = (DATA_TEXT, BYTE_STRING, BYTE_VECTOR)
    match = next(filter(None, (form.fullmatch(text.strip()) for form in forms)), None)
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


# Jetty


JETTY_BUFFER = re.compile(r"ByteBuffer@[0-9a-f]+\[p=\d+,l=\d+,c=\d+,r=(?P<size>\d+)\]=\{")
INSIDE = re.compile(r"<<<(?P<inside>.*?)>>>", re.DOTALL)


def recognises_jetty(text: str) -> bool:
    return JETTY_BUFFER.search(text) is not None


def read_jetty(text: str) -> Pasted:
    r"""HeapByteBuffer@57c7ba72[p=0,l=2,c=4,r=2]={<<<\x81\x05>>>\x00\x00}: what is left to read."""
    size, found = JETTY_BUFFER.search(text), INSIDE.search(text)
    if size is None or found is None:
        raise BadPaste(1, "no <<< and >>> of a buffer of Jetty: give all of it")
    line = line_of(text, found.start())
    start, *more = found["inside"].split("...")
    notes: list[str] = []
    data = unescape(start, line, False, notes)
    missing = int(size["size"]) - len(data)
    if missing and not more:
        raise BadPaste(line, f"{counted(len(data), 'byte')}, and r says {size['size']}: give all")
    cut_off = (
        f"the text leaves out {counted(missing, 'byte')} and shows the last ones" if more else ""
    )
    count = counted(len(data), "byte")
    return Pasted(f"a buffer of Jetty, {count}", (Chunk(data),), tuple(notes), cut_off)


# JSON


def recognises_json(text: str) -> bool:
    return (
        re.match(r'\s*\{\s*"(?:type"\s*:\s*"Buffer"|data"\s*:\s*\[|0"\s*:\s*[0-9])', text)
        is not None
    )


def read_json(text: str) -> Pasted:
    """`JSON.stringify` of a Buffer, {"type": "Buffer", "data": [...]}, or of a Uint8Array."""
    chunks = [Chunk(bytes_of_json(value)) for value in values_of(text)]
    count = counted(sum(len(chunk.data) for chunk in chunks), "byte")
    return Pasted(f"JSON of a Buffer, {count}", tuple(chunks))


def bytes_of_json(value: object) -> bytes:
    numbers = numbers_of(value) if isinstance(value, dict) else value
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise BadPaste(1, 'its bytes are not whole numbers: give {"type": "Buffer", "data": [129]}')
    return to_bytes([(number, 0) for number in numbers], "")


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
JETTY = Way(recognises_jetty, read_jetty)
