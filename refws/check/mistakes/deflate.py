"""RFC 7692: mistakes of permessage-deflate: clues -> what to do, or ""."""

from __future__ import annotations

from ...course.explain.values import FrameExplanation
from ...protocol.deflate.negotiation import MAX_WINDOW_BITS
from ...protocol.frame import BINARY, CONT, PING, PONG, TEXT
from ..outcomes import FAILURES, Compresses
from .clues import Clues

NOT_INFLATED = (
    "a message whose first frame has RSV1=1 is compressed, text or binary: inflate it before you "
    "send it back (RFC 7692 §6.2)"
)
NOT_COMPRESSED = (
    "a message whose first frame has RSV1=0 is not compressed, also where permessage-deflate was "
    "agreed on: take it as it is, and leave the inflater alone (RFC 7692 §6)"
)
FINAL_BLOCK = (
    "zlib stops after a block with BFINAL=1, but the message goes on: make a new inflater, give it "
    "the last 32,768 bytes as its dictionary, and the rest of the payload (RFC 7692 §7.2.3.4)"
)
WINDOW_LOST = (
    "a message may refer to the ones before it: unless the answer has the no_context_takeover of "
    "its sender, keep one inflater for all messages of a connection (RFC 7692 §7.2.3.2)"
)
ONE_STREAM = (
    "the payloads of all fragments are one stream: RSV1 of the first frame counts for all, and 00 "
    "00 ff ff is appended once, at the end of the message (RFC 7692 §6.2, §7.2.2)"
)
INFLATING = (
    "append 00 00 ff ff to the payload, and inflate it as DEFLATE without a header, with a window "
    "of 32,768 bytes, until no byte is left (RFC 7692 §7.2.2)"
)

DEFLATING = (
    "compress to DEFLATE without a header, end with a sync flush, and take the last 4 bytes, 00 00 "
    "ff ff, away (RFC 7692 §7.2.1)"
)


def declines_the_offer(clues: Clues) -> str:
    agreement, best = clues.seen.agreement, clues.result.case.best
    if not isinstance(best, Compresses) or agreement is None or agreement.deflate is not None:
        return ""
    return (
        "the offer is valid: look at each one in the list, and answer the first one whose "
        "parameters the program supports (RFC 7692 §5)"
    )


def compresses_wrongly(clues: Clues) -> str:
    """On what the program has compressed itself: it fits no window that was agreed on."""
    agreement = clues.seen.agreement
    deflate = None if agreement is None else agreement.deflate
    if deflate is None or not clues.seen.violation.startswith("RFC 7692 §7.2.1"):
        return ""
    bits, fits_the_largest = deflate.server_max_window_bits, clues.illegal is None
    if deflate.server_no_context_takeover and clues.right_messages:
        return (
            "the answer has server_no_context_takeover: make a new compressor for each message "
            "(RFC 7692 §7.1.1.1)"
        )
    if bits < MAX_WINDOW_BITS and fits_the_largest:
        return (
            f"the answer has server_max_window_bits={bits}: compress with this window, which is "
            f"wbits=-{bits} for zlib (RFC 7692 §7.1.2.1)"
        )
    return DEFLATING


def inflates_wrongly(clues: Clues) -> str:
    """On the first message that did not come back, where permessage-deflate was agreed on."""
    agreement, right = clues.seen.agreement, clues.right_messages
    starts = [frame for frame in clues.sent if frame.header.opcode in (TEXT, BINARY)]
    missing = right < min(len(clues.messages), len(starts))
    if not clues.is_legal or not missing or agreement is None or agreement.deflate is None:
        return ""
    if clues.seen.violation or clues.has_sent(PING, PONG):
        return ""
    if not clues.messages[right].data:
        return INFLATING if clues.code in FAILURES else ""
    if not starts[right].compressed:
        return NOT_COMPRESSED
    if is_sent_back_raw(starts[right], clues):
        return NOT_INFLATED
    if any(frame.plain_start[:1] and frame.plain_start[0] & 1 for frame in starts[: right + 1]):
        return FINAL_BLOCK
    if right and not agreement.deflate.client_no_context_takeover:
        return WINDOW_LOST
    return ONE_STREAM if clues.has_sent(CONT) else INFLATING


def is_sent_back_raw(frame: FrameExplanation, clues: Clues) -> bool:
    """Whether the payload came back as it was, though it is compressed."""
    got = clues.seen.messages[clues.right_messages : clues.right_messages + 1]
    size, start = frame.header.payload_length, frame.plain_start
    return any(len(message.data) == size and message.data.startswith(start) for message in got)
