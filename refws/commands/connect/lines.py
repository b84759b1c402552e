"""RFC 6455 §5.5, §5.6, §7.1: a typed line -> what to send."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ...protocol.close_codes import CloseCode
from ...protocol.http import quote


class InputError(ValueError):
    """A line cannot be obeyed, and nothing is sent. The message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Send:
    """One message: text, binary, or the fragments of a text."""

    message: str | bytes | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendPing:
    """If `data` is None, the connection chooses the payload."""

    data: str | None


@dataclass(frozen=True, slots=True)
class SendPong:
    data: str


@dataclass(frozen=True, slots=True)
class SendClose:
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class SendRaw:
    """Bytes that go on the wire as they are, so that a learner can break rules."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Mute:
    """Stop answering Pings, as a peer that has vanished does, or answer them again."""

    muted: bool


@dataclass(frozen=True, slots=True)
class Help:
    pass


Action = Send | SendPing | SendPong | SendClose | SendRaw | Mute | Help


def parse_line(line: str) -> Action:
    """The action that a typed line asks for. InputError if it asks for none."""
    if any("\ud800" <= character <= "\udfff" for character in line):
        raise InputError(
            "the line is not UTF-8, as text must be (§5.6): /binary HEX sends any bytes"
        )
    if not line.startswith("/"):
        return Send(line)
    if line.startswith("//"):
        return Send(line[1:])
    word, _, rest = line.partition(" ")
    if word not in COMMANDS:
        raise InputError(
            f"there is no command {quote(word)}: {did_you_mean(word)}/help lists the commands, and "
            "a text begins with //"
        )
    return COMMANDS[word].parse(rest)


def did_you_mean(word: str) -> str:
    from difflib import get_close_matches

    meant = OTHER_WORDS.get(word.lower()) or next(iter(get_close_matches(word, COMMANDS, n=1)), "")
    return f"did you mean {meant}? " if meant else ""


def parse_ping(rest: str) -> SendPing:
    return SendPing(rest or None)


def parse_close(rest: str) -> SendClose:
    code, _, reason = rest.partition(" ")
    if not re.fullmatch("[0-9]{1,4}", code or str(CloseCode.NORMAL_CLOSURE.value)):
        raise InputError(
            f"{quote(code)} is no close code: give a number of four digits, such as /close 1000 bye"
        )
    return SendClose(int(code or CloseCode.NORMAL_CLOSURE), reason)


def parse_fragments(rest: str) -> Send:
    if not rest:
        raise InputError(
            "there is nothing to send: give the fragments with | between them, such as "
            "/fragment Hel|lo"
        )
    return Send(tuple(rest.split("|")))


def parse_raw(rest: str) -> SendRaw:
    if not rest:
        raise InputError(
            "there is nothing to send: give bytes in hex, such as /raw 81 00, an unmasked "
            "empty text"
        )
    return SendRaw(parse_hex(rest))


def parse_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(
            f"{quote(text)} is not hex: give two digits for each byte, such as 01 fe ff"
        ) from None


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its arguments and effect, as /help shows them, and how to parse its arguments."""

    arguments: str
    effect: str
    parse: Callable[[str], Action]


COMMANDS = {
    "/ping": Command("[TEXT]", "send a Ping; its Pong is shown with the time it took", parse_ping),
    "/pong": Command("[TEXT]", "send an unsolicited Pong", SendPong),
    "/close": Command(
        "[CODE [REASON]]", "close the connection; CODE is 1000 unless given", parse_close
    ),
    "/binary": Command("HEX", "send a binary message", lambda rest: Send(parse_hex(rest))),
    "/fragment": Command(
        "A|B|C", "send a text in fragments; after A|B| the last is empty", parse_fragments
    ),
    "/raw": Command("HEX", "send bytes as they are, to break the rules", parse_raw),
    "/mute": Command("", "answer no Ping, to see what the server does", lambda rest: Mute(True)),
    "/unmute": Command("", "answer Pings again", lambda rest: Mute(False)),
    "/help": Command("", "show this list", lambda rest: Help()),
}


OTHER_WORDS = {
    "/quit": "/close",
    "/exit": "/close",
    "/bye": "/close",
    "/disconnect": "/close",
    "/hex": "/binary",
    "/bytes": "/binary",
    "/frame": "/raw",
    "/split": "/fragment",
    "/nopong": "/mute",
    "/?": "/help",
    "/commands": "/help",
}
"""What other programs call these commands."""


def help_lines() -> list[str]:
    """A line of help for each kind of line that can be typed."""
    usages = {f"{word} {command.arguments}": command.effect for word, command in COMMANDS.items()}
    usages = {
        "TEXT": "send a text message",
        "//TEXT": "send a text message that begins with /",
        **usages,
    }
    return [f"  {usage:<23} {effect}" for usage, effect in usages.items()]
