"""RFC 7692 §7.2: compressed payloads and their frames, and a case whose messages come back.

The payloads are from the examples of §7.2.3, made by zlib, or written by hand. They refer to at
most 256 bytes before, which every agreed window allows; FARTHEST is the exception.
"""

from __future__ import annotations

import zlib
from hashlib import shake_128

from ...protocol.deflate.codec import TAIL
from ...protocol.frame import CONT, TEXT
from ..case import Case, Need
from ..frames import GOOD_BYE, HELLO, frame, text
from ..opening import Opening
from ..outcomes import Echoes, Outcome
from ..seen import Message
from ..survey import OFFER

FIXED = bytes.fromhex("f2 48 cd c9 c9 07 00")  # §7.2.3.1: "Hello" in a block with fixed codes
AGAIN = bytes.fromhex("f2 00 11 00 00")  # §7.2.3.2: "Hello", five bytes back, and nothing else
STORED = bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00")  # §7.2.3.3: "Hello" as it is
FINAL = bytes.fromhex("f3 48 cd c9 c9 07 00")  # §7.2.3.4: FIXED with BFINAL=1, without its 00
TWO_BLOCKS = bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")  # §7.2.3.5: "He", "llo"
EMPTY = b"\x00"  # §7.2.3.6: the header of an empty stored block, nothing before it
EMPTY_FIXED = bytes.fromhex("02 00")  # a block with fixed codes that ends at once, then EMPTY

FARTHEST = bytes.fromhex("1a bd ff 1f 00")  # 258 bytes from 32,768 bytes back, with fixed codes
RESERVED_BLOCK = b"\x07"  # BTYPE 11, which RFC 1951 §3.2.3 reserves
WRONG_LENGTH = bytes.fromhex("00 05 00 00 00 48 65 6c 6c 6f 00")  # STORED, NLEN does not fit LEN
CUT = bytes.fromhex("00 64 00 9b ff 48 65 6c 6c 6f")  # a stored block of 100 bytes: 5 are there

VARIED = shake_128(b"refws").hexdigest(2**15).encode()
"""Text without repetitions that are worth a reference, so that each case places its own."""

DOCUMENT = b"A message that is repeated is a reference. " * 24

EURO = "€".encode()

ALL_BYTES = bytes(range(256))

COMPRESSION = frozenset({Need.DEFLATE, Need.AGREEMENT})
ECHO = COMPRESSION | {Need.ECHO}
THIS_OFFER = ECHO | {Need.THIS_OFFER}
TAKEOVER = ECHO | {Need.TAKEOVER}

NOT_DEFLATE = (1007, 1002)
"""The codes for a payload that cannot be inflated: RFC 7692 names none."""


def deflated(*parts: bytes, flush: int = zlib.Z_SYNC_FLUSH, strategy: int = 0) -> bytes:
    """The payload of one message, with a flush after each part."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -9, strategy=strategy)
    data = b"".join(deflater.compress(part) + deflater.flush(flush) for part in parts)
    return data.removesuffix(TAIL)


def in_a_row(*messages: bytes) -> list[bytes]:
    """The payloads of messages that refer to the ones before (§7.2.3.2)."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -9)
    return [
        (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        for message in messages
    ]


def compressed(payload: bytes, opcode: int = TEXT) -> bytes:
    return frame(opcode, payload, rsv1=True)


def fragments(*payloads: bytes, opcode: int = TEXT) -> tuple[bytes, ...]:
    """The frames of a compressed message: RSV1 is in the first one only (§6.1)."""
    first, *middle, last = payloads
    return (
        frame(opcode, first, fin=False, rsv1=True),
        *(frame(CONT, payload, fin=False) for payload in middle),
        frame(CONT, last),
    )


def single_bytes(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def echoed(
    name: str,
    rule: str,
    requirement: str,
    messages: tuple[Message, ...],
    *frames: bytes,
    weak: tuple[Outcome, ...] = (),
    needs: frozenset[Need] = ECHO,
    offer: str = OFFER,
) -> Case:
    """Compressed messages that come back, however the server sends them."""
    return Case(
        f"7692-{name}",
        rule,
        requirement,
        Echoes(messages),
        weak,
        steps=(*frames, GOOD_BYE),
        opening=Opening(offer=offer),
        needs=needs,
    )


HELLO_ONCE = (text(HELLO),)
HELLO_TWICE = HELLO_ONCE * 2
