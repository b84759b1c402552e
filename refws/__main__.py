"""`python3 -m refws [COMMAND]`: argv -> one of the commands, and its exit status."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "serve": "a WebSocket server with example endpoints, and a page to try them; also without "
    "this word",
    "connect": "a WebSocket client for the terminal, and for programs through a pipe",
    "explain": "bytes as frames, every bit with its meaning and its section",
    "accept": "the Sec-WebSocket-Accept of a Sec-WebSocket-Key, step by step",
    "replay": "a tape of --record explained again, or written as a capture for Wireshark",
}
"""The name of each command, which is that of its module in refws.commands, and what it does."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the first argument names, else `serve`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    name = arguments[0] if arguments and arguments[0] in COMMANDS else "serve"
    command = import_module(f"refws.commands.{name}")
    status: int = command.main(arguments[1:] if arguments[:1] == [name] else arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
