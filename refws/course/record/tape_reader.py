"""A tape -> its entries, each line checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import BinaryIO

from ...protocol.frame import Side
from ..text.characters import escape
from .tape import FIRST_WORDS, UNKNOWN, Address, BadRecording, Chunk, Opened

MAX_LINE = 1024 * 1024
"""The most characters of a line."""

START = re.compile(rf"{FIRST_WORDS}([0-9]{{1,9}})(?:, recorded (\S+?))?(?:,.*)?")
LINE = re.compile(r"(\S+)\s+(\S+)\s+(\S+)(?:\s+(.*))?")
SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
NUMBER = re.compile(r"[0-9]{1,9}")
ADDRESSES = re.compile(r"client=(\S+) server=(\S+)")
ADDRESS = re.compile(r"(?:\[([^\]%]*)(?:%[^\]]*)?\]|([^:]*)):([0-9]{1,5})")

SENDERS = {side.value: side for side in Side}

EXPECTED_START = f'"{FIRST_WORDS}1"'
EXPECTED_LINE = '"SECONDS CONNECTION client|server HEX", such as "0.25 1 client 81 00"'


class BadTape(BadRecording):
    """A line is wrong; the message has its number, what was seen, and what was expected."""

    def __init__(self, number: int, seen: str, expected: str) -> None:
        super().__init__("is no tape", f"line {number}: {seen}; expected {expected}")


class TapeReader:
    """The entries of a tape, in their order. BadTape at the first bad line, and for an empty file.

    `recorded` is when the recording began, in seconds since 1970; 0 if the tape does not say. A
    program that is killed may leave its last line without an end: if that line makes no sense, it
    is left out, and `cut_off` is set.
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

    def __iter__(self) -> Iterator[Opened | Chunk]:
        for number, text, whole in self._lines:
            try:
                entry = self._parse(number, text)
            except BadTape:
                if whole:
                    raise
                self.cut_off = True
                return
            yield entry

    found = True

    def notes(self) -> Iterator[str]:
        """What was left out, a line for each."""
        if self.cut_off:
            yield "the last line of the tape is cut off, and is left out"

    def _parse(self, number: int, text: str) -> Opened | Chunk:
        match = LINE.fullmatch(text)
        if match is None:
            raise BadTape(number, shown(text), EXPECTED_LINE)
        seconds, connection = parse_seconds(number, match[1]), parse_number(number, match[2])
        word, rest = match[3], match[4] or ""
        if word == "open":
            return self._open(number, seconds, connection, rest)
        if word not in SENDERS:
            raise BadTape(number, f"{shown(word)} in place of the sender", "client, server or open")
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
    """(number, text without comment, whether it has a line end) of each line that is not empty."""
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
        if len(line) > MAX_LINE:
            raise BadTape(
                number,
                f"a line of more than {MAX_LINE} characters",
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
        number, f"{shown(text)} in place of the time", "seconds since the start, such as 0.25"
    )


def parse_number(number: int, text: str) -> int:
    if NUMBER.fullmatch(text):
        return int(text)
    raise BadTape(number, f"{shown(text)} in place of the connection", "a whole number, such as 1")


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
    """The start of a text from a tape, in quotes."""
    return f'"{escape(text[:40])}"' + ("..." if len(text) > 40 else "")
