"""RFC 6455 §5.1, §5.2, §5.3: the header of a frame, its mask and its length."""

from __future__ import annotations

from ...protocol.frame import BINARY, CLOSE, CONT, FIN, PING, PONG, RSV1, RSV2, RSV3, TEXT
from ...protocol.masking import mask
from ..case import Case, Drip, Group, Level, Until
from ..frames import GOOD_BYE, HELLO, binary, crafted, frame, text, unmasked
from ..outcomes import Echoes, Pongs, Sends
from ..tables import cut, echoes, fails, in_packets

MASKED = 0x80
NORMAL = (1000).to_bytes(2)

HELLO_TEXT, SECOND_TEXT = text(HELLO), text("and a second one")
LONG_TEXT = text("0123456789" * 30)
"""300 bytes: its length is in 16 bits."""


def first_byte(opcode: int, payload: bytes = b"", rsv: int = 0, fin: int = FIN) -> bytes:
    """A frame with any first byte, and a payload of at most 125 bytes."""
    return crafted(bytes((fin | rsv | opcode, MASKED | len(payload))), payload)


# §5.1: every frame of a client is masked

UNMASKED = "A server must end a connection on which a frame of the client is not masked."


def not_masked(name: str, *frames: bytes) -> Case:
    return fails(f"5.1-unmasked-{name}", UNMASKED, "6455-5.1-02", *frames)


MASKING = (
    not_masked("text", unmasked(*HELLO_TEXT)),
    not_masked("binary", unmasked(BINARY, HELLO)),
    not_masked("empty-text", unmasked(TEXT)),
    not_masked("ping", unmasked(PING, HELLO)),
    not_masked("pong", unmasked(PONG)),
    not_masked("close", unmasked(CLOSE, NORMAL)),
    not_masked("continuation", frame(TEXT, b"Hel", fin=False), unmasked(CONT, b"lo")),
    not_masked(
        "ping-between-fragments", frame(TEXT, b"Hel", fin=False), unmasked(PING), frame(CONT, b"lo")
    ),
    fails(
        "5.1-unmasked-after-a-masked-one",
        "Each frame must be masked, not only the first one.",
        "6455-5.1-02",
        frame(*HELLO_TEXT),
        Until(Sends((HELLO_TEXT,))),
        unmasked(*HELLO_TEXT),
        messages=(HELLO_TEXT,),
    ),
)


# §5.3: the masking key

LETTERS = b"abcdefghijklmnopqrstuvwxyz"


def keyed(name: str, rule: str, key: bytes, payload: bytes = HELLO) -> Case:
    data = crafted(bytes((FIN | TEXT, MASKED | len(payload))), payload, key)
    return echoes(f"5.3-{name}", rule, "6455-5.3-06", (text(payload),), data)


def of_length(length: int) -> Case:
    rule = "Byte i of a payload is masked with byte i modulo 4 of the key, also at its end."
    return echoes(f"5.3-payload-of-{length}-bytes", rule, "6455-5.3-06", (text(LETTERS[:length]),))


KEYS = (
    keyed("key-of-zeros", "A key may be 0: then the payload looks as if not masked.", bytes(4)),
    keyed("key-of-ones", "Each bit of a key counts.", b"\xff\xff\xff\xff"),
    keyed("key-is-the-payload", "A masked payload may be all zeros.", b"Hell", b"HellHellHell"),
    keyed(
        "payload-looks-like-a-close",
        "A masked payload may look like frames: only the length says where it ends.",
        mask(b"Hell", unmasked(CLOSE, NORMAL)),
        b"HellHellHello",
    ),
    keyed("key-looks-like-http", "A key may look like the start of a request.", b"GET "),
    *(of_length(length) for length in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)),
    echoes(
        "5.3-a-key-for-each-frame",
        "Each frame has a key of its own; a payload is unmasked with the key of its frame.",
        "6455-5.3-02",
        (HELLO_TEXT, SECOND_TEXT, HELLO_TEXT),
    ),
    echoes(
        "5.3-a-key-for-each-fragment",
        "In each fragment the masking starts again, with the first byte of a new key.",
        "6455-5.3-06",
        (HELLO_TEXT,),
        frame(TEXT, b"H", fin=False),
        frame(CONT, b"ell", fin=False),
        frame(CONT, b"o"),
    ),
)


