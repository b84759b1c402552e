"""RFC 7692 §7.2: blocks of each kind, the window from message to message, and its agreed size."""

from __future__ import annotations

import zlib

from ...protocol.deflate.codec import TAIL
from ..case import Case, Level, Need
from ..frames import GOOD_BYE, HELLO, frame, text
from ..opening import Opening
from ..outcomes import Echoes, Fails, failed
from ..survey import OFFER
from .deflate_offers import NAME
from .deflate_payloads import (
    AGAIN,
    DOCUMENT,
    ECHO,
    EMPTY,
    EMPTY_FIXED,
    FARTHEST,
    FINAL,
    FIXED,
    HELLO_ONCE,
    HELLO_TWICE,
    NOT_DEFLATE,
    STORED,
    TAKEOVER,
    THIS_OFFER,
    TWO_BLOCKS,
    VARIED,
    compressed,
    deflated,
    echoed,
    in_a_row,
    single_bytes,
)

BLOCKS = (
    echoed(
        "7.2.3.1-one-block",
        "A compressed message is inflated: the example of the RFC, with fixed codes.",
        "7692-6.2-01",
        HELLO_ONCE,
        compressed(FIXED),
    ),
    echoed(
        "7.2.1-dynamic-block",
        "A block may have codes of its own.",
        "7692-7.2.1-05",
        (text(VARIED[:2000]),),
        compressed(deflated(VARIED[:2000])),
    ),
    echoed(
        "7.2.3.3-stored-block",
        "A block may be stored: a message is compressed if RSV1 says so, however it is coded.",
        "7692-7.2.3.3-01",
        HELLO_ONCE,
        compressed(STORED),
    ),
    echoed(
        "7.2.3.5-two-blocks",
        "A message may consist of several blocks.",
        "7692-7.2.1-04",
        HELLO_ONCE,
        compressed(TWO_BLOCKS),
    ),
    echoed(
        "7.2.1-a-flush-after-each-byte",
        "An empty stored block, 00 00 ff ff, may be anywhere between the blocks of a message.",
        "7692-7.2.1-04",
        HELLO_ONCE,
        compressed(deflated(*single_bytes(HELLO))),
    ),
    echoed(
        "7.2.1-full-flushes",
        "After a full flush of zlib nothing refers to the bytes before it.",
        "7692-7.2.1-04",
        (text(DOCUMENT * 2),),
        compressed(deflated(DOCUMENT, DOCUMENT, flush=zlib.Z_FULL_FLUSH)),
    ),
    echoed(
        "7.2.3.4-final-block",
        "A block may have BFINAL=1: the end of the message is the end of its last frame.",
        "7692-7.2.1-06",
        HELLO_ONCE,
        compressed(FINAL + EMPTY),
    ),
    echoed(
        "7.2.3.4-final-block-then-a-message",
        "After a message that ended in a block with BFINAL=1 the next one is inflated too.",
        "7692-7.2.1-06",
        HELLO_TWICE,
        compressed(FINAL + EMPTY),
        compressed(FIXED),
    ),
    echoed(
        "7.2.3.4-final-block-then-a-block",
        "Blocks may follow one with BFINAL=1 in the same message.",
        "7692-7.2.1-06",
        (text(HELLO * 2),),
        compressed(FINAL + FIXED),
    ),
    echoed(
        "7.2.3.4-final-block-then-a-reference",
        "The window stays, also after a block with BFINAL=1.",
        "7692-7.2.2-06",
        HELLO_TWICE,
        compressed(FINAL + EMPTY),
        compressed(AGAIN),
        needs=TAKEOVER,
    ),
    echoed(
        "7.2.3.6-empty",
        "The payload 00 is an empty message.",
        "7692-7.2.3.6-01",
        (text(b""),),
        compressed(EMPTY),
    ),
    echoed(
        "7.2.1-empty-fixed-block",
        "An empty message may be an empty block with fixed codes.",
        "7692-7.2.1-05",
        (text(b""),),
        compressed(EMPTY_FIXED),
    ),
    echoed(
        "7.2.1-a-hundred-empty-blocks",
        "Empty blocks add nothing to a message.",
        "7692-7.2.1-04",
        HELLO_ONCE,
        compressed((EMPTY + TAIL) * 100 + FIXED),
    ),
    Case(
        "7692-7.2.3.6-no-payload",
        "No sender makes an empty payload with RSV1: a server may take it for an empty message.",
        "7692-7.2.3.6-01",
        Echoes((text(b""),)),
        (Fails(NOT_DEFLATE), *failed(*NOT_DEFLATE)),
        steps=(compressed(b""), GOOD_BYE),
        opening=Opening(offer=OFFER),
        needs=ECHO,
        level=Level.CHOICE,
    ),
)

