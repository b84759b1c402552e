"""RFC 6455 §5.2: the bytes of a header, whole or not -> its fields, its verdict, and the field to blame for it."""

from __future__ import annotations

from io import BytesIO

from ..protocol.errors import ConnectionFailure
from ..protocol.frame import LENGTH, LENGTH_16, LENGTH_64, MAX_LENGTH_7, Header, Side, parse_header, read_header

BLAMED = (
    ("RSV1", "RSV1"),
    ("RSV2", "RSV2"),
    ("opcode", "opcode"),
    ("masked frame", "MASK"),
    ("fragment of a control", "FIN"),
    ("bytes of payload", "length"),
    ("bytes or more", "length"),
    ("length", "extended length"),
    ("", "opcode"),
)
"""A word of what was seen -> the field that it is about; a frame out of order has the wrong opcode."""

BYTE_OF_FIELD = {"FIN": 0, "RSV1": 0, "RSV2": 0, "RSV3": 0, "opcode": 0, "MASK": 1, "length": 1, "extended length": 2}


def header_size(wire: bytes) -> int:
    """The bytes of a header: 2, 4 or 10 (§5.2); 2 as long as the second is not here."""
    return {LENGTH_16: 4, LENGTH_64: 10}.get(wire[1] & LENGTH, 2) if len(wire) > 1 else 2


def header_of(wire: bytes) -> Header:
    """The fields as they stand, legal or not; 0 for what is not here."""
    header = parse_header(wire[:2].ljust(2, b"\0"))
    return header.with_length(int.from_bytes(wire[2:])) if header.payload_length > MAX_LENGTH_7 else header


def judge_header(wire: bytes, sender: Side, rsv1_defined: bool) -> ConnectionFailure | None:
    """What an endpoint would refuse, having read these bytes of a header; None also where it would wait for more."""
    try:
        read_header(BytesIO(wire), sender is Side.CLIENT, rsv1_defined)
    except ConnectionFailure as failure:
        return failure
    except EOFError:
        pass
    return None


def blamed_field(failure: ConnectionFailure, header: Header) -> str:
    """The name of the field that a failure is about."""
    field = next(field for word, field in BLAMED if word in failure.seen)
    return "RSV3" if field == "RSV2" and not header.rsv2 else field
