"""What the cases send: frames, legal and illegal, as bytes."""

from __future__ import annotations

import os

from ..protocol.frame import BINARY, CLOSE, TEXT, encode_frame
from ..protocol.masking import mask
from .seen import Message

HELLO = b"Hello"


def text(data: bytes | str) -> Message:
    return Message(TEXT, data.encode() if isinstance(data, str) else data)


def binary(data: bytes) -> Message:
    return Message(BINARY, data)


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv1: bool = False) -> bytes:
    """A legal frame of a client, with a key of its own."""
    return encode_frame(opcode, payload, fin, rsv1, os.urandom(4))


def unmasked(opcode: int, payload: bytes = b"") -> bytes:
    return encode_frame(opcode, payload)


def crafted(start: bytes, payload: bytes = b"", key: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """A frame with a header that no encoder would write: `start`, the key, the masked payload."""
    return start + key + mask(payload, key)


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


GOOD_BYE = close(1000)
"""As a step of its own: it is sent only when the messages and Pongs that are the best outcome are
there, because an endpoint that has received a Close need send nothing else (§5.5.1, §5.5.2).
"""
