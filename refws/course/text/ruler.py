"""RFC 6455 §5.2: the bytes of a frame in rows of 32 bits, like the figure of that section."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter

from ..explain.values import FrameExplanation

ROW = 4
"""Bytes in a row of the ruler: 32 bits, as in the figure of §5.2."""

PAYLOAD_DRAWN = 8
"""Bytes of payload in the ruler."""

FIRST_EDGE = " +-+-+-+-+-------+-+-------------+"
FIRST_NAMES = (
    " |F|R|R|R|       |M|             |",
    " |I|S|S|S|opcode |A|   length    |",
    " |N|V|V|V|       |S|             |",
    " | |1|2|3|       |K|             |",
)
FIRST_BITS = (0, 1, 2, 3, 4, 8, 9, 16)
"""The bits at which the fields of the first two bytes begin, and their end."""

EDGE = " +---------------+---------------+---------------+---------------+"
BYTE_WIDTH = 16

Row = list[tuple[str, int]]
"""Up to four bytes of a frame, each with the name of the part that it belongs to."""


def draw_ruler(frame: FrameExplanation, bytes_in_row: int = ROW) -> Iterator[str]:
    """The lines: the numbers of the bits above the first row, and the bytes in hex in each row.

    4 bytes in a row are 66 columns, 2 are 34.
    """
    owners = [(name, byte) for name, wire in _parts(frame) for byte in wire]
    tens = (f"{tens:<20}" for tens in range(bytes_in_row))
    yield "  " + "".join(tens)[: 16 * bytes_in_row].rstrip()
    yield "  " + " ".join(str(bit % 10) for bit in range(8 * bytes_in_row))
    yield from _first_names(owners[:bytes_in_row])
    for start in range(0, len(owners), bytes_in_row):
        row = owners[start : start + bytes_in_row]
        if start:
            yield " |" + _names(row)
        yield " |" + "|".join(f"{byte:02x}".center(BYTE_WIDTH - 1) for _, byte in row) + "|"
        yield _edge(row)
    drawn = min(len(frame.payload_start), PAYLOAD_DRAWN)
    if frame.payload_received > drawn:
        yield f"   and {frame.payload_received - drawn} more of payload"


def _parts(frame: FrameExplanation) -> Iterator[tuple[str, bytes]]:
    yield "", frame.header_bytes[:2]
    yield "extended length", frame.header_bytes[2:]
    yield "masking key", frame.masking_key
    yield "payload", frame.payload_start[:PAYLOAD_DRAWN]


def _edge(row: Row) -> str:
    return EDGE[: BYTE_WIDTH * len(row) + 2]


def _first_names(row: Row) -> Iterator[str]:
    """The row with the fields of the first two bytes: their names and their bits."""
    size, rest = BYTE_WIDTH * len(row[:2]) + 2, row[2:]
    blank = _names([("", byte) for _, byte in rest])
    yield FIRST_EDGE[:size] + _edge(row)[size:]
    for names in FIRST_NAMES:
        yield names[:size] + (_names(rest) if "opcode" in names else blank)
    bits = "".join(f"{byte:08b}" for _, byte in row[:2])
    fields = "|".join(
        " ".join(bits[start:end]) for start, end in pairwise(FIRST_BITS) if start < len(bits)
    )
    yield f" |{fields}|{blank}"


def _names(row: Row) -> str:
    """The names of the parts that these bytes belong to, each centred over its bytes."""
    runs = [(name, len(list(run))) for name, run in groupby(row, key=itemgetter(0))]
    return "".join(name.center(BYTE_WIDTH * size - 1) + "|" for name, size in runs)
