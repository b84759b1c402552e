"""`python3 -m refws [COMMAND]`: arguments -> the command that runs, and its exit status."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

from . import __version__


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
python3 -m refws --version shows the versions of refws and of Python.
python3 -m refws COMMAND --help shows the options of a command."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the first argument names, or `serve` if there is none."""
    arguments = sys.argv[1:] if arguments is None else arguments
    first = arguments[0] if arguments else "serve"
    if first in ("-h", "--help"):
        print(HELP.format(commands="\n".join(command_lines())))
        return 0
    if first == "--version":
        print(f"refws {__version__} (Python {sys.version.split()[0]})")
        return 0
    if first.startswith("-"):
        return run("serve", arguments)
    if first not in COMMANDS:
        print(f"refws: {unknown_command(first)}", file=sys.stderr)
        return 2
    return run(first, arguments[1:])


def run(name: str, arguments: list[str]) -> int:
    """Run a command; its exit status. Only its module is imported, so that it starts fast."""
    status: int = import_module(f"refws.commands.{name}").main(arguments)
    return status


def command_lines() -> list[str]:
    return [
        f"  {name:<9}{command.effect}\n           {command.example}"
        for name, command in COMMANDS.items()
    ]


def unknown_command(word: str) -> str:
    """One line: the most similar command, if there is one, and the list of all commands."""
    from difflib import get_close_matches

    nearest = "".join(get_close_matches(word.lower(), COMMANDS, n=1))
    suggestion = f" (do you mean {nearest}?)" if nearest else ""
    *most, last = COMMANDS
    return f"there is no command {word!r}{suggestion}: give {', '.join(most)} or {last}"


if __name__ == "__main__":
    sys.exit(main())
