"""A tape: the bytes of connections as lines of text, written while they come, read again for a
replay.

    refws tape 1, recorded 2025-01-31T12:00:00+00:00, secrets redacted
    0.000000 1 open client=127.0.0.1:50000 server=127.0.0.1:8080
    0.000310 1 client 47 45 54 20 2f 20 48 ...
    0.000720 1 server 48 54 54 50 2f 31 2e ...
    5.003000 1 client end

Seconds since the start of the tape, the number of the connection, who sent, and the bytes in hex,
or `end` where that direction ends. Empty lines and what stands behind a # mean nothing. The line
`open` may be left out; then the bytes may begin with frames, and the addresses are not known.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from logging import Logger, getLogger
from time import monotonic
from typing import Any, BinaryIO

from ...endpoint.connection import Connection
from ...endpoint.log import format_address
from ...endpoint.taps import Tap as Trace
from ...protocol.frame import Side
from ...protocol.http import quote
from ..text.characters import escape
from .redaction import Redactor

PIECE = 16 * 1024
"""Most bytes in a line that is written."""

LONGEST_LINE = 1024 * 1024
"""Characters of a line that is read."""

START = re.compile(r"refws tape ([0-9]{1,9})(?:, recorded (\S+?))?(?:,.*)?")
LINE = re.compile(r"(\S+)\s+(\S+)\s+(\S+)(?:\s+(.*))?")
SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
NUMBER = re.compile(r"[0-9]{1,9}")
ADDRESSES = re.compile(r"client=(\S+) server=(\S+)")
ADDRESS = re.compile(r"(?:\[([^\]%]*)(?:%[^\]]*)?\]|([^:]*)):([0-9]{1,5})")

SENDERS = {side.value: side for side in Side}

UNKNOWN = "-"
"""Stands for the address of a Unix socket."""

EXPECTED_START = '"refws tape 1"'
EXPECTED_LINE = '"SECONDS CONNECTION client|server HEX", such as "0.25 1 client 81 00"'


class BadTape(ValueError):
    """A line that is none of a tape; the message says which, what is there, and what was expected."""

    def __init__(self, number: int, seen: str, expected: str) -> None:
        super().__init__(f"line {number}: {seen}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_address((self.host, self.port))


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection begins. The addresses are None where they are not known, or those of a Unix
    socket.
    """

    seconds: float
    connection: int
    client: Address | None
    server: Address | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one direction; no bytes are its end."""

    seconds: float
    connection: int
    sender: Side
    data: bytes


Entry = Opened | Chunk


# Writing


class Recorder:
    """For `serve(..., trace=recorder.choose)`, and `connect`: writes every connection to one tape.

    The file is opened at once, OSError if it cannot be, and begun anew with the first connection;
    so a program that does not get that far leaves an old tape as it is. Each line is written as
    soon as it is known: whoever kills the program loses the last one at most. Where the file takes
    no more, the recording ends, and the log says so.
    """

    def __init__(self, path: str, redact: bool = True, logger: Logger = getLogger("refws")) -> None:
        self._file = open(path, "ab", buffering=0, opener=open_private)
        self._path = path
        self._redact = redact
        self._logger = logger
        self._lock = threading.Lock()
        self._began = monotonic()
        self._count = 0
        self._off = False

    def choose(self, connection: Connection) -> Trace | None:
        """The trace of this connection; None once the recording has ended."""
        with self._lock:
            if self._off:
                return None
            if not self._count:
                self._begin()
            self._count += 1
            self._write(f"{self._now()} {self._count} open {self._addresses(connection)}")
            return RecordedConnection(self, self._count, self._redact)

    def note(self, recorded: RecordedConnection, sender: Side, data: bytes) -> None:
        """Write lines for these bytes."""
        with self._lock:
            if self._off:
                return
            start = f"{self._now()} {recorded.number} {sender.value}"
            written = recorded.redacted(sender, data)
            for first in range(0, len(written), PIECE):
                self._write(f"{start} {written[first : first + PIECE].hex(' ')}")
            if not data and sender not in recorded.ended:
                recorded.ended.add(sender)
                self._write(f"{start} end")

    def close(self) -> None:
        """End the recording."""
        with self._lock:
            self._off = True
            self._file.close()

    def _begin(self) -> None:
        with suppress(OSError):  # a pipe or terminal has nothing to forget
            self._file.truncate(0)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        self._began = monotonic()
        secrets = "secrets redacted, as ****" if self._redact else "secrets included"
        self._write(f"refws tape 1, recorded {now}, {secrets}")

    def _now(self) -> str:
        return f"{monotonic() - self._began:.6f}"

    def _addresses(self, connection: Connection) -> str:
        own, peer = connection.local_address, connection.remote_address
        client, server = (own, peer) if connection.side is Side.CLIENT else (peer, own)
        return f"client={format_tcp_address(client)} server={format_tcp_address(server)}"

    def _write(self, line: str) -> None:
        data = f"{line}\n".encode("ascii")
        try:
            while data and not self._off:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            self._off = True
            self._file.close()
            what = f"the recording to {quote(self._path)} has ended, {error.strerror or error}"
            self._logger.warning("%s; its whole lines are good", what)


class RecordedConnection:
    """The trace of one connection. What is told after the end of a direction never left, and is
    left out.
    """

    def __init__(self, recorder: Recorder, number: int, redact: bool) -> None:
        self.number = number
        self.ended: set[Side] = set()
        self._recorder = recorder
        self._redactors = {side: Redactor(side) for side in Side} if redact else {}

    def __call__(self, sender: Side, data: bytes) -> None:
        self._recorder.note(self, sender, data)

    def redacted(self, sender: Side, data: bytes) -> bytes:
        """The bytes to write down now; at the end of a direction all the rest."""
        if sender in self.ended:
            return b""
        redactor = self._redactors.get(sender)
        if redactor is None:
            return data
        return redactor.feed(data) if data else redactor.finish()


def open_private(path: str, flags: int) -> int:
    """For its owner alone, as a tape tells what people have sent."""
    return os.open(path, flags, 0o600)


def format_tcp_address(address: Any) -> str:
    """host:port as it stands in a URI; UNKNOWN for the address of a Unix socket."""
    return format_address(address) if isinstance(address, tuple) else UNKNOWN


# Reading


class TapeReader:
    """The entries of a tape, in their order. BadTape at the first line that is none, and for an
    empty file.

    `recorded` is when the recording began, in seconds since 1970, 0 if the tape does not say. The
    last line may lack its end, as one that was being written when its program was killed: if it
    makes no sense, it is left out, and `cut_off` is set.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = numbered(file)
        self._opened: set[int] = set()
        self._ended: set[tuple[int, Side]] = set()
        self.cut_off = False
        self.recorded = self._read_start()

    def _read_start(self) -> float:
        for number, text, _ in self._lines:
            match = START.fullmatch(text)
            if match is None:
                raise BadTape(number, shown(text), f"{EXPECTED_START}, the first line of a tape")
            if int(match[1]) != 1:
                raise BadTape(number, f"a tape of version {match[1]}", "version 1")
            return parse_date(number, match[2])
        raise BadTape(1, "nothing", f"{EXPECTED_START}, the first line of a tape")

    def __iter__(self) -> Iterator[Entry]:
        for number, text, whole in self._lines:
            try:
                entry = self._parse(number, text)
            except BadTape:
                if whole:
                    raise
                self.cut_off = True
                return
            yield entry

    def _parse(self, number: int, text: str) -> Entry:
        match = LINE.fullmatch(text)
        if match is None:
            raise BadTape(number, shown(text), EXPECTED_LINE)
        seconds, connection = parse_seconds(number, match[1]), parse_number(number, match[2])
        word, rest = match[3], match[4] or ""
        if word == "open":
            return self._open(number, seconds, connection, rest)
        if word not in SENDERS:
            raise BadTape(
                number, f"{shown(word)} where the sender stands", "client, server or open"
            )
        return self._chunk(
            number, Chunk(seconds, connection, SENDERS[word], parse_bytes(number, rest))
        )

    def _open(self, number: int, seconds: float, connection: int, rest: str) -> Opened:
        if connection in self._opened:
            raise BadTape(
                number,
                f"connection {connection} opened again",
                "another number, or its open line first",
            )
        self._opened.add(connection)
        match = ADDRESSES.fullmatch(rest)
        if match is None:
            raise BadTape(
                number, shown(rest), '"client=ADDRESS server=ADDRESS", each as 127.0.0.1:8080, or -'
            )
        return Opened(
            seconds, connection, parse_address(number, match[1]), parse_address(number, match[2])
        )

    def _chunk(self, number: int, chunk: Chunk) -> Chunk:
        direction = (chunk.connection, chunk.sender)
        if direction in self._ended:
            seen = f"more of the {chunk.sender.value} of connection {chunk.connection}"
            raise BadTape(number, seen, "nothing after its end")
        self._opened.add(chunk.connection)
        if not chunk.data:
            self._ended.add(direction)
        return chunk