# §5.2: the opcode, and the reserved bits


def reserved_opcode(opcode: int) -> Case:
    rule = "A server must fail the connection when a frame has an opcode without a meaning."
    return fails(f"5.2-opcode-{opcode:#x}", rule, "6455-5.2-05", first_byte(opcode, HELLO))


OPCODES = (
    *map(reserved_opcode, (*range(0x3, 0x8), *range(0xB, 0x10))),
    fails(
        "5.2-opcode-0x3-without-payload",
        "A frame with a reserved opcode is an error also if it is empty.",
        "6455-5.2-05",
        first_byte(0x3),
    ),
    fails(
        "5.2-opcode-0x5-after-a-message",
        "A message before the error is still answered.",
        "6455-5.2-05",
        frame(*HELLO_TEXT),
        Until(Sends((HELLO_TEXT,))),
        first_byte(0x5, HELLO),
        messages=(HELLO_TEXT,),
    ),
    fails(
        "5.2-opcode-0xb-between-fragments",
        "A reserved control opcode is an error between fragments, too.",
        "6455-5.2-05",
        frame(TEXT, b"Hel", fin=False),
        first_byte(0xB),
        frame(CONT, b"lo"),
    ),
)

RSV_NAMES = {RSV1: "rsv1", RSV2: "rsv2", RSV3: "rsv3"}


def reserved_bits(
    rsv: int,
    where: str = "",
    frame: bytes = b"",
    before: tuple[bytes, ...] = (),
) -> Case:
    name = "-".join(name for bit, name in RSV_NAMES.items() if rsv & bit) + where
    rule = "A server must fail the connection when a reserved bit is 1 and no extension uses it."
    steps = (*before, frame or first_byte(TEXT, HELLO, rsv))
    return fails(f"5.2-{name}", rule, "6455-5.2-04", *steps)


RSV = (
    *map(reserved_bits, (RSV1, RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3, RSV2 | RSV3)),
    reserved_bits(RSV1 | RSV2 | RSV3),
    reserved_bits(RSV1, "-in-binary", first_byte(BINARY, HELLO, RSV1)),
    reserved_bits(RSV2, "-in-an-empty-text", first_byte(TEXT, rsv=RSV2)),
    reserved_bits(RSV1, "-in-a-ping", first_byte(PING, HELLO, RSV1)),
    reserved_bits(RSV2, "-in-a-ping", first_byte(PING, HELLO, RSV2)),
    reserved_bits(RSV3, "-in-a-pong", first_byte(PONG, b"", RSV3)),
    reserved_bits(RSV1, "-in-a-close", first_byte(CLOSE, NORMAL, RSV1)),
    reserved_bits(
        RSV3,
        "-in-a-continuation",
        first_byte(CONT, b"lo", RSV3),
        before=(frame(TEXT, b"Hel", fin=False),),
    ),
)


# §5.2: the length


def lengths(length: int) -> tuple[Case, Case]:
    rule = "A message of {} bytes comes back: its length is in the {}."
    where = "7 bits" if length < 126 else "16 bits" if length < 2**16 else "64 bits"
    rule = rule.format(f"{length:,}", where)
    return (
        echoes(f"5.2-text-of-{length}-bytes", rule, "6455-5.2-08", (text(b"*" * length),)),
        echoes(f"5.2-binary-of-{length}-bytes", rule, "6455-5.2-08", (binary(b"\xfe" * length),)),
    )


def length_in(size: int, length: int, opcode: int = TEXT) -> bytes:
    """A frame whose length is in `size` bytes, where fewer would do."""
    start = bytes((FIN | opcode, MASKED | (126 if size == 2 else 127)))
    return crafted(start + length.to_bytes(size), b"*" * length)


def too_long_a_form(size: int, length: int) -> Case:
    """§5.2 binds the sender; that a receiver must notice is not said."""
    message = text(b"*" * length)
    return fails(
        f"5.2-length-{length}-in-{8 * size}-bits",
        "A length must be in the shortest form that fits; the best servers insist on it.",
        "6455-5.2-11",
        length_in(size, length),
        Until(Sends((message,))),
        GOOD_BYE,
        weak=(Echoes((message,)),),
        level=Level.CHOICE,
    )


