"""RFC 6455 §4.1: what a browser sends to open a WebSocket, byte for byte, and how it reads on.

A lab plays the browser with these, so that its steps need none; the pages of the lab are there for
a real one.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from ...protocol.frame import LENGTH, LENGTH_16, LENGTH_64, BinaryFile, read_exactly
from ...protocol.heads import LineReader

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The Sec-WebSocket-Key of the example in §1.3."""

END_OF_HEAD = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\nContent-Length: *([0-9]+)", re.IGNORECASE)
MAX_LINE = 8192


def opening(
    host: str,
    origin: str | None,
    path: str = "/",
    cookie: str | None = None,
    extensions: str | None = None,
) -> bytes:
    """The request that opens a WebSocket. A browser adds Origin and Cookie; no script can."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Extensions": extensions,
        "Origin": origin,
        "Cookie": cookie,
    }
    return request(host, path, *((name, value) for name, value in headers.items() if value))


def request(host: str, path: str, *headers: tuple[str, str]) -> bytes:
    """A GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(": ".join(header) for header in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_head(file: LineReader) -> bytes:
    """The head of a response, with its empty line. EOFError if the stream ends before that."""
    head = b""
    while not head.endswith(END_OF_HEAD):
        line = file.readline(MAX_LINE)
        if not line:
            raise EOFError("the stream ended inside a head")
        head += line
    return head


def status_of(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def read_answer(file: BinaryIO) -> bytes:
    """The head of a response, and the body that it announces."""
    head = read_head(file)
    length = CONTENT_LENGTH.search(head)
    return head + file.read(int(length[1]) if length else 0)


def read_frame(file: BinaryFile, masked: bool = False) -> bytes:
    """The next frame, all of its bytes; whether it is legal is not looked at.

    It is a frame of a server, or, if `masked`, of a client.
    """
    header = read_exactly(file, 2)
    length = header[1] & LENGTH
    if length in (LENGTH_16, LENGTH_64):
        more = read_exactly(file, 2 if length == LENGTH_16 else 8)
        header, length = header + more, int.from_bytes(more)
    return header + read_exactly(file, length + 4 * masked)
