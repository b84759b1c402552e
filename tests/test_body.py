"""RFC 9112 §6 and §7.1: how far the body of a response goes, whole, byte by byte, cut short, and
endless.
"""

import io

import pytest

from refws.protocol.client.response import MAX_BODY_SIZE, read_body
from refws.protocol.http import Headers, Response
from vectors import OneByteAtATime, whole_and_in_bytes

AFTER = b"what follows"


class Endless:
    """A peer that sends `line` forever; `sent` counts the bytes that were read."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.sent = 0

    def readline(self, limit: int) -> bytes:
        self.sent += len(self.line[:limit])
        return self.line[:limit]

    def read1(self, size: int) -> bytes:
        self.sent += size
        return b"x" * size


def response(*lines: tuple[str, str], status: int = 404) -> Response:
    return Response(status, "x", Headers(lines))


LENGTH_5 = ("Content-Length", "5")
CHUNKED = ("Transfer-Encoding", "chunked")
CHUNKS = b"5\r\nhello\r\n1;a=b\r\n,\r\n0A \t;\r\n wonderful\r\n006\r\n world\r\n0\r\n\r\n"

BODIES = [
    # lines, what is on the wire, body, what is left unread of it
    ("length", [LENGTH_5], b"hello" + AFTER, b"hello", AFTER),
    ("length-0", [("Content-Length", "0")], AFTER, b"", AFTER),
    ("length-twice", [LENGTH_5, LENGTH_5], b"hello" + AFTER, b"hello", AFTER),
    ("length-as-a-list", [("Content-Length", "5, 5")], b"hello" + AFTER, b"hello", AFTER),
    ("two-lengths", [LENGTH_5, ("Content-Length", "6")], b"hello", b"", b"hello"),
    ("length-negative", [("Content-Length", "-1")], b"hello", b"", b"hello"),
    ("length-empty", [("Content-Length", "")], b"hello", b"", b"hello"),
    ("length-in-hexadecimal", [("Content-Length", "0x5")], b"hello", b"", b"hello"),
    ("length-with-thousands-of-digits", [("Content-Length", "9" * 5000)], b"hello", b"", b"hello"),
    ("length-too-large", [("Content-Length", "999999999999999999")], b"hello", b"hello", b""),
    ("until-the-end", [], b"hello", b"hello", b""),
    ("nothing", [], b"", b"", b""),
    ("chunks", [CHUNKED], CHUNKS + AFTER, b"hello, wonderful world", b"\r\n" + AFTER),
    (
        "chunks-in-upper-case",
        [("Transfer-Encoding", "Chunked")],
        b"5\r\nhello\r\n0\r\n",
        b"hello",
        b"",
    ),
    (
        "chunks-last",
        [("Transfer-Encoding", "gzip, chunked")],
        b"5\r\nhello\r\n0\r\n",
        b"hello",
        b"",
    ),
    ("chunks-before-length", [CHUNKED, LENGTH_5], b"2\r\nhe\r\n0\r\n", b"he", b""),
    ("chunks-that-are-none", [CHUNKED], b"<html>\r\n", b"", b""),
    ("chunks-with-lf-alone", [CHUNKED], b"5\nhello\n0\n\n", b"", b"hello\n0\n\n"),
    ("chunk-size-negative", [CHUNKED], b"-5\r\nhello\r\n", b"", b"hello\r\n"),
    ("chunk-size-in-16-digits", [CHUNKED], b"1000000000000000\r\nhello\r\n", b"", b"hello\r\n"),
    ("chunk-size-that-is-a-lie", [CHUNKED], b"6\r\nhello\r\n0\r\n", b"hello\r", b""),
    ("chunk-line-without-end", [CHUNKED], b"5;" + b"x" * 2000, b"", b"x" * 978),
    ("other-encoding", [("Transfer-Encoding", "gzip")], b"hello", b"hello", b""),
    ("chunks-not-last", [("Transfer-Encoding", "chunked, gzip")], b"hello", b"hello", b""),
    (
        "encoding-before-length",
        [("Transfer-Encoding", "gzip"), ("Content-Length", "2")],
        b"hello",
        b"hello",
        b"",
    ),
    ("empty-encoding", [("Transfer-Encoding", "")], b"hello", b"hello", b""),
]
every_body = pytest.mark.parametrize(
    "lines, data, body, rest", [pytest.param(*row, id=name) for name, *row in BODIES]
)


@whole_and_in_bytes
@every_body
def test_9112_6_3_the_end_of_a_body(lines, data, body, rest, make_file):
    head = response(*lines)
    file = make_file(data)
    assert read_body(file, head) == Response(404, "x", head.headers, body)
    assert file.read() == rest


@every_body
def test_9112_8_a_body_cut_short_at_any_byte_is_what_came_of_it(lines, data, body, rest):
    for received in range(len(data)):
        part = read_body(io.BytesIO(data[:received]), response(*lines)).body
        assert body.startswith(part) and len(part) <= received


@pytest.mark.parametrize("status", [100, 101, 103, 204, 304])
@pytest.mark.parametrize("line", [LENGTH_5, CHUNKED, ("X", "y")])
def test_9112_6_3_item_1_some_responses_have_no_body_whatever_their_headers_say(status, line):
    file = io.BytesIO(b"hello")
    assert read_body(file, response(line, status=status)).body == b""
    assert file.read() == b"hello"


@pytest.mark.parametrize("lines", [[LENGTH_5], [CHUNKED], []])
def test_a_body_that_a_reset_breaks_off_is_kept_as_far_as_it_came(lines):
    data = b"5\r\nhe" if lines == [CHUNKED] else b"he"
    file = io.BufferedReader(OneByteAtATime(data, reset=True))
    assert read_body(file, response(*lines)).body == b"he"


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize(
    "lines, line",
    [
        ([("Content-Length", "9" * 18)], b""),
        ([], b""),
        ([CHUNKED], b"1\r\n"),
        ([CHUNKED], b"ffffff\r\n"),
        ([("Transfer-Encoding", "gzip")], b""),
    ],
)
@pytest.mark.parametrize("limit", [0, 1, 100, MAX_BODY_SIZE])
def test_of_a_body_without_end_only_the_first_bytes_are_read(lines, line, limit):
    file = Endless(line)
    assert read_body(file, response(*lines), limit).body == b"x" * limit
    assert file.sent <= 10 * limit + 10


@pytest.mark.parametrize("limit", [4, 5, 6])
def test_a_body_as_long_as_the_limit_is_whole(limit):
    assert read_body(io.BytesIO(b"hello"), response(LENGTH_5), limit).body == b"hello"[:limit]


def test_at_most_64_kib_of_a_body_are_kept():
    assert MAX_BODY_SIZE == 64 * 1024
