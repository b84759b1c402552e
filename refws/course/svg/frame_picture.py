"""RFC 6455 §5.2: explained frames -> a picture like the figure of that section, filled in.

A row has 32 bits. Each field is a box over its bits; one that goes on in the next row has a second
box there, as the masking key in the figure of the RFC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..explain.values import (
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    Legal,
    Verdict,
)
from ..text.characters import count, cut, escape_octets, escape_words, fold
from ..text.style import ARROWS
from ..text.words import PAYLOAD_SHOWN, frame_words, message_words, verdict_lines
from .canvas import Canvas

BIT = 30
ROW_BITS = 32
MARGIN = 24
WIDTH = ROW_BITS * BIT + 2 * MARGIN
COLUMNS = (WIDTH - 2 * MARGIN) // 9
"""Characters that fit in a line of text."""

ROW_HEIGHT = 76
GAP = 6
LINE_HEIGHT = 20

PAYLOAD_DRAWN = 12
"""Bytes of payload in boxes."""

MAX_ITEMS = 50
MAX_HEAD_LINES = 40
"""Frames and heads in one picture, and lines of one head."""

KINDS = {"masking key": "key", "payload": "payload"}


@dataclass(frozen=True, slots=True)
class Part:
    """Bits of a frame that belong together: `wire` has `bits` bits, `value` says what they mean.

    `plain` has the unmasked bytes of a payload.
    """

    name: str
    bits: str
    value: str
    plain: bytes = b""


def draw_frames(items: Sequence[Item], total: int) -> str:
    """The picture of these items, at most MAX_ITEMS of `total`."""
    canvas = Canvas(WIDTH)
    canvas.height = MARGIN
    for item in items[:MAX_ITEMS]:
        if isinstance(item, FrameExplanation):
            draw_frame(canvas, item)
        elif isinstance(item, HeadExplanation):
            draw_head(canvas, item)
        else:
            write(canvas, f"{ARROWS[item.sender]}: {count(item.length)} not read, {item.why}")
        canvas.height += LINE_HEIGHT
    if total > MAX_ITEMS:
        write(canvas, f"and {total - MAX_ITEMS} more, which are not drawn", "muted")
    return canvas.document(f"{total} heads and frames of a WebSocket connection, bit by bit")


def write(canvas: Canvas, words: str, kind: str = "") -> None:
    """Lines of text below what is there."""
    for line in fold(words, COLUMNS):
        canvas.height += LINE_HEIGHT
        canvas.text(MARGIN, canvas.height - 5, line, kind)


# A frame


def draw_frame(canvas: Canvas, frame: FrameExplanation) -> None:
    write(canvas, f"{ARROWS[frame.sender]}: {frame_words(frame)}", "title")
    draw_bit_numbers(canvas)
    blamed = frame.verdict.violation.field if isinstance(frame.verdict, Illegal) else ""
    top, bit = canvas.height, 0
    for part in parts_of(frame):
        kind = "blamed" if part.name == blamed else KINDS.get(part.name, "box")
        for start, piece in pieces(part, bit):
            draw_piece(canvas, top, bit + start, piece, kind)
        bit += len(part.bits)
    canvas.height = top + (bit + ROW_BITS - 1) // ROW_BITS * ROW_HEIGHT + GAP
    if (more := frame.payload_received - PAYLOAD_DRAWN) > 0:
        write(canvas, f"and {more} more of payload", "muted")
    if frame.message is not None:
        write(canvas, message_words(frame.message, PAYLOAD_SHOWN))
    write_verdict(canvas, frame.verdict)


def draw_bit_numbers(canvas: Canvas) -> None:
    """The numbers of the bits, as in the figure."""
    for bit in range(ROW_BITS):
        if bit % 10 == 0:
            canvas.text(middle(bit), canvas.height + 14, str(bit // 10), "small muted", "middle")
        canvas.text(middle(bit), canvas.height + 28, str(bit % 10), "small muted", "middle")
    canvas.height += 34


def middle(bit: int) -> int:
    return MARGIN + bit * BIT + BIT // 2


def parts_of(frame: FrameExplanation) -> Iterator[Part]:
    """The fields of the header, then the payload as on the wire."""
    for field in frame.fields:
        value = f"{field.value:x} {frame.name}" if field.name == "opcode" else str(field.value)
        yield Part(field.name, f"{field.value:0{field.bits}b}", value)
    wire = frame.payload_start[:PAYLOAD_DRAWN]
    if wire:
        bits = "".join(f"{byte:08b}" for byte in wire)
        yield Part("payload", bits, "", frame.plain_start if frame.masking_key else b"")


def pieces(part: Part, bit: int) -> Iterator[tuple[int, Part]]:
    """(number of its first bit in the part, piece) for each row that the part is in."""
    start = 0
    while start < len(part.bits):
        room = ROW_BITS - (bit + start) % ROW_BITS
        name = part.name if start == 0 else f"{part.name} (continued)"
        value = part.value if start == 0 else ""
        plain = part.plain[start // 8 :]
        yield start, Part(name, part.bits[start : start + room], value, plain)
        start += room


def draw_piece(canvas: Canvas, top: int, bit: int, piece: Part, kind: str) -> None:
    """A box with its name, its bits, and its value or bytes."""
    x, y = MARGIN + bit % ROW_BITS * BIT, top + bit // ROW_BITS * ROW_HEIGHT
    width = len(piece.bits) * BIT
    canvas.box(x, y, width, ROW_HEIGHT, kind)
    canvas.text(x + width // 2, y + 17, name_in(piece), "small" + blame(kind), "middle")
    for number, digit in enumerate(piece.bits):
        canvas.text(middle(bit % ROW_BITS + number), y + 40, digit, "", "middle")
    if len(piece.bits) < 8:
        if len(piece.bits) > 1:
            canvas.text(x + width // 2, y + 64, piece.value, "small muted", "middle")
        return
    for number, words in enumerate(bytes_in(piece)):
        place = x + number * 8 * BIT + 4 * BIT
        canvas.text(place, y + 64, words, "small muted", "middle")


def name_in(piece: Part) -> str:
    """The name, with the value of a long field."""
    return f"{piece.name}: {piece.value}" if piece.name == "extended length" else piece.name


def blame(kind: str) -> str:
    return " bad" if kind == "blamed" else ""


def bytes_in(piece: Part) -> Iterator[str]:
    """Each byte in hex; a masked one also as it is unmasked."""
    for start in range(0, len(piece.bits), 8):
        byte = int(piece.bits[start : start + 8], 2)
        if start // 8 < len(piece.plain):
            plain = piece.plain[start // 8]
            shown = f" {chr(plain)!r}" if 0x20 <= plain < 0x7F else ""
            yield f"{byte:02x} unmasked {plain:02x}{shown}"
        else:
            yield f"{byte:02x}" + (f" {chr(byte)!r}" if is_readable(piece, byte) else "")


def is_readable(piece: Part, byte: int) -> bool:
    return piece.name.startswith("payload") and 0x20 <= byte < 0x7F


# Verdicts, and heads


def write_verdict(canvas: Canvas, verdict: Verdict) -> None:
    kind = {Legal: "good", Illegal: "bad", CutOff: "bad"}.get(type(verdict), "muted")
    for label, words in verdict_lines(verdict):
        write(canvas, f"{label}: {escape_words(words)}", kind)


def draw_head(canvas: Canvas, head: HeadExplanation) -> None:
    write(canvas, f"{ARROWS[head.sender]}: HTTP head, {count(head.length)}", "title")
    for line in head.lines[:MAX_HEAD_LINES]:
        write(canvas, cut(escape_octets(line.text), COLUMNS), "bad" if line.faults else "")
    if len(head.lines) > MAX_HEAD_LINES:
        write(canvas, f"and {len(head.lines) - MAX_HEAD_LINES} more lines", "muted")
    write_verdict(canvas, head.verdict)
