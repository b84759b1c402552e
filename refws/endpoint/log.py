"""RFC 6455 §7.1.7: addresses and errors for the log, so that no peer can forge a line of it."""

from __future__ import annotations

import traceback
from logging import Logger
from typing import Any

from ..protocol.authority import join_authority


def format_address(address: Any) -> str:
    """host:port as in a URI, or the path of a Unix socket with its control characters escaped."""
    if not isinstance(address, tuple):
        return ascii(address).strip("'") if address else "unix socket"
    return join_authority(*address[:2])


def log_error(logger: Logger, peer: str, what: str, error: BaseException) -> None:
    """Log an exception with its traceback."""
    logger.error("%s: %s\n%s", peer, what, indented_traceback(error))


def indented_traceback(error: BaseException) -> str:
    """The traceback, each line after a bar, so that no text in it looks like a line of the log."""
    text = "".join(traceback.format_exception(error))
    lines = ("".join(map(_escaped, line)) for line in text.splitlines())
    return "\n".join(f"  | {line}" for line in lines)


def _escaped(character: str) -> str:
    """The character in printable ASCII; only the section sign, which is ours, stays as it is."""
    return character if character == "§" else character.encode("unicode_escape").decode()
