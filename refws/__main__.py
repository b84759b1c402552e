"""`python3 -m refws [COMMAND]`: arguments -> the command that runs, and its exit status."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import NamedTuple

from . import __version__
from .interruption import INTERRUPTED, raise_interruptions


class Command(NamedTuple):
    effect: str
    example: str


COMMANDS = {
    "serve": Command(
        "run a WebSocket server with example endpoints and a page to try them",
        "python3 -m refws serve --trace",
    ),
    "lesson": Command(
        "print a first lesson: seven steps, from the handshake to the close",
        "python3 -m refws lesson 3",
    ),
    "connect": Command(
        "open a connection from a terminal, or for a program through a pipe",
        "python3 -m refws connect ws://127.0.0.1:8080/echo",
    ),
    "check": Command(
        "check any WebSocket server, rule by rule, and say which line to mend",
        "python3 -m refws check ws://127.0.0.1:9000/",
    ),
    "watch": Command(
        "show what passes between any client and any server, and why it ends",
        "python3 -m refws watch ws://127.0.0.1:8080",
    ),
    "explain": Command(
        "take bytes apart: every bit of a frame, its meaning and its section",
        "python3 -m refws explain 81 05 48 65 6c 6c 6f",
    ),
    "accept": Command(
        "compute Sec-WebSocket-Accept from Sec-WebSocket-Key, step by step",
        "python3 -m refws accept dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "replay": Command(
        "explain a tape of --record again, or write it as a file for Wireshark",
        "python3 -m refws replay tape.txt --pcap out.pcap",
    ),
    "lab": Command(
        "play an attack on this machine, with the defence on a switch",
        "python3 -m refws lab poison --defence off",
    ),
}
"""The name of each command, which is also its module in refws.commands, and what it does.

They are in the order in which a newcomer tries them.
"""

HELP = """\
usage: python3 -m refws [COMMAND] [OPTIONS]

A WebSocket server to read beside RFC 6455, and tools to look at the protocol.

commands, in the order in which to try them, each with an example:
{commands}

Without a command, it runs serve.
python3 -m refws version shows the versions of refws and of Python.
python3 -m refws COMMAND --help shows the options of a command."""

URI = re.compile(r"(?i)(ws|wss|http|https)://.+")
PLACE = re.compile(r"(?i)(localhost|\[[0-9a-f:.]+\]|[a-z0-9-]+(\.[a-z0-9-]+)+)(:[0-9]+)?(/.*)?")
PORT = re.compile(r"[0-9]{4,5}")
BYTE = re.compile(r"(?i)(0x)?[0-9a-f]{2}")

OTHER_WORDS = {
    "connect": ("client", "open", "wscat", "websocat", "send", "ping", "listen"),
    "serve": ("server", "run", "start", "echo", "page"),
    "explain": ("decode", "parse", "dump", "frame", "inspect"),
    "check": ("test", "autobahn", "conformance", "validate"),
    "accept": ("key", "hash", "handshake"),
    "replay": ("pcap", "tape", "record"),
    "lesson": ("tutorial", "learn", "course"),
}
"""What people call the commands that have other names here."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the first argument names, or `serve` if there is none.

    0 if no one reads its output, as after `| head`: then there is nothing left to do.
    """
    from .course.text.terminal import drop_output, is_of_output

    try:
        status = choose(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        status = 0
    except OSError as error:
        if not is_of_output(error):
            raise
        print(f"refws: the output cannot be written, {error.strerror}", file=sys.stderr)
        status = 1
    finally:
        drop_output()
    return status


def choose(arguments: list[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    first, rest = (arguments[0], arguments[1:]) if arguments else ("serve", [])
    if first in ("help", "-h", "--help"):
        return show_help(rest if first == "help" else [])
    if first in ("version", "--version"):
        print(f"refws {__version__} (Python {sys.version.split()[0]})")
        return 0
    if first.startswith("-"):
        return run("serve", arguments)
    return run(first, rest) if first in COMMANDS else refuse(arguments)


def show_help(words: list[str]) -> int:
    """The help of the command that the first word names, or the list of all commands."""
    if not words:
        print(help_text())
        return 0
    return run(words[0], ["--help"]) if words[0] in COMMANDS else refuse(words)


def help_text() -> str:
    """The list of all commands, no wider than the terminal."""
    from .course.text.characters import WIDTH, fold_lines
    from .course.text.terminal import text_width

    width = text_width()
    lines = [
        f"  {name:<9}{command.effect}\n           {command.example}"
        if width == WIDTH
        else f"  {name}\n    {command.effect}\n    {command.example}"
        for name, command in COMMANDS.items()
    ]
    return fold_lines(HELP.format(commands="\n".join(lines)), width)


def run(name: str, arguments: list[str]) -> int:
    """Run a command; its exit status. Only its module is imported, so that it starts fast."""
    command = import_module(f"refws.commands.{name}").main
    try:
        raise_interruptions()
        status: int = command(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def refuse(words: list[str]) -> int:
    print(f"refws: {unknown_command(words)}", file=sys.stderr)
    return 2


def unknown_command(words: list[str]) -> str:
    """One line: that the first word is no command, what to write, and the list of all commands."""
    *most, last = COMMANDS
    instead = did_you_mean(words)
    return (
        f"there is no command {words[0]!r}{f': {instead}' if instead else '.'} The commands are "
        f"{', '.join(most)} and {last}"
    )


def did_you_mean(words: list[str]) -> str:
    """What is probably meant, as a question; the empty string if nothing is likely."""
    from difflib import get_close_matches
    from shlex import join

    word = words[0].lower()
    for name, others in OTHER_WORDS.items():
        if word in others:
            return f"did you mean {name}?"
    if nearest := get_close_matches(word, COMMANDS, n=1):
        return f"did you mean {nearest[0]}?"
    if not all(map(str.isprintable, words)):
        return ""
    guesses = {URI: ["connect"], PORT: ["serve", "--port"], BYTE: ["explain"]}
    for pattern, command in guesses.items():
        if pattern.fullmatch(word):
            return f"did you mean python3 -m refws {join([*command, *words])}?"
    if PLACE.fullmatch(word):
        return f"did you mean python3 -m refws {join(['connect', f'ws://{words[0]}', *words[1:]])}?"
    return ""


if __name__ == "__main__":
    sys.exit(main())
