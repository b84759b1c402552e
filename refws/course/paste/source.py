"""Arguments, a file or standard input -> chunks of bytes to explain, as they arrive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ...protocol.frame import Side
from ..record.capture.reader import is_capture
from ..record.recordings import GZIP, START_SIZE
from ..record.tape import FIRST_WORDS
from . import hex_text, table
from .dump_context import OTHER_LINES
from .plausible import HEADS, guess_sender
from .text import decode
from .values import BadPaste, CannotRead, Chunk, Pasted

CHUNK_SIZE = 64 * 1024
"""Bytes of a file that are read at once."""

RAW = "raw"
"""The form of bytes that are no text."""

TWO_HEADS = re.compile(rb"([A-Z]+ [^\r\n]+\r\n.*?\r\n\r\n)(HTTP/1\.\d .*?\r\n\r\n)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """What there is to explain. The fields are as in Pasted, but chunks may still be arriving."""

    form: str
    description: str
    chunks: Iterable[Chunk]
    notes: tuple[str, ...] = ()
    cut_off: str = ""

    @property
    def begins_with_heads(self) -> bool | None:
        """Whether both sides begin with a head; None if the first byte shows it."""
        return True if self.form in table.WITH_HEADS else None


def from_text(text: str, form: str | None) -> Source:
    """BadPaste if the text is not bytes in any form, or not in this one."""
    if form == RAW:
        return Source(RAW, "the text itself", [Chunk(text.encode("utf-8", "surrogateescape"))])
    return of(table.read(text, form))


def of(pasted: Pasted) -> Source:
    return Source(pasted.form, pasted.description, pasted.chunks, pasted.notes, pasted.cut_off)


def from_lines(file: BinaryIO, form: str | None) -> Source:
    """Text of standard input. Lines of plain hex are explained as they arrive."""
    first = b""
    for line in file if form in (None, "hex") else ():
        first += line
        if line.strip():
            break
    start = decode(first)
    if start is not None and (form == "hex" or (start.strip() and is_live(start))):
        return Source("hex", "hex, line by line", live(start, file))
    return from_text(text_of(first + file.read()), form)


def is_live(line: str) -> bool:
    """Whether a first line is plain hex, and nothing else that may need the lines after it."""
    if not hex_text.is_plain(line) or OTHER_LINES.fullmatch(line.rstrip()):
        return False
    try:
        pasted = table.read(line)
    except BadPaste:
        return False
    return pasted.form == "hex" and not pasted.notes and not pasted.cut_off


def live(start: str, file: BinaryIO) -> Iterator[Chunk]:
    lines = (line.decode("utf-8", "replace") for line in file)
    for data in hex_text.read_lines(line for part in ([start], lines) for line in part):
        yield Chunk(data)


def text_of(data: bytes) -> str:
    refuse_other_files(data)
    text = decode(data)
    if text is None:
        number = first_bad_line(data)
        raise BadPaste(number, "bytes that are no text: give --file - for frames as raw bytes")
    return text


def first_bad_line(data: bytes) -> int:
    lines = data.split(b"\n")
    return next((number for number, line in enumerate(lines, 1) if decode(line) is None), 1)


def from_file(file: BinaryIO, form: str | None, sender: Side | None) -> Source:
    """A file of text in some form, or of raw bytes, which are read as they arrive."""
    first = file.read1(CHUNK_SIZE) if hasattr(file, "read1") else file.read(CHUNK_SIZE)
    if form is None:
        refuse_other_files(first)
    if form not in (None, RAW):
        data = first + file.read()
        return from_text(decode(data) or data.decode("utf-8", "replace"), form)
    if form is None and first and decode(first, cut=True) is not None:
        first += file.read()
        if (text := decode(first)) is not None:
            return from_text(text, None)
    text = first.decode("utf-8", "surrogateescape")
    if form is None and table.is_log(text):
        return from_text(text + file.read().decode("utf-8", "surrogateescape"), None)
    return Source(RAW, "raw bytes", raw_chunks(file, first, sender))


def raw_chunks(file: BinaryIO, first: bytes, sender: Side | None) -> Iterator[Chunk]:
    """The bytes; a request and its response at the start are given to their senders."""
    if sender is None and first.startswith(HEADS) and (heads := TWO_HEADS.match(first)):
        sender = guess_sender(heads[3])[0]
        yield Chunk(heads[1], Side.CLIENT)
        yield Chunk(heads[2], Side.SERVER)
        first = heads[3]
    while first:
        yield Chunk(first, sender)
        first = file.read(CHUNK_SIZE)


def refuse_other_files(data: bytes) -> None:
    """CannotRead for a file that holds bytes in a way of its own, and what to do with it."""
    if is_capture(data[:START_SIZE]):
        raise CannotRead(
            "this is a capture (pcap or pcapng) of packets, not the bytes of one connection: "
            "give it with --file and without --form"
        )
    if data.startswith(FIRST_WORDS.encode()):
        raise CannotRead("this is a tape: give it to python3 -m refws replay --full")
    if data.startswith(GZIP):
        raise CannotRead("this is compressed with gzip: give the file that gunzip makes of it")
