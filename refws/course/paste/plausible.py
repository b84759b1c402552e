"""RFC 6455 §5.2: bytes -> how much they look like a WebSocket connection, and who sent them.

Where a text can be read in two ways, the reading that gives frames is the likelier one.
"""

from __future__ import annotations

from ...protocol.frame import MASK, Side
from ..explain.handshake import find_start_of_head
from ..explain.hints.evidence import size_of_frame

NO_FRAME, A_HEADER, WHOLE_FRAMES = 0, 1, 2
HEADS = (b"GET ", b"HTTP/1.")


def rate(data: bytes) -> int:
    """WHOLE_FRAMES if they end where the bytes end, A_HEADER if the first is legal, or NO_FRAME."""
    if data.startswith(HEADS):
        return WHOLE_FRAMES
    position = 0
    while position < len(data):
        start = data[position : position + 10]
        size = size_of_frame(start, masked_by(start), rsv1_defined=True)
        if size is None:
            return A_HEADER if position else NO_FRAME
        position += size
    return WHOLE_FRAMES if position == len(data) > 0 else A_HEADER


def masked_by(start: bytes) -> Side:
    return Side.CLIENT if start[1:2] and start[1] & MASK else Side.SERVER


def guess_sender(data: bytes) -> tuple[Side, str]:
    """The side that seems to have sent these bytes, and why."""
    if find_start_of_head(data) is not False:
        if data[:1] == b"G":
            return Side.CLIENT, "it begins with a request"
        return Side.SERVER, "it begins with a response"
    if len(data) < 2:
        return Side.CLIENT, "nothing shows the sender"
    if masked_by(data) is Side.CLIENT:
        return Side.CLIENT, "the first frame is masked"
    return Side.SERVER, "the first frame is not masked"
