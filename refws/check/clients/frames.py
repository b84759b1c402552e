"""What the cases send to a client: the frames of a server, legal and illegal."""

from __future__ import annotations

from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, PING, TEXT, encode_frame
from ..case import Step, Until
from ..seen import Message
from .outcomes import Said


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv1: bool = False) -> bytes:
    """A legal frame of a server, which has no masking key (§5.1)."""
    return encode_frame(opcode, payload, fin, rsv1)


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


GOOD_BYE = close(CloseCode.NORMAL_CLOSURE)

HELLO = Message(TEXT, b"Hello")


def then_close(*steps: Step, messages: int = 0, pongs: int = 0) -> tuple[Step, ...]:
    """These steps, then a Close once this number of messages and Pongs has arrived.

    A Close that is sent sooner may be answered before the program has seen the message.
    """
    return (*steps, Until(Said(messages, pongs)), GOOD_BYE)


def sends(*messages: Message) -> tuple[Step, ...]:
    """Each message in one frame, with its echo before the next one, and a Close."""
    steps: list[Step] = []
    for number, message in enumerate(messages, 1):
        steps += [frame(*message), Until(Said(number))]
    return (*steps, GOOD_BYE)


def pings(*payloads: bytes) -> tuple[Step, ...]:
    """Pings at once, and a Close after their Pongs."""
    data = b"".join(frame(PING, payload) for payload in payloads)
    return then_close(data, pongs=len(payloads))