def top_bit(name: str, length: int) -> Case:
    return fails(
        f"5.2-length-{name}",
        "The top bit of a length of 64 bits must be 0: such a length is an error, not a number.",
        "6455-5.2-09",
        crafted(b"\x82\xff" + length.to_bytes(8), HELLO),
        weak=(Sends(),),  # the rule is the sender's: nothing forbids a receiver to wait for more
    )


LENGTHS = (
    *(case for size in (0, 1, 125, 126, 127, 65535, 65536) for case in lengths(size)),
    echoes(
        "5.2-length-in-network-byte-order",
        "A length of 256 is 01 00 in 16 bits: the high byte comes first.",
        "6455-5.2-10",
        (text(b"*" * 256),),
    ),
    *(too_long_a_form(2, length) for length in (0, 5, 125)),
    *(too_long_a_form(8, length) for length in (5, 126)),
    fails(
        "5.2-length-of-a-ping-in-16-bits",
        "The shortest form is what a control frame needs, too.",
        "6455-5.2-11",
        length_in(2, 5, PING),
        Until(Sends(pongs=(b"*****",))),
        GOOD_BYE,
        weak=(Pongs((b"*****",)),),
        level=Level.CHOICE,
    ),
    top_bit("with-the-top-bit", 1 << 63 | len(HELLO)),
    top_bit("of-64-ones", 2**64 - 1),
)


# TCP is a stream: frames and packets have nothing to do with each other

STREAM = "TCP is a stream: a server must wait for the rest of a frame that has arrived in part."
PACKETS = "TCP is a stream: a server must take all the frames that arrive at once."
LONG_FRAME, HELLO_FRAME = frame(*LONG_TEXT), frame(*HELLO_TEXT)


def in_parts(name: str, data: bytes, *positions: int) -> Case:
    message = HELLO_TEXT if data is HELLO_FRAME else LONG_TEXT
    steps = in_packets(*cut(data, *positions))
    return echoes(f"5.2-{name}", STREAM, "6455-5.2-01", (message,), *steps)


def together(name: str, *frames: bytes) -> Case:
    messages = (HELLO_TEXT, SECOND_TEXT)
    return echoes(f"5.2-{name}", PACKETS, "6455-5.2-01", messages, *in_packets(*frames))


TWO_FRAMES = HELLO_FRAME + frame(*SECOND_TEXT)

ON_TCP = (
    in_parts("cut-after-the-first-byte", HELLO_FRAME, 1),
    in_parts("cut-before-the-key", HELLO_FRAME, 2),
    in_parts("cut-in-the-key", HELLO_FRAME, 4),
    in_parts("cut-before-the-payload", HELLO_FRAME, 6),
    in_parts("cut-in-the-payload", HELLO_FRAME, 9),
    in_parts("cut-before-the-16-bit-length", LONG_FRAME, 2),
    in_parts("cut-in-the-16-bit-length", LONG_FRAME, 3),
    in_parts("cut-everywhere", LONG_FRAME, 1, 2, 3, 4, 5, 8, 9, 100, 307),
    echoes("5.2-byte-by-byte", STREAM, "6455-5.2-01", (HELLO_TEXT,), Drip(HELLO_FRAME)),
    together("two-frames-in-one-packet", TWO_FRAMES),
    together("a-frame-and-a-half-in-one-packet", *cut(TWO_FRAMES, len(HELLO_FRAME) + 9)),
    together("a-frame-and-one-byte-in-one-packet", *cut(TWO_FRAMES, len(HELLO_FRAME) + 1)),
    echoes(
        "5.2-64-bit-length-byte-by-byte",
        STREAM,
        "6455-5.2-01",
        (text(b"*" * 2**16),),
        *in_packets(*cut(frame(TEXT, b"*" * 2**16), *range(1, 15))),
    ),
)

FRAMING = Group(
    "framing",
    "Frames: header, mask, length",
    (
        echoes("5.2-text", "A text message comes back as it is.", "6455-5.2-06", (HELLO_TEXT,)),
        *MASKING,
        *KEYS,
        *OPCODES,
        *RSV,
        *LENGTHS,
        *ON_TCP,
    ),
)
