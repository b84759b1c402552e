"""RFC 6455 §4.1: the bytes of a client -> its request, read as leniently as possible.

A student's client that breaks one rule of HTTP is still judged by all others: the strict reader
finds the fault, and a lenient one reads on.
"""

from __future__ import annotations

import re
from io import BytesIO
from time import monotonic

from ...protocol.errors import InvalidHandshake
from ...protocol.heads import IncompleteHead, read_request
from ...protocol.http import Request
from ..link import Link
from ..reading import end_of_head
from ..seen import End
from .seen import ClientSeen

MAX_HEAD = 64 * 1024
"""Bytes after which a head without an end is given up."""

LINE_END = re.compile(rb"\r*\n")

FOLD = re.compile(rb"\r*\n[ \t]+")
"""RFC 9112 §5.2: a line that goes on with the value of the one before."""

BEFORE_COLON = re.compile(rb"^([^:\s]+)[ \t]+:")


def receive_request(link: Link, seen: ClientSeen, timeout: float) -> None:
    """Read a head; `seen` then has a request or a problem, and the bytes after the head.

    Blocks for at most `timeout` seconds.
    """
    data, end, until = b"", 0, monotonic() + timeout
    while not end and link.end is End.OPEN and (left := until - monotonic()) > 0:
        data += link.receive(left)
        end = end_of_head(data)
        if len(data) > MAX_HEAD:
            break
    if not end:
        seen.problem = f"no whole request, but {len(data)} bytes; {link.end.value}{fault_of(data)}"
        return
    seen.early = data[end:]
    parse_request(data[:end], seen)


def fault_of(start: bytes) -> str:
    """What is wrong with the start of a head already, such as TLS; "" if nothing is."""
    try:
        read_request(BytesIO(start))
    except IncompleteHead:
        return ""
    except InvalidHandshake as error:
        return "; " + " | ".join(str(error).splitlines())
    return ""


def parse_request(head: bytes, seen: ClientSeen) -> None:
    try:
        seen.request = read_request(BytesIO(head))
    except InvalidHandshake as error:
        seen.fault = " | ".join(str(error).splitlines())
        seen.request = read_leniently(head)
        if seen.request is None:
            seen.problem = f"its request cannot be read: {seen.fault}"


def read_leniently(head: bytes) -> Request | None:
    """The request with CR LF as line ends, and without the header lines that make no sense.

    A value in several lines, or after white space before the colon, makes sense.
    """
    first, *lines = LINE_END.split(FOLD.sub(b" ", head.strip(b"\r\n")))
    mended = [BEFORE_COLON.sub(rb"\1:", line) for line in lines]
    kept = [line for line in mended if is_readable(line)]
    return read_head(b"\r\n".join([first, *kept, b"", b""]))


def is_readable(line: bytes) -> bool:
    return read_head(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n") is not None


def read_head(head: bytes) -> Request | None:
    try:
        return read_request(BytesIO(head))
    except InvalidHandshake:
        return None
