"""RFC 7692: permessage-deflate: the offers, the blocks, then messages, and what breaks a rule."""

from __future__ import annotations

from ...protocol.deflate.codec import TAIL
from ...protocol.frame import BINARY, CLOSE, CONT, PING, PONG, TEXT
from ..case import Case, Group, Level, Need
from ..frames import GOOD_BYE, HELLO, binary, crafted, frame, text
from ..opening import Opening
from ..outcomes import (
    FAILURES,
    OF_A_LIMIT,
    WITHOUT_ERROR,
    Closes,
    Fails,
    Outcome,
    Pongs,
    Sends,
    failed,
)
from ..survey import OFFER
from .deflate_blocks import BLOCKS, CONTEXT, WINDOWS
from .deflate_offers import OFFERS
from .deflate_payloads import (
    AGAIN,
    ALL_BYTES,
    COMPRESSION,
    CUT,
    DOCUMENT,
    ECHO,
    EMPTY,
    EURO,
    FIXED,
    HELLO_ONCE,
    HELLO_TWICE,
    NOT_DEFLATE,
    RESERVED_BLOCK,
    TWO_BLOCKS,
    VARIED,
    WRONG_LENGTH,
    compressed,
    deflated,
    echoed,
    fragments,
    single_bytes,
)

MESSAGES = (
    echoed(
        "6-binary",
        "A compressed message has the opcode of the original; binary ones may be any bytes.",
        "7692-6.1-06",
        (binary(ALL_BYTES),),
        compressed(deflated(ALL_BYTES), BINARY),
        needs=ECHO | {Need.BINARY},
    ),
    echoed(
        "6-long",
        "A message of 65,536 bytes in a short compressed frame.",
        "7692-6.2-02",
        (text(b"*" * 65_536),),
        compressed(deflated(b"*" * 65_536)),
        needs=ECHO | {Need.LARGE},
    ),
    echoed(
        "6-long-and-varied",
        "A message of 65,536 bytes in a long compressed frame.",
        "7692-6.2-02",
        (text(VARIED),),
        compressed(deflated(VARIED)),
        needs=ECHO | {Need.LARGE},
    ),
    echoed(
        "6-uncompressed-message",
        "A message without RSV1 is taken as it is.",
        "7692-6-04",
        HELLO_ONCE,
        frame(*text(HELLO)),
    ),
    echoed(
        "6-uncompressed-fragments",
        "A message without RSV1 may be in fragments, on a connection with compression too.",
        "7692-6.2-03",
        HELLO_TWICE,
        frame(TEXT, HELLO[:2], fin=False),
        frame(CONT, HELLO[2:]),
        compressed(FIXED),
    ),
    echoed(
        "7.2.3.1-two-fragments",
        "A compressed message in two fragments: the example of the RFC, RSV1 in the first only.",
        "7692-6-03",
        HELLO_ONCE,
        *fragments(FIXED[:3], FIXED[3:]),
    ),
    echoed(
        "6.2-fragments-of-one-byte",
        "The payloads of all fragments are one stream for the inflater.",
        "7692-6-03",
        (text(DOCUMENT),),
        *fragments(*single_bytes(deflated(DOCUMENT))),
        weak=(Fails(OF_A_LIMIT),),
    ),
    echoed(
        "7.2.1-fragments-with-flushes",
        "A sender may flush at the end of a fragment; 00 00 ff ff then stays in its payload.",
        "7692-7.2.1-09",
        HELLO_ONCE,
        *fragments(TWO_BLOCKS[:8], TWO_BLOCKS[8:]),
    ),
    echoed(
        "7.2.3.6-empty-last-fragment",
        "A message may end with a fragment that inflates to nothing: 00.",
        "7692-7.2.3.6-01",
        HELLO_ONCE,
        *fragments(FIXED + TAIL, EMPTY),
    ),
    echoed(
        "6.2-empty-fragments",
        "Fragments of a compressed message may be empty: the payloads are one stream.",
        "7692-6-03",
        HELLO_ONCE,
        *fragments(b"", FIXED[:3], b"", FIXED[3:], b""),
    ),
    Case(
        "7692-6-ping-between-fragments",
        "Control frames may be between the fragments of a compressed message.",
        "6455-5.4-10",
        Pongs((b"between",), HELLO_ONCE, others=True),
        steps=(
            frame(TEXT, FIXED[:3], fin=False, rsv1=True),
            frame(PING, b"between"),
            frame(CONT, FIXED[3:]),
            GOOD_BYE,
        ),
        opening=Opening(offer=OFFER),
        needs=ECHO,
    ),
    Case(
        "7692-6-ping-is-not-inflated",
        "Control frames are never compressed, also if their payload looks like it.",
        "7692-6-01",
        Pongs((FIXED,), others=True),
        steps=(frame(PING, FIXED), GOOD_BYE),
        opening=Opening(offer=OFFER),
        needs=COMPRESSION,
    ),
    Case(
        "7692-6-close-between-fragments",
        "A Close is answered, also in the middle of a compressed message.",
        "6455-5.5.1-08",
        Closes(),
        (Closes(tuple(sorted(FAILURES | WITHOUT_ERROR))),),
        steps=(frame(TEXT, FIXED[:3], fin=False, rsv1=True), GOOD_BYE),
        opening=Opening(offer=OFFER),
        needs=COMPRESSION,
    ),
    echoed(
        "6.1-text-cut-inside-a-character",
        "Text is UTF-8 after inflating: a fragment may end inside a character.",
        "7692-6.1-07",
        (text(EURO),),
        *fragments(deflated(EURO[:1]) + TAIL, deflated(EURO[1:])),
    ),
)


