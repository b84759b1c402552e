"""RFC 9112, client side: binary file -> the Response to an opening handshake, head and body.

`read_response` reads the head, and the heads of interim responses before it. `read_body` reads the
body of a response that is not a 101, so that a refusal can be shown in the server's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from ..errors import Fault, HandshakeError
from ..heads import (
    HEAD_LIMITS,
    TLS_HANDSHAKE_RECORD,
    HeadLimits,
    HeadReader,
    LineReader,
    check_line_ends,
    parse_field,
    read_field_lines,
    without_line_end,
)
from ..http import (
    CRLF,
    MAX_QUOTED,
    WITHOUT_BODY,
    Headers,
    Response,
    content_length,
    is_chunked,
    quote,
)

MAX_INTERIM_RESPONSES = 4
"""Interim responses (100, 103 and the like) that a client skips before the final one."""

MAX_BODY_SIZE = 64 * 1024
"""Bytes of a body that are read and kept."""

MAX_CHUNK_LINE_SIZE = 1024

TLS_ALERT_RECORD = b"\x15"
HTTP_NAME = b"HTTP/"
STATUS_LINE = re.compile(r"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?: (.*))?")
"""Small servers leave out the space with the reason phrase; a recipient may take that (§4)."""

CONTROLS_AS_SPACES = dict.fromkeys((*range(0x09), *range(0x0A, 0x20), 0x7F), " ")

CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


# The head


def read_response(file: LineReader, limits: HeadLimits = HEAD_LIMITS) -> Response:
    """The final response in `file`, without its body; no byte after its head is read.

    Interim responses, which are all 1xx except 101, may come before it (RFC 9110 §15.2): a few are
    skipped. Errors, limits and blocking are as in `read_request`, for each head. A peer that speaks
    no HTTP is recognised by its first bytes.
    """
    for _ in range(1 + MAX_INTERIM_RESPONSES):
        response = _read_response_head(file, limits)
        if response.status_code >= 200 or response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return response
    seen = f"more than {MAX_INTERIM_RESPONSES} responses with 1xx"
    expected = "the final response, such as 101 Switching Protocols"
    raise HandshakeError([Fault("RFC 9110 §15.2", seen, expected)])


def _read_response_head(file: LineReader, limits: HeadLimits) -> Response:
    reader = HeadReader(file, "response", limits)
    version, status_code, reason_phrase = _parse_status_line(_read_status_line(reader))
    fields = [parse_field(line) for line in _unfold(read_field_lines(reader))]
    faults = (
        *check_line_ends(reader),
        *_check_status_line(version, status_code),
        *(field for field in fields if isinstance(field, Fault)),
    )
    if faults:
        raise HandshakeError(faults)
    headers = Headers(field for field in fields if not isinstance(field, Fault))
    return Response(status_code, reason_phrase, headers, version=version)


def _read_status_line(reader: HeadReader) -> bytes:
    return reader.read_line("status line", _read_http_name(reader.file))


def _read_http_name(file: LineReader) -> bytes:
    """`HTTP/`, or the part of it that was sent before the stream ended.

    It is read alone, because a peer that speaks no HTTP may never send the LF that ends a line.
    """
    start = file.readline(1)
    if start in (TLS_HANDSHAKE_RECORD, TLS_ALERT_RECORD):
        expected = "HTTP: this port speaks TLS, so use wss://"
        raise HandshakeError([Fault("§3", "a TLS record", expected)])
    if start == HTTP_NAME[:1]:
        start += file.readline(len(HTTP_NAME) - 1)
    if HTTP_NAME.startswith(start):
        return start
    if b" " <= start[-1:] <= b"~":
        # The peer sends text. More of it in the message shows a user which program it is.
        start += file.readline(MAX_QUOTED)
    raise HandshakeError([_malformed_status_line(start)])


def _parse_status_line(line: bytes) -> tuple[str, int, str]:
    """Version, status and reason phrase, which a client should ignore (RFC 9112 §4).

    So that is not judged. Its control characters become spaces, as a bare CR must (§2.2).
    """
    match = STATUS_LINE.fullmatch(without_line_end(line))
    if match is None:
        raise HandshakeError([_malformed_status_line(line)])
    return match[1], int(match[2]), (match[3] or "").translate(CONTROLS_AS_SPACES)


def _unfold(lines: list[bytes]) -> list[bytes]:
    """The lines, each one that begins with white space added to the one before (RFC 9112 §5.2).

    The first line has none before it, and is left to `parse_field`, which refuses it.
    """
    unfolded = lines[:1]
    for line in lines[1:]:
        if line.startswith((b" ", b"\t")):
            line = (
                unfolded.pop().removesuffix(b"\n").removesuffix(b"\r") + b" " + line.lstrip(b" \t")
            )
        unfolded.append(line)
    return unfolded


def _check_status_line(version: str, status_code: int) -> Iterator[Fault]:
    if not version.startswith("HTTP/1."):
        yield Fault("RFC 9112 §2.3", f"version {quote(version)}", "HTTP/1.1")
    if status_code < 100:
        yield Fault("RFC 9110 §15", f"status code {status_code}", "one of 100 to 599")


def _malformed_status_line(line: bytes) -> Fault:
    expected = "HTTP/1.1 101 Switching Protocols, from a server of HTTP/1.1: check host and port"
    kind = "" if line.startswith(HTTP_NAME) else ", as in HTTP/0.9 or no HTTP at all"
    return Fault("RFC 9112 §4", f"status line {quote(without_line_end(line))}{kind}", expected)


# The body


class BodyReader(LineReader, Protocol):
    """A binary file; reading a body needs this method, too."""

    def read1(self, size: int, /) -> bytes: ...


def read_body(file: BodyReader, response: Response, limit: int = MAX_BODY_SIZE) -> Response:
    """`response` with the body that follows in `file`, cut off after `limit` bytes.

    If the body ends too soon, or its framing makes no sense, the part before is kept, without an
    error. Blocks until the body is there or the stream ends. A 101 has no body, even if its headers
    announce one: frames follow it.
    """
    body = bytearray()
    try:
        for part in _read_parts(file, response, limit):
            body += part
    except OSError:
        pass  # the part of a refusal that has arrived helps more than the error
    return replace(response, body=bytes(body))


def _read_parts(file: BodyReader, response: Response, limit: int) -> Iterator[bytes]:
    for size in _find_runs(file, response, limit):
        while size and limit:
            part = file.read1(min(size, limit))
            if not part:
                return
            yield part
            size -= len(part)
            limit -= len(part)
        if not limit:
            return


def _find_runs(file: LineReader, response: Response, limit: int) -> Iterator[int]:
    """The sizes of the parts of the body; `file` must be at the start of each (RFC 9112 §6.3).

    The end of a body is found from the status, chunks, Content-Length or the end of the stream, in
    this order.
    """
    headers = response.headers
    if response.status_code < 200 or response.status_code in WITHOUT_BODY:  # item 1
        return
    if is_chunked(headers):  # items 3 and 4
        yield from _find_chunks(file)
    elif ends_with_stream(headers):  # items 4 and 8
        yield limit
    else:  # items 5 and 6
        yield content_length(headers) or 0


def ends_with_stream(headers: Headers) -> bool:
    """Whether only the end of the stream says where the body ends (RFC 9112 §6.3)."""
    without_length = "Transfer-Encoding" in headers or "Content-Length" not in headers
    return without_length and not is_chunked(headers)


def _find_chunks(file: LineReader) -> Iterator[int]:
    """The sizes of the chunks (RFC 9112 §7.1), up to that of size 0, or to a malformed line."""
    while size := _parse_chunk_size(file.readline(MAX_CHUNK_LINE_SIZE)):
        yield size
        file.readline(len(CRLF))


def _parse_chunk_size(line: bytes) -> int:
    match = CHUNK_LINE.fullmatch(line)
    return int(match[1], 16) if match else 0
