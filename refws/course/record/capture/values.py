"""The values between the steps of reading a capture: a packet of a file, a segment of TCP."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..tape import BadRecording

End = tuple[bytes, int]
"""One end of a TCP connection: 4 or 16 bytes of an IP address, and a port."""


class BadCapture(BadRecording):
    """The file is damaged; the message has the place, what was seen, and what was expected."""

    def __init__(self, offset: int, seen: str, expected: str) -> None:
        super().__init__("is a damaged capture", f"byte {offset}: {seen}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Packet:
    """What a capture has of one packet. Its last `cut` bytes were not kept.

    `nanoseconds` count from 1970; None if the file does not say when the packet was seen.
    """

    nanoseconds: int | None
    link: int
    data: bytes
    cut: int


@dataclass(frozen=True, slots=True)
class Segment:
    """RFC 9293 §3.1: a segment. The capture has no more of its data than `data`; `cut` follow."""

    source: End
    target: End
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    cut: int


class Skipped(Enum):
    """Why a packet is no segment that can be read."""

    NOT_IP = "not IP"
    NOT_TCP = "not TCP"
    FRAGMENT = "fragments of IP packets"
    DAMAGED = "damaged, or cut off within their headers"
