"""RFC 9112, client side: the response to an opening handshake: its head, and the body after a head
that opened nothing.

The end of a body is known by the status, by chunks, by Content-Length or by the end of the stream,
in this order (§6.3). Nothing in it is refused: where the framing makes no sense, the body ends, and
what came before is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from ..errors import Fault, HandshakeError
from ..http import (
    CRLF,
    FIELD_VALUE,
    MAX_LINE_SIZE,
    MAX_QUOTED,
    TLS_HANDSHAKE_RECORD,
    Headers,
    HeadReader,
    LineReader,
    Response,
    ascii_lower,
    check_line_ends,
    list_elements,
    parse_field,
    quote,
    read_field_lines,
    without_line_end,
)

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
    """`response` with the body that `file` goes on with, cut off after `limit` bytes; no error if
    it ends too soon.

    Blocks until the body is there or the stream ends. A 101 has none, whatever its headers say:
    frames follow it.
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
    """The sizes of the runs of bytes that make up the body; `file` stands at the start of each
    (§6.3).
    """
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


MAX_INTERIM_RESPONSES = 4
"""Responses with 100, 103 and the like that a client passes over to get to the final one."""


TLS_ALERT_RECORD = b"\x15"


HTTP_NAME = b"HTTP/"


STATUS_LINE = re.compile(r"(HTTP/[0-9]\.[0-9]) ([0-9]{3}) (.*)")


def read_response(file: LineReader) -> Response:
    """The final response that `file` begins with, its head alone; not one byte behind the empty
    line is taken.

    Responses with 100, 103 and other 1xx but 101 may come before it (RFC 9110 §15.2): a few are
    passed over. Errors, limits and blocking are those of `read_request`, for each head. What is no
    HTTP is known by its first bytes.
    """
    for _ in range(1 + MAX_INTERIM_RESPONSES):
        response = _read_response_head(file)
        if response.status_code >= 200 or response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return response
    expected = "the final response, such as 101 Switching Protocols"
    raise HandshakeError(
        [Fault("RFC 9110 §15.2", f"more than {MAX_INTERIM_RESPONSES} responses with 1xx", expected)]
    )


def _read_response_head(file: LineReader) -> Response:
    reader = HeadReader(file, "response")
    status_line = _read_status_line(reader)
    version, status_code, reason_phrase = _parse_status_line(status_line)
    field_lines = read_field_lines(reader)

    fields = [parse_field(line) for line in field_lines]
    faults = (
        *check_line_ends([status_line, *field_lines]),
        *_check_status_line(version, status_code, reason_phrase),
        *(field for field in fields if isinstance(field, Fault)),
    )
    if faults:
        raise HandshakeError(faults)
    headers = Headers(field for field in fields if not isinstance(field, Fault))
    return Response(status_code, reason_phrase, headers, version=version)


def _read_status_line(reader: HeadReader) -> bytes:
    too_long = Fault(
        "RFC 9112 §4", "a status line above the limit", f"at most {MAX_LINE_SIZE} bytes"
    )
    return reader.read_line(too_long, _read_http_name(reader.file))


def _read_http_name(file: LineReader) -> bytes:
    """`HTTP/`, or what there is of it. Looked at alone: what is no HTTP may never send the LF that
    a line waits for.
    """
    start = file.readline(1)
    if start in (TLS_HANDSHAKE_RECORD, TLS_ALERT_RECORD):
        raise HandshakeError(
            [Fault("§3", "a TLS record", "HTTP: this port speaks TLS, so use wss://")]
        )
    if start == HTTP_NAME[:1]:
        start += file.readline(len(HTTP_NAME) - 1)
    if HTTP_NAME.startswith(start):
        return start
    if (
        b" " <= start[-1:] <= b"~"
    ):  # words: the rest of them, to be shown, as far as the peer sends it
        start += file.readline(MAX_QUOTED)
    raise HandshakeError([_malformed_status_line(start)])


def _parse_status_line(line: bytes) -> tuple[str, int, str]:
    match = STATUS_LINE.fullmatch(without_line_end(line))
    if match is None:
        raise HandshakeError([_malformed_status_line(line)])
    return match[1], int(match[2]), match[3]


def _check_status_line(version: str, status_code: int, reason_phrase: str) -> Iterator[Fault]:
    if not version.startswith("HTTP/1."):
        yield Fault("RFC 9112 §2.3", f"version {quote(version)}", "HTTP/1.1")
    if not 100 <= status_code <= 599:
        yield Fault("RFC 9110 §15", f"status code {status_code}", "one of 100 to 599")
    if not FIELD_VALUE.fullmatch(reason_phrase):
        seen = f"status {status_code} with reason phrase {quote(reason_phrase)}"
        yield Fault("RFC 9112 §4", seen, "printable ASCII characters")


def _malformed_status_line(line: bytes) -> Fault:
    expected = (
        "HTTP/1.1 101 Switching Protocols, from a server that speaks HTTP/1.1: check host and port"
    )
    kind = "" if line.startswith(HTTP_NAME) else ", as in HTTP/0.9 or no HTTP at all"
    return Fault("RFC 9112 §4", f"status line {quote(without_line_end(line))}{kind}", expected)
