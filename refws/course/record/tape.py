"""A tape: the bytes of connections as lines of text, and the values that the lines mean.

    refws tape 1, recorded 2025-01-31T12:00:00+00:00, secrets redacted
    0.000000 1 open client=127.0.0.1:50000 server=127.0.0.1:8080
    0.000310 1 client 47 45 54 20 2f 20 48 ...
    0.000720 1 server 48 54 54 50 2f 31 2e ...
    5.003000 1 client end

A line has the seconds since the start of the tape, the number of the connection, the sender, and
the bytes in hex, or `end` when that direction ends. Empty lines and the text after a # mean
nothing. The line `open` may be left out: then the bytes may begin with frames, and the addresses
are not known.

`recorder` writes a tape while the connections are open, `tape_reader` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ...endpoint.log import format_address
from ...protocol.frame import Side

FIRST_WORDS = "refws tape "
"""Before the version of the format."""

UNKNOWN = "-"
"""It is written instead of the address of a Unix socket."""

MAX_CHUNK = 16 * 1024
"""The most bytes of a connection in one line."""


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_address((self.host, self.port))


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection begins. An address is None if it is not known, or if it is a Unix socket's.

    `at_handshake` is None if frames may come first, because the connection was open before.
    """

    seconds: float
    connection: int
    client: Address | None
    server: Address | None
    at_handshake: bool | None = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one direction; no bytes mean its end."""

    seconds: float
    connection: int
    sender: Side
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of one direction that are not known. Only captures of networks have gaps."""

    seconds: float
    connection: int
    sender: Side
    size: int


Entry = Opened | Chunk | Gap


def is_midway(entry: Entry) -> bool:
    """Whether a connection begins with this entry though it was open before."""
    return isinstance(entry, Opened) and entry.at_handshake is None


class BadRecording(ValueError):
    """A file that cannot be read: `what` it is in words, and a message with the reason."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what


def first_line(recorded: datetime, redacted: bool) -> str:
    secrets = "secrets redacted, as ****" if redacted else "secrets included"
    return f"{FIRST_WORDS}1, recorded {recorded.isoformat(timespec='microseconds')}, {secrets}"


def lines_of(chunk: Chunk) -> Iterator[str]:
    """The lines for these bytes, or the one for the end of the direction."""
    start = f"{chunk.seconds:.6f} {chunk.connection} {chunk.sender.value}"
    if not chunk.data:
        yield f"{start} end"
    for first in range(0, len(chunk.data), MAX_CHUNK):
        yield f"{start} {chunk.data[first : first + MAX_CHUNK].hex(' ')}"
