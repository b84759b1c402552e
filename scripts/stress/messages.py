"""Messages that name themselves: all of their content follows from the first few characters."""

from __future__ import annotations

import dataclasses
import random
import re
from enum import Enum

from refws import Side

BINARY_NOISE = random.Random(6455).randbytes(1 << 20)
TEXT_NOISE = "".join(random.Random(7692).choices("abcdefgh, ä€𝄞\n", k=1 << 19))
HEAD = re.compile(r"([CS])(\d+)\.(\d+)\.([wfb])([tx])(\d+)\|")
MAX_HEAD = 60
"""Characters that the head of a message has at most."""

MAX_SIZE = 200_000
"""Characters or bytes; four times as many bytes of UTF-8 are still below the limit of refws."""

STRIDE = 7919
"""The contents of two messages begin at least this many characters apart in the noise."""

SIDES = {"C": Side.CLIENT, "S": Side.SERVER}


class Form(Enum):
    """How a message is sent."""

    WHOLE = "w"
    FRAGMENTS = "f"
    BROKEN = "b"
    """By an iterable that raises after its first fragments: it must never arrive as a whole."""


@dataclasses.dataclass(frozen=True)
class Message:
    """`number` counts the messages of one sending thread; `size` is in characters or bytes."""

    side: Side
    sender: int
    number: int
    form: Form
    is_text: bool
    size: int

    def __str__(self) -> str:
        kind = "text" if self.is_text else "binary"
        head = f"{self.side.value} {self.sender}, message {self.number}"
        return f"{head} ({kind}, {self.form.name.lower()}, {self.size})"

    @property
    def content(self) -> str | bytes:
        letter = "C" if self.side is Side.CLIENT else "S"
        kind = "t" if self.is_text else "x"
        head = f"{letter}{self.sender}.{self.number}.{self.form.value}{kind}{self.size}|"
        fill = max(0, self.size - len(head))
        start = (self.sender * 131 + self.number) * STRIDE % (len(TEXT_NOISE) - MAX_SIZE)
        if self.is_text:
            return head + TEXT_NOISE[start : start + fill]
        return head.encode() + BINARY_NOISE[start : start + fill]


def message_in(start: str | bytes) -> Message | None:
    """The message that these first characters name; None if they name none, or not completely."""
    text = start[:MAX_HEAD]
    found = HEAD.match(text if isinstance(text, str) else text.decode("latin-1"))
    if found is None:
        return None
    side, sender, number, form, kind, size = found.groups()
    message = Message(SIDES[side], int(sender), int(number), Form(form), kind == "t", int(size))
    return message if message.is_text is isinstance(start, str) else None
