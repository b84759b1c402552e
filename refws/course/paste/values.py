"""The values of a reading: bytes in chunks, each with its sender if the text shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...protocol.frame import Side

SHOWN = 20
"""Characters of a text that a message repeats."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that were sent in a row; `sender` is None if the text does not show it."""

    data: bytes
    sender: Side | None = None


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a text was read as.

    `description` names the form, such as "Wireshark hex dump, 3 lines". `notes` say what was
    assumed, and which other reading is possible. `cut_off` says what the text itself leaves out,
    "" if nothing. `form` is the name of the form for `--form`.
    """

    description: str
    chunks: tuple[Chunk, ...]
    notes: tuple[str, ...] = ()
    cut_off: str = ""
    form: str = ""

    @property
    def data(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)


class Way(NamedTuple):
    """A way to write bytes: `recognises` looks at the shape of a text.

    `read` reads all of it, or raises BadPaste.
    """

    recognises: Callable[[str], bool]
    read: Callable[[str], Pasted]


class CannotRead(ValueError):
    """What was given is not bytes in a form that is known; the message says what to do."""


class BadPaste(CannotRead):
    """The text cannot be read; the message names the line, what was seen and what to do.

    `before` is what the lines of hex before that one mean.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem
        self.before = b""

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


def shown(text: str) -> str:
    """The start of a text for a message, in ASCII."""
    return ascii(text[:SHOWN]) + ("..." if len(text) > SHOWN else "")


def counted(number: int, what: str) -> str:
    """A number and a noun, such as "1 line" or "3 lines"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def line_of(text: str, position: int) -> int:
    """The number of the line that a position is in, from 1."""
    return text.count("\n", 0, position) + 1