def numbered(file: BinaryIO) -> Iterator[tuple[int, str, bool]]:
    """(number, text without comment, whether it has a line end) of the lines that say something."""
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
        if len(line) > LONGEST_LINE:
            raise BadTape(
                number,
                f"a line of more than {LONGEST_LINE} characters",
                "shorter ones: split its bytes",
            )
        text = line.decode("ascii", "backslashreplace").partition("#")[0].strip()
        if text:
            yield number, text, line.endswith(b"\n")


def parse_date(number: int, text: str | None) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except (ValueError, OverflowError):
        raise BadTape(
            number, shown(text or ""), "a date such as 2025-01-31T12:00:00+00:00, or none"
        ) from None


def parse_seconds(number: int, text: str) -> float:
    if SECONDS.fullmatch(text):
        return float(text)
    raise BadTape(
        number, f"{shown(text)} where the time stands", "seconds since the start, such as 0.25"
    )


def parse_number(number: int, text: str) -> int:
    if NUMBER.fullmatch(text):
        return int(text)
    raise BadTape(number, f"{shown(text)} where the connection stands", "a whole number, such as 1")


def parse_bytes(number: int, text: str) -> bytes:
    """The bytes in hex; none for `end`."""
    if text == "end":
        return b""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise BadTape(number, shown(text), "bytes in hex, two digits for each, or end") from None
    if not data:
        raise BadTape(number, "no bytes", "bytes in hex, two digits for each, or end")
    return data


def parse_address(number: int, text: str) -> Address | None:
    if text == UNKNOWN:
        return None
    match = ADDRESS.fullmatch(text)
    if match is None or not is_ip_address(match[1] or match[2]) or int(match[3]) > 65_535:
        raise BadTape(
            number,
            shown(text),
            "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080, or -",
        )
    return Address(match[1] or match[2], int(match[3]))


def is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def shown(text: str) -> str:
    """The start of the words of a tape, in quotes."""
    return f'"{escape(text[:40])}"' + ("..." if len(text) > 40 else "")
