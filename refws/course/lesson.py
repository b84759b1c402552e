"""A lesson: RFC 6455 step by step, each with a command to try."""

from __future__ import annotations

from dataclasses import dataclass

SERVER = "python3 -m refws --trace"
"""The command for the first terminal: a server that shows each frame."""

INTRODUCTION = "Run the server in one terminal, and the commands of the steps in another."


@dataclass(frozen=True, slots=True)
class Step:
    """A step: `text` explains it, and `command` shows it.

    `output` is what the command prints, empty if it asks the server. `live` is one more command,
    which asks the server too.
    """

    title: str
    section: str
    text: str
    command: str
    output: str = ""
    live: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        "The opening handshake",
        "§1.3, §4.2.2",
        "A WebSocket begins as an HTTP request. The server shows that it has read the request by "
        "computing Sec-WebSocket-Accept from the client's key.",
        "python3 -m refws accept dGhlIHNhbXBsZSBub25jZQ==",
    ),
    Step(
        "A frame",
        "§5.2",
        'After the handshake both sides send frames. This is "Hello" from a server: two bytes of '
        "header, and the text.",
        "python3 -m refws explain --brief 810548656c6c6f",
        '<- text FIN 5 "Hello"  legal',
    ),
)
