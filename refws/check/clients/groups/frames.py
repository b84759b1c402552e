"""RFC 6455 §5.1, §5.2: the header of a frame from a server: mask, reserved bits, length."""

from __future__ import annotations

from collections.abc import Iterable

from ....protocol.close_codes import CloseCode
from ....protocol.frame import BINARY, CLOSE, FIN, PING, RSV1, RSV2, RSV3, TEXT, encode_frame
from ...case import Case, Drip, Group, Level, Need, Step
from ...outcomes import Echoes, Fails, failed
from ...seen import Message
from ..frames import HELLO, frame, sends, then_close
from ..outcomes import GoesOn, StaysOut

KEY = b"\x37\xfa\x21\x3d"

NORMAL = int(CloseCode.NORMAL_CLOSURE).to_bytes(2)

FAILED = failed(CloseCode.PROTOCOL_ERROR)

FIRST = FIN | TEXT
"""The first byte of a text message in one frame."""


def echoed(
    name: str,
    rule: str,
    requirement: str,
    *messages: Message,
    needs: Iterable[Need] = (),
    steps: tuple[Step, ...] = (),
) -> Case:
    """A case in which these messages come back; `steps` if they are sent in another way."""
    wanted = frozenset({Need.ECHO, *needs})
    return Case(
        name, rule, requirement, Echoes(messages), (), steps or sends(*messages), needs=wanted
    )


def illegal(name: str, rule: str, requirement: str, data: bytes) -> Case:
    """A case with bytes for which a client must fail the connection."""
    return Case(name, rule, requirement, Fails(), FAILED, (data,))


def too_long_form(name: str, rule: str, start: bytes, payload: bytes) -> Case:
    """A length in a longer form than it needs: senders must not use it, receivers should refuse."""
    weak, steps = (*FAILED, GoesOn()), (start + payload,)
    return Case(name, rule, "6455-5.2-11", Fails(), weak, steps, level=Level.SHOULD)


def message(opcode: int, size: int) -> Message:
    return Message(opcode, b"*" * size)


FRAMES = Group(
    "frames",
    "Frames: mask, reserved bits, length",
    (
        echoed("5.2-text", "A text message comes back as it is.", "6455-5.2-07", HELLO),
        echoed(
            "5.2-binary",
            "A binary message comes back as it is, as binary.",
            "6455-6.2-04",
            Message(BINARY, bytes(range(256))),
            needs=[Need.BINARY],
        ),
        echoed("5.2-empty-text", "A message may be empty.", "6455-5.2-08", message(TEXT, 0)),
        *(
            echoed(
                f"5.2-length-{size}",
                f"A message of {size:,} bytes, {words}.",
                "6455-5.2-08",
                message(TEXT, size),
                needs=[Need.LARGE] if size >= 2**16 else [],
            )
            for size, words in (
                (125, "the longest with a length of 7 bits"),
                (126, "the shortest with a length of 16 bits"),
                (256, "whose length tells the order of its two bytes"),
                (2**16 - 1, "the longest with a length of 16 bits"),
                (2**16, "the shortest with a length of 64 bits"),
            )
        ),
        echoed(
            "6.2-two-frames-in-one-packet",
            "Two frames that arrive together are two messages.",
            "6455-6.2-01",
            HELLO,
            message(TEXT, 3),
            steps=then_close(frame(*HELLO) + frame(*message(TEXT, 3)), messages=2),
        ),
        echoed(
            "6.2-frame-byte-by-byte",
            "A frame whose bytes arrive one by one is the same frame.",
            "6455-6.2-01",
            message(TEXT, 130),
            steps=then_close(Drip(frame(*message(TEXT, 130)), 0.001), messages=1),
        ),
        *(
            illegal(
                f"5.1-masked-{name}",
                f"A client must close a connection on which a {name} frame is masked.",
                "6455-5.1-05",
                encode_frame(opcode, payload, masking_key=KEY),
            )
            for name, opcode, payload in (
                ("text", TEXT, HELLO.data),
                ("ping", PING, HELLO.data),
                ("close", CLOSE, NORMAL),
            )
        ),
        illegal(
            "5.1-masked-with-zeros",
            "A masked frame is illegal even if its key is zero and changes nothing.",
            "6455-5.1-05",
            encode_frame(*HELLO, masking_key=bytes(4)),
        ),
        *(
            illegal(
                f"5.2-{name}",
                f"{name.upper().replace('-', ' ')} must be 0 if no extension gives it a meaning.",
                "6455-5.2-04",
                bytes([first, len(payload)]) + payload,
            )
            for name, first, payload in (
                ("rsv1", FIRST | RSV1, HELLO.data),
                ("rsv2", FIRST | RSV2, HELLO.data),
                ("rsv3", FIRST | RSV3, HELLO.data),
                ("rsv1-in-a-ping", FIN | PING | RSV1, HELLO.data),
                ("rsv3-in-a-close", FIN | CLOSE | RSV3, NORMAL),
            )
        ),
        *(
            illegal(
                f"5.2-opcode-{opcode:x}",
                f"Opcode {opcode:#x} is reserved.",
                "6455-5.2-05",
                encode_frame(opcode, HELLO.data),
            )
            for opcode in (0x3, 0x7, 0xB, 0xF)
        ),
        too_long_form(
            "5.2-length-126-for-125-bytes",
            "125 bytes fit a length of 7 bits, so one of 16 bits is not allowed.",
            bytes([FIRST, 126, 0, 125]),
            b"*" * 125,
        ),
        too_long_form(
            "5.2-length-127-for-126-bytes",
            "126 bytes fit a length of 16 bits, so one of 64 bits is not allowed.",
            bytes([FIRST, 127]) + (126).to_bytes(8),
            b"*" * 126,
        ),
        Case(
            "5.2-length-with-top-bit",
            "The first bit of a 64-bit length is 0: no length is negative.",
            "6455-5.2-09",
            Fails(),
            (*FAILED, StaysOut("no frame: it waits for more, as nothing forbids")),
            (bytes([FIRST, 127]) + (2**63 + 5).to_bytes(8) + HELLO.data,),
        ),
    ),
)
