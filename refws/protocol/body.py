"""RFC 9112 §6, §7.1: the body behind the head of a response that opened no connection, to be shown to a person.

Its end is told by the status, by chunks, by Content-Length or by the end of the stream, in this order (§6.3). Nothing
in it is refused: where the framing makes no sense, the body ends, and what came before is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from .http import CRLF, Headers, LineReader, Response, ascii_lower, list_elements

MAX_BODY_SIZE = 64 * 1024
"""Bytes of a body that are read and kept."""

MAX_CHUNK_LINE_SIZE = 1024

CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
CONTENT_LENGTH = re.compile("[0-9]{1,18}")

WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class BodyReader(LineReader, Protocol):
    """A binary file, of which the body of a response needs one method more."""

    def read1(self, size: int, /) -> bytes: ...


def read_body(file: BodyReader, response: Response, limit: int = MAX_BODY_SIZE) -> Response:
    """`response` with the body that `file` goes on with, cut off after `limit` bytes; no error if it ends too soon.

    Blocks until the body is there or the stream ends. A 101 has none, whatever its headers say: frames follow it.
    """
    body = bytearray()
    try:
        for piece in _read_pieces(file, response, limit):
            body += piece
    except OSError:
        pass  # what came is worth more than how it broke off
    return replace(response, body=bytes(body))


def _read_pieces(file: BodyReader, response: Response, limit: int) -> Iterator[bytes]:
    for size in _find_runs(file, response, limit):
        while size and limit:
            piece = file.read1(min(size, limit))
            if not piece:
                return
            yield piece
            size -= len(piece)
            limit -= len(piece)
        if not limit:
            return


def _find_runs(file: LineReader, response: Response, limit: int) -> Iterator[int]:
    """The sizes of the runs of bytes that make up the body; `file` stands at the start of each (§6.3)."""
    headers = response.headers
    if response.status_code < 200 or response.status_code in WITHOUT_BODY:  # item 1
        return
    if _is_chunked(headers):  # items 3 and 4
        yield from _find_chunks(file)
    elif "Transfer-Encoding" not in headers and "Content-Length" in headers:  # items 5 and 6
        yield _content_length(headers)
    else:  # items 4 and 8: all that comes
        yield limit


def _is_chunked(headers: Headers) -> bool:
    encodings = list_elements(headers.get_all("Transfer-Encoding"))
    return bool(encodings) and ascii_lower(encodings[-1]) == "chunked"


def _content_length(headers: Headers) -> int:
    """0 for what is no length, and for two that differ: then there is no telling."""
    lengths = set(list_elements(headers.get_all("Content-Length")))
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if CONTENT_LENGTH.fullmatch(length) else 0


def _find_chunks(file: LineReader) -> Iterator[int]:
    """The sizes of the chunks (§7.1), up to the last one, of size 0, or to a line that is none."""
    while size := _parse_chunk_size(file.readline(MAX_CHUNK_LINE_SIZE)):
        yield size
        file.readline(len(CRLF))


def _parse_chunk_size(line: bytes) -> int:
    match = CHUNK_LINE.fullmatch(line)
    return int(match[1], 16) if match else 0