def refused(
    name: str,
    rule: str,
    requirement: str,
    *frames: bytes,
    codes: tuple[int, ...] = (1002,),
    weak: tuple[Outcome, ...] = (),
    level: Level = Level.MUST,
) -> Case:
    """Frames for which a server must fail the connection."""
    return Case(
        f"7692-{name}",
        rule,
        requirement,
        Fails(codes),
        (*failed(*codes), *weak),
        steps=frames,
        opening=Opening(offer=OFFER),
        needs=COMPRESSION,
        level=level,
    )


BROKEN_FRAMES = (
    refused(
        "6.1-rsv1-in-a-continuation",
        "RSV1 must not be set in a frame that continues a message.",
        "7692-6.1-05",
        frame(TEXT, FIXED[:3], fin=False, rsv1=True),
        frame(CONT, FIXED[3:], rsv1=True),
    ),
    refused(
        "6.1-rsv1-only-in-the-continuation",
        "RSV1 must not be set in a frame that continues an uncompressed message either.",
        "7692-6.1-05",
        frame(TEXT, b"", fin=False),
        frame(CONT, FIXED, rsv1=True),
    ),
    *(
        refused(
            f"6.1-rsv1-in-a-{name}",
            "RSV1 must not be set in a control frame.",
            "7692-6.1-05",
            frame(opcode, payload, rsv1=True),
        )
        for name, opcode, payload in (
            ("ping", PING, FIXED),
            ("pong", PONG, b"pong"),
            ("close", CLOSE, (1000).to_bytes(2)),
        )
    ),
    refused(
        "6.1-rsv1-in-a-ping-between-fragments",
        "RSV1 must not be set in a control frame, inside a compressed message either.",
        "7692-6.1-05",
        frame(TEXT, FIXED[:3], fin=False, rsv1=True),
        frame(PING, b"ping", rsv1=True),
    ),
    *(
        refused(
            f"9.2-{name}",
            "permessage-deflate gives RSV1 a meaning; RSV2 and RSV3 have none.",
            "6455-5.2-04",
            crafted(start, FIXED),
        )
        for name, start in (("rsv1-and-rsv2", b"\xe1\x87"), ("rsv1-and-rsv3", b"\xd1\x87"))
    ),
    refused(
        "6-new-message-before-the-last-fragment",
        "A compressed message must not begin inside another one.",
        "6455-5.4-09",
        frame(TEXT, FIXED[:3], fin=False, rsv1=True),
        compressed(FIXED),
    ),
)

BROKEN_PAYLOADS = (
    refused(
        "7.2.2-reserved-block",
        "A payload that is not DEFLATE is no message: a block with BTYPE 11.",
        "7692-7.2.2-02",
        compressed(RESERVED_BLOCK),
        codes=NOT_DEFLATE,
    ),
    refused(
        "7.2.2-plain-text-with-rsv1",
        "A payload that is not DEFLATE is no message: plain text with RSV1.",
        "7692-7.2.2-02",
        compressed(b"Hello, world"),
        codes=NOT_DEFLATE,
    ),
    refused(
        "7.2.2-stored-block-with-a-wrong-length",
        "A payload that is not DEFLATE is no message: LEN and NLEN of a block do not fit.",
        "7692-7.2.2-02",
        compressed(WRONG_LENGTH),
        codes=NOT_DEFLATE,
    ),
    refused(
        "7.2.2-reference-before-the-start",
        "A payload that is not DEFLATE is no message: it refers to bytes before the first one.",
        "7692-7.2.2-02",
        compressed(AGAIN),
        codes=NOT_DEFLATE,
    ),
    refused(
        "7.2.2-zlib-format",
        "DEFLATE in this RFC has no header of zlib.",
        "7692-7.2.1-01",
        compressed(b"\x78\x9c" + FIXED),  # RFC 1950 §2.2: the header of zlib, CMF and FLG
        codes=NOT_DEFLATE,
    ),
    refused(
        "7.2.2-cut-inside-a-block",
        "A payload that ends inside a block is no message: the rest of it is missing.",
        "7692-7.2.2-02",
        compressed(CUT, BINARY),
        codes=NOT_DEFLATE,
        weak=(Sends(), Sends((binary(HELLO),)), Sends((binary(HELLO + TAIL),))),
        level=Level.SHOULD,
    ),
    refused(
        "6.1-text-is-not-utf-8-after-inflating",
        "Text must be UTF-8 after inflating.",
        "7692-6.1-07",
        compressed(deflated(b"\xff\xfe")),
        codes=(1007,),
    ),
    refused(
        "6.1-text-ends-inside-a-character",
        "Text must end with a whole character, after inflating.",
        "7692-6.1-07",
        compressed(deflated(EURO[:2])),
        codes=(1007,),
    ),
    refused(
        "6.1-fragmented-text-is-not-utf-8-after-inflating",
        "Text must be UTF-8 after inflating, over all fragments.",
        "7692-6.1-07",
        *fragments(deflated(EURO[:2]) + TAIL, deflated(b"!")),
        codes=(1007,),
    ),
)

DEFLATE = Group(
    "deflate",
    "permessage-deflate",
    (*OFFERS, *BLOCKS, *CONTEXT, *WINDOWS, *MESSAGES, *BROKEN_FRAMES, *BROKEN_PAYLOADS),
)