CONTEXT = (
    echoed(
        "7.2.3.2-reference-to-the-message-before",
        "Without client_no_context_takeover in its answer, a server keeps the window.",
        "7692-7.2.2-06",
        HELLO_TWICE,
        compressed(FIXED),
        compressed(AGAIN),
        needs=TAKEOVER,
    ),
    echoed(
        "7.2.3.2-uncompressed-message-in-between",
        "Messages without RSV1 leave the window as it is.",
        "7692-7.2.3.2-01",
        (text(HELLO), text(b"plain"), text(HELLO)),
        compressed(FIXED),
        frame(*text(b"plain")),
        compressed(AGAIN),
        needs=TAKEOVER,
    ),
    echoed(
        "7.2.3.2-fifty-messages-in-one-context",
        "The window goes on from message to message.",
        "7692-7.1.1.2-05",
        (text(DOCUMENT),) * 50,
        *map(compressed, in_a_row(*(DOCUMENT,) * 50)),
        needs=TAKEOVER,
    ),
    echoed(
        "7.1.1.2-hint-alone-changes-nothing",
        "After an answer without client_no_context_takeover the window stays, offered or not.",
        "7692-7.1.1.2-05",
        HELLO_TWICE,
        compressed(FIXED),
        compressed(AGAIN),
        needs=TAKEOVER,
        offer=f"{NAME}; client_no_context_takeover",
    ),
    echoed(
        "7.2.3.2-no-reference",
        "A sender may begin each message with an empty window, although it need not.",
        "7692-7.2.1-12",
        HELLO_ONCE * 3,
        *[compressed(FIXED)] * 3,
    ),
    echoed(
        "7.2.1-server-no-context-takeover-is-kept",
        "With server_no_context_takeover a server begins each message with an empty window.",
        "7692-7.2.1-13",
        (text(VARIED[:400]),) * 3,
        *[compressed(deflated(VARIED[:400]))] * 3,
        needs=THIS_OFFER,
        offer=f"{NAME}; server_no_context_takeover; client_max_window_bits",
    ),
)


def beyond(size: int) -> bytes:
    """Text whose end is a repetition of its start, too far back for a window of this size."""
    return VARIED[: size + 60] + VARIED[:60]


WINDOWS = (
    *(
        echoed(
            f"7.2.1-server-window-of-{bits}-bits-is-kept",
            "What a server compresses refers to no byte before the agreed window.",
            "7692-7.2.1-17",
            (text(beyond(1 << bits)),),
            compressed(deflated(beyond(1 << bits))),
            needs=THIS_OFFER,
            offer=f"{NAME}; server_max_window_bits={bits}; client_max_window_bits",
        )
        for bits in range(8, 15)
    ),
    echoed(
        "7.2.2-reference-to-32768-bytes-before",
        "Without client_max_window_bits in its answer a server inflates with 32,768 bytes.",
        "7692-7.2.2-10",
        (text(VARIED[: 2**15] + VARIED[:258]),),
        # 2**15 bytes in a stored block, with LEN 00 80, then the reference.
        compressed(bytes.fromhex("00 00 80 ff 7f") + VARIED[: 2**15] + FARTHEST),
        needs=THIS_OFFER | {Need.LARGE},
        offer=NAME,
    ),
)
