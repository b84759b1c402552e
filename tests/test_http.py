"""RFC 9112 as far as RFC 6455 needs it: heads as they are on the wire, good and bad, whole, in
bytes and cut short.
"""

import io
from http import HTTPStatus

import pytest

from refws.protocol.client.response import MAX_INTERIM_RESPONSES, read_response
from refws.protocol.errors import HandshakeError, InvalidHandshake
from refws.protocol.heads import (
    HEAD_LIMITS,
    HeadLimits,
    IncompleteHead,
    read_request,
)
from refws.protocol.http import (
    MAX_QUOTED,
    Headers,
    Request,
    Response,
    ascii_lower,
    is_token,
    list_elements,
    quote,
    quote_target,
)
from vectors import RFC_EXAMPLE, RFC_EXAMPLE_ANSWER, whole_and_in_bytes

MAX_LINE_SIZE = 8 * 1024
MAX_FIELD_LINES = 64
MAX_HEAD_SIZE = 32 * 1024

KELVIN_SIGN = "\N{KELVIN SIGN}"
LONG_S = "\N{LATIN SMALL LETTER LONG S}"


class Endless:
    """A peer that never sends a LF; `asked` counts the bytes that it was asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def readline(self, limit: int) -> bytes:
        self.asked += limit
        return b"A" * limit


class OnlyOneByte:
    """A peer that sends one byte and is then silent: asking for more would wait for ever."""

    def __init__(self, byte: bytes) -> None:
        self.byte = byte

    def readline(self, limit: int) -> bytes:
        assert limit == 1 and self.byte, "asked for more than what was sent"
        byte, self.byte = self.byte, b""
        return byte


def faults_of(file) -> list[tuple[str, int]]:
    with pytest.raises(HandshakeError) as caught:
        read_request(file)
    return [(fault.section, fault.status.value) for fault in caught.value.faults]


GOOD_HEADS = [
    pytest.param(
        RFC_EXAMPLE,
        Request(
            "GET",
            "/chat",
            "HTTP/1.1",
            Headers(
                [
                    ("Host", "server.example.com"),
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ("Origin", "http://example.com"),
                    ("Sec-WebSocket-Protocol", "chat, superchat"),
                    ("Sec-WebSocket-Version", "13"),
                ]
            ),
        ),
        id="rfc-6455-example",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\n\r\n", Request("GET", "/", "HTTP/1.1", Headers()), id="no-header"
    ),
    pytest.param(
        b"GET / HTTP/1.9\r\n\r\n",
        Request("GET", "/", "HTTP/1.9", Headers()),
        id="higher-minor-version",
    ),
    pytest.param(
        b"\r\nGET / HTTP/1.1\r\n\r\n",
        Request("GET", "/", "HTTP/1.1", Headers()),
        id="empty-line-before",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nA:b\r\nA: \t c d\t \r\nE:\r\nF: :\r\n\r\n",
        Request("GET", "/", "HTTP/1.1", Headers([("A", "b"), ("A", "c d"), ("E", ""), ("F", ":")])),
        id="white-space-around-values",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        Request("GET", "/", "HTTP/1.1", Headers([("Content-Length", "0")])),
        id="empty-body",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nA: \xa0\xe9\x85 \r\nCookie: n=\xc3\xb6\r\nHosts: \xff\r\n"
        b"Sec-WebSocket-Name: \xfc\r\n\r\n",
        Request(
            "GET",
            "/",
            "HTTP/1.1",
            Headers(
                [
                    ("A", "\xa0\xe9\x85"),
                    ("Cookie", "n=\xc3\xb6"),
                    ("Hosts", "\xff"),
                    ("Sec-WebSocket-Name", "\xfc"),
                ]
            ),
        ),
        id="bytes-from-0x80-up",
    ),
    pytest.param(
        b"GET http://h/chat HTTP/1.1\r\nHost: h\r\n\r\n",
        Request("GET", "http://h/chat", "HTTP/1.1", Headers([("Host", "h")])),
        id="absolute-form",
    ),
]


@pytest.mark.rfc("6455-4.2.1-01")
@whole_and_in_bytes
@pytest.mark.parametrize("head, request_", GOOD_HEADS)
def test_9112_a_valid_head_is_read(head, request_, make_file):
    assert read_request(make_file(head)) == request_


@pytest.mark.rfc("6455-4.2.2-27")
@pytest.mark.parametrize("head, request_", GOOD_HEADS)
def test_9112_2_1_nothing_after_the_empty_line_is_taken(head, request_):
    file = io.BytesIO(head + b"\x81\x85frames")
    assert read_request(file) == request_
    assert file.read() == b"\x81\x85frames"


@pytest.mark.parametrize("head, request_", GOOD_HEADS)
def test_9112_a_head_cut_short_at_any_byte_is_incomplete(head, request_):
    for received in range(len(head)):
        with pytest.raises(IncompleteHead) as caught:
            read_request(io.BytesIO(head[:received]))
        assert (caught.value.received > 0) == (received > 0)
        assert isinstance(caught.value, EOFError)


def test_9112_an_incomplete_head_tells_silence_from_a_cut():
    with pytest.raises(IncompleteHead, match=r"^the connection ended before any request$"):
        read_request(io.BytesIO(b""))
    with pytest.raises(
        IncompleteHead, match=r"^the connection ended inside the request head, after 21 bytes$"
    ):
        read_request(io.BytesIO(b"GET / HTTP/1.1\r\nHost:"))


def line_of(size: int) -> bytes:
    """A field line of `size` bytes, CRLF not counted."""
    return b"X: ".ljust(size, b"x") + b"\r\n"


def head_of(size: int) -> bytes:
    """A head of `size` bytes in all, in lines that are within their own limit."""
    start, end = b"GET / HTTP/1.1\r\n", b"\r\n"
    full_lines, rest = divmod(size - len(start) - len(end), 8000)
    return start + line_of(7998) * full_lines + line_of(rest - 2) + end


GET = b"GET / HTTP/1.1\r\n"
BAD = 400

REFUSED_HEADS = [
    # The request line: garbage ends the reading at once.
    ("no-http", b"hello\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("http-0.9", b"GET /\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("two-spaces", b"GET  / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("four-words", b"GET / / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("space-at-the-end", b"GET / HTTP/1.1 \r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("tab", b"GET\t/ HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("version-of-two-digits", b"GET / HTTP/1.10\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("version-in-lower-case", b"GET / http/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("method-no-token", b"G(T / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("nul-in-the-target", b"GET /\0 HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    (
        "utf-8-in-the-target",
        "GET /é HTTP/1.1\r\n\r\n".encode(),
        [("RFC 9112 §3", BAD)],
        ("6455-8.1-02",),
    ),
    ("cr-in-the-target", b"GET /\rx HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("two-empty-lines-before", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("lf-before", b"\nGET / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("cr-lf-lf", b"\r\n\nGET / HTTP/1.1\r\n\r\n", [("RFC 9112 §3", BAD)], ()),
    ("first-byte-not-ascii", b"\xff\xfe\r\n\r\n", [("RFC 9112 §3", BAD)], ("6455-8.1-02",)),
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [("§3", BAD)], ()),
    (
        "request-line-over-the-limit",
        b"GET /".ljust(MAX_LINE_SIZE + 1, b"x") + b"\r\n",
        [("RFC 9112 §3", 414)],
        (),
    ),
    (
        "request-line-without-end",
        b"GET /".ljust(3 * MAX_LINE_SIZE, b"x"),
        [("RFC 9112 §3", 414)],
        (),
    ),
    # Field lines.
    ("bare-lf-once", b"GET / HTTP/1.1\r\nA: b\n\r\n", [("RFC 9112 §2.2", BAD)], ()),
    ("bare-lf-everywhere", b"GET / HTTP/1.1\nA: b\n\n", [("RFC 9112 §2.2", BAD)], ()),
    ("bare-cr", GET + b"A: b\rC: d\r\n\r\n", [("RFC 9110 §5.5", BAD)], ()),
    ("cr-cr-lf", GET + b"A: b\r\r\n\r\n", [("RFC 9110 §5.5", BAD)], ()),
    ("nul-in-a-value", GET + b"A: b\0\r\n\r\n", [("RFC 9110 §5.5", BAD)], ()),
    ("del-in-a-value", GET + b"A: \x7f\r\n\r\n", [("RFC 9110 §5.5", BAD)], ()),
    *(
        (f"utf-8-in-{name}", GET + f"{name}: é\r\n\r\n".encode(), [("RFC 9110 §5.5", BAD)], ())
        for name in (
            "Host",
            "UPGRADE",
            "Connection",
            "Origin",
            "sec-websocket-key",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "Content-Length",
            "Transfer-Encoding",
        )
    ),
    ("cr-lf-lf-at-the-end", GET + b"A: b\r\n\n", [("RFC 9112 §2.2", BAD)], ()),
    ("cr-lf-lf-without-headers", GET + b"\n", [("RFC 9112 §2.2", BAD)], ()),
    ("no-colon", GET + b"A\r\n\r\n", [("RFC 9112 §5", BAD)], ()),
    ("folded", GET + b"A: b\r\n c\r\n\r\n", [("RFC 9112 §5.2", BAD)], ()),
    ("folded-with-tab", GET + b"A: b\r\n\tc: d\r\n\r\n", [("RFC 9112 §5.2", BAD)], ()),
    ("space-before-the-first-header", GET + b" A: b\r\n\r\n", [("RFC 9112 §5.2", BAD)], ()),
    ("space-before-the-colon", GET + b"A : b\r\n\r\n", [("RFC 9112 §5.1", BAD)], ()),
    ("tab-before-the-colon", GET + b"A\t: b\r\n\r\n", [("RFC 9112 §5.1", BAD)], ()),
    ("empty-name", GET + b": b\r\n\r\n", [("RFC 9110 §5.1", BAD)], ()),
    ("name-no-token", GET + b"A(b): c\r\n\r\n", [("RFC 9110 §5.1", BAD)], ()),
    ("name-not-ascii", GET + b"\xe9: b\r\n\r\n", [("RFC 9110 §5.1", BAD)], ("6455-8.1-02",)),
    # Limits: these end the reading at once.
    ("header-over-the-limit", GET + line_of(MAX_LINE_SIZE + 1), [("RFC 6585 §5", 431)], ()),
    ("header-without-end", GET + b"A" * 3 * MAX_LINE_SIZE, [("RFC 6585 §5", 431)], ()),
    ("one-header-too-many", GET + b"A: b\r\n" * (MAX_FIELD_LINES + 1), [("RFC 6585 §5", 431)], ()),
    ("head-one-byte-too-large", head_of(MAX_HEAD_SIZE + 1), [("RFC 6585 §5", 431)], ()),
    # All at once.
    (
        "everything",
        (
            b"GET / HTTP/1.1\nA : b\r\nC\r\nD: \0\r\nContent-Length: 1\r\nTransfer-Encoding: "
            b"x\r\n\r\n"
        ),
        [
            ("RFC 9112 §2.2", BAD),
            ("RFC 9112 §5.1", BAD),
            ("RFC 9112 §5", BAD),
            ("RFC 9110 §5.5", BAD),
        ],
        ("6455-10.7-04",),
    ),
]

REFUSED = [
    pytest.param(
        head, faults, id=name, marks=pytest.mark.rfc("6455-4.2.1-03", "6455-10.7-04", *ids)
    )
    for name, head, faults, ids in REFUSED_HEADS
]


@whole_and_in_bytes
@pytest.mark.parametrize("head, faults", REFUSED)
def test_9112_an_invalid_head_is_refused_with_every_fault(head, faults, make_file):
    assert faults_of(make_file(head)) == faults


@pytest.mark.parametrize("head, faults", REFUSED)
def test_9112_an_invalid_head_cut_short_is_incomplete_or_refused_for_the_same_reason(head, faults):
    for received in [*range(min(len(head), 200)), *range(200, len(head), 997)]:
        try:
            request = read_request(io.BytesIO(head[:received]))
        except IncompleteHead:
            continue
        except HandshakeError as error:
            assert (error.faults[0].section, error.status.value) == faults[0]
        else:
            pytest.fail(f"accepted as {request}")


@pytest.mark.parametrize("head, faults", REFUSED)
def test_every_fault_is_in_printable_ascii_and_short_however_the_request_looked(head, faults):
    with pytest.raises(HandshakeError) as caught:
        read_request(io.BytesIO(head))
    for fault in caught.value.faults:
        assert fault.seen.isascii() and fault.seen.isprintable() and len(fault.seen) < 300
        assert fault.expected


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            b"GET /".ljust(MAX_LINE_SIZE - 9, b"x") + b" HTTP/1.1\r\n\r\n", id="request-line"
        ),
        pytest.param(GET + line_of(MAX_LINE_SIZE) + b"\r\n", id="header"),
        pytest.param(GET + b"A: b\r\n" * MAX_FIELD_LINES + b"\r\n", id="header-lines"),
        pytest.param(head_of(MAX_HEAD_SIZE), id="head"),
    ],
)
def test_9112_a_head_exactly_at_a_limit_is_read(head):
    file = io.BytesIO(head + b"frames")
    assert read_request(file).to_bytes() == head
    assert file.read() == b"frames"


def test_9112_the_limits_are_those_of_the_documentation():
    assert HeadLimits(MAX_LINE_SIZE, MAX_FIELD_LINES, MAX_HEAD_SIZE) == HEAD_LIMITS == HeadLimits()


@pytest.mark.parametrize(
    "read, first_line", [(read_request, GET), (read_response, b"HTTP/1.1 200 x\r\n")]
)
@pytest.mark.parametrize(
    "limits, lines, allowed",
    [
        ({"max_line_size": 100}, line_of(100), True),
        ({"max_line_size": 100}, line_of(101), False),
        ({"max_line_size": 20_000}, line_of(20_000), True),
        ({"max_line_size": 20_000}, line_of(20_001), False),
        ({"max_line_size": 2**63 - 1}, line_of(100), True),  # what the option allows
        ({"max_line_size": 2**70}, line_of(100), True),
        ({"max_header_lines": 3}, b"A: b\r\n" * 3, True),
        ({"max_header_lines": 3}, b"A: b\r\n" * 4, False),
        ({"max_header_lines": 100}, b"A: b\r\n" * 100, True),
        ({"max_header_lines": 100}, b"A: b\r\n" * 101, False),
        ({"max_head_size": 200}, line_of(98) + line_of(200 - 100 - 2 - 2 - 16), True),
        ({"max_head_size": 200}, line_of(98) + line_of(200 - 100 - 2 - 2 - 16 + 2), False),
        ({"max_head_size": 50_000}, line_of(7998) * 6, True),
        ({"max_head_size": 50_000}, line_of(7998) * 7, False),
    ],
)
def test_6585_5_the_limits_of_a_head_can_be_changed(read, first_line, limits, lines, allowed):
    file = io.BytesIO(first_line + lines + b"\r\n")
    if allowed:
        assert read(file, HeadLimits(**limits)).headers
    else:
        with pytest.raises(HandshakeError) as caught:
            read(file, HeadLimits(**limits))
        (fault,) = caught.value.faults
        ((name, limit),) = limits.items()
        assert fault.status == 431 and f"at most {limit}" in fault.expected
        assert f"({name})" in fault.expected


def test_9112_3_the_limit_of_a_line_holds_for_the_first_line_too():
    head = b"GET /".ljust(9000, b"x") + b" HTTP/1.1\r\n\r\n"
    assert read_request(io.BytesIO(head), HeadLimits(max_line_size=9009)).to_bytes() == head
    with pytest.raises(HandshakeError, match="at most 9008 bytes"):
        read_request(io.BytesIO(head), HeadLimits(max_line_size=9008))


def test_9112_a_request_line_without_end_is_not_read_beyond_the_limit():
    file = Endless()
    assert faults_of(file) == [("RFC 9112 §3", 414)]
    assert file.asked <= MAX_LINE_SIZE + 2


def test_9112_a_tls_client_hello_is_recognised_by_its_first_byte():
    with pytest.raises(HandshakeError, match="this port speaks plain ws://"):
        read_request(OnlyOneByte(b"\x16"))


@pytest.mark.parametrize("byte", [b"\n", b"\0", b"\x80", b" "])
def test_9112_3_a_byte_that_begins_no_request_is_refused_without_waiting_for_more(byte):
    assert faults_of(OnlyOneByte(byte)) == [("RFC 9112 §3", 400)]


@pytest.mark.rfc("6455-4.2.1-05")
@pytest.mark.parametrize(
    "target, absolute_path, query, path, authority",
    [
        ("/chat", "/chat", "", "/chat", "of-host"),
        ("/chat?room=1?2", "/chat", "room=1?2", "/chat?room=1?2", "of-host"),
        ("/chat?", "/chat", "", "/chat", "of-host"),
        ("//other.example/x", "//other.example/x", "", "//other.example/x", "of-host"),
        ("http://h/chat?a", "/chat", "a", "/chat?a", "h"),
        ("HTTPS://h:1/chat", "/chat", "", "/chat", "h:1"),
        ("http://h", "/", "", "/", "h"),
        ("http://h?a", "/", "a", "/?a", "h"),
    ],
)
def test_3_the_resource_name_is_the_path_and_query_of_the_target(
    target, absolute_path, query, path, authority
):
    request = read_request(io.BytesIO(f"GET {target} HTTP/1.1\r\nHost: of-host\r\n\r\n".encode()))
    assert (request.absolute_path, request.query, request.path) == (absolute_path, query, path)
    assert request.authority == authority


def test_9112_3_2_without_host_there_is_no_authority():
    assert Request("GET", "/", "HTTP/1.1", Headers()).authority == ""


HEADERS = Headers([("Host", "h"), ("Upgrade", "a"), ("UPGRADE", "b, c")])


@pytest.mark.rfc("6455-4.1-44")
@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE", "uPGRADE"])
def test_4_1_header_names_compare_without_regard_to_case(name):
    assert name in HEADERS
    assert HEADERS[name] == HEADERS.get(name) == "a, b, c"
    assert HEADERS.get_all(name) == ["a", "b, c"]


def test_9113_8_2_3_the_lines_of_cookie_are_one_list_of_cookies():
    head = b"GET / HTTP/1.1\r\nCookie: a=1; b=2\r\nHost: h\r\ncookie: c=3\r\n\r\n"
    headers = read_request(io.BytesIO(head)).headers
    assert headers["Cookie"] == "a=1; b=2; c=3"
    assert headers.get_all("Cookie") == ["a=1; b=2", "c=3"]


def test_9110_5_3_headers_keep_order_and_repetition():
    pairs = [("Host", "h"), ("Upgrade", "a"), ("UPGRADE", "b, c")]
    assert list(HEADERS.raw_items()) == pairs
    assert HEADERS.to_bytes() == b"Host: h\r\nUpgrade: a\r\nUPGRADE: b, c\r\n"
    assert [*Headers(HEADERS).raw_items()] == [*Headers(iter(pairs)).raw_items()] == pairs


def test_headers_iterate_as_a_mapping_that_gives_each_name_once_in_lower_case():
    assert list(HEADERS) == ["host", "upgrade"]
    assert len(HEADERS) == 2
    assert dict(HEADERS) == dict(HEADERS.items()) == {"host": "h", "upgrade": "a, b, c"}
    assert repr(HEADERS) == "Headers([('Host', 'h'), ('Upgrade', 'a'), ('UPGRADE', 'b, c')])"


def test_headers_are_made_of_a_mapping_too():
    headers = Headers({"Host": "h", "X-A": "1"})
    assert list(headers.raw_items()) == [("Host", "h"), ("X-A", "1")]


def test_9110_5_1_headers_are_equal_whatever_the_case_of_names():
    assert Headers({"HOST": "h"}) == Headers({"Host": "h"})
    assert Headers({"Host": "H"}) != Headers({"Host": "h"})
    assert Headers([("A", "1"), ("a", "2")]) != Headers([("A", "2"), ("a", "1")])


def test_9110_5_a_header_that_is_not_there():
    assert "Origin" not in HEADERS
    assert 1 not in HEADERS
    assert HEADERS.get("Origin") is None
    assert HEADERS.get("Origin", "x") == "x"
    assert HEADERS.get_all("Origin") == []
    with pytest.raises(KeyError, match="Origin"):
        HEADERS["Origin"]


def test_9110_5_2_to_set_a_header_adds_a_line():
    headers = Headers({"Set-Cookie": "a=1"})
    headers["Set-Cookie"] = "b=2"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    headers.update({"X-A": "1"})
    assert headers.to_bytes() == b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\n"


def test_to_delete_a_header_removes_all_its_lines():
    headers = HEADERS.copy()
    del headers["UPGRADE"]
    assert list(headers.raw_items()) == [("Host", "h")]
    assert len(HEADERS) == 2, "a copy was changed"
    with pytest.raises(KeyError, match="Upgrade"):
        del headers["Upgrade"]


@pytest.mark.parametrize(
    "name, value, error, message",
    [
        ("X-A", "1\r\nX-B: 2", ValueError, "control character"),
        ("X A", "1", ValueError, "is not a token"),
        ("X-A", "\u20ac", ValueError, "no latin-1"),
        ("X-A", 1, TypeError, "header X-A has a value of type int; use a str"),
        ("X-A", "s3cr3t\n", ValueError, r"header X-A has .* in its value, '\\n' \("),
        ("X-A", "s3cr3t\x00\r", ValueError, r"header X-A has .* in its value, '\\x00' \("),
        ("X-A", b"s3cr3t", TypeError, "header X-A has a value of type bytes; use a str"),
    ],
)
def test_9110_5_5_a_header_that_is_set_can_add_no_line_of_its_own(name, value, error, message):
    headers = Headers()
    with pytest.raises(error, match=message) as caught:
        headers[name] = value
    assert "s3cr3t" not in str(caught.value), "it may be in a log"
    assert list(headers.raw_items()) == []


@pytest.mark.rfc("6455-2.1-01")
def test_2_1_only_ascii_letters_fold():
    assert ascii_lower("WebSocket") == "websocket"
    assert ascii_lower(f"web{LONG_S}ocKET") == f"web{LONG_S}ocket"
    assert ascii_lower(f"websoc{KELVIN_SIGN}et") != "websocket"
    assert ascii_lower("ÀÉİ") == "ÀÉİ"
    assert f"Sec-WebSoc{KELVIN_SIGN}et-Key" not in Headers([("Sec-WebSocket-Key", "x")])


@pytest.mark.parametrize(
    "text, expected",
    [
        ("chat", True),
        ("!#$%&'*+-.^_`|~09azAZ", True),
        ("", False),
        *[(f"a{separator}b", False) for separator in '()<>@,;:\\"/[]?={} \t\0\x7f\r\né'],
    ],
)
def test_9110_5_6_2_a_token_has_no_separators(text, expected):
    assert is_token(text) is expected


@pytest.mark.rfc("6455-4.3-01")
@pytest.mark.parametrize(
    "values, elements",
    [
        ([], []),
        ([""], []),
        ([" , ,\t"], []),
        (["a"], ["a"]),
        ([" a ,b\t,, c d"], ["a", "b", "c d"]),
        (["a,b", "", "c"], ["a", "b", "c"]),
    ],
)
def test_9110_5_6_1_a_list_goes_over_all_its_lines_and_leaves_out_empty_elements(values, elements):
    assert list_elements(values) == elements


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "two\r\nlines",
        "\0\x1b[31m\x7f",
        "é\N{RIGHT-TO-LEFT OVERRIDE}\N{FULLWIDTH QUOTATION MARK}",
        "'\"\\",
        "x" * 10_000,
        "\0" * 10_000,
    ],
)
def test_words_of_the_peer_are_repeated_in_printable_ascii_on_one_line_and_short(words):
    quoted = quote(words)
    assert quoted.isascii() and quoted.isprintable()
    assert len(quoted) <= 4 * MAX_QUOTED + len("''...")


def test_words_of_the_peer_that_are_cut_say_so():
    assert quote("x" * MAX_QUOTED) == "'" + "x" * MAX_QUOTED + "'"
    assert quote("x" * (MAX_QUOTED + 1)) == "'" + "x" * MAX_QUOTED + "'..."


def test_9112_4_a_response_is_status_line_headers_empty_line_and_body():
    response = Response(
        401, "Unauthorized", Headers([("WWW-Authenticate", 'Basic realm="r"')]), b"who?"
    )
    assert (
        response.to_bytes()
        == b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\n\r\nwho?'
    )
    assert Response(299, "", Headers()).to_bytes() == b"HTTP/1.1 299 \r\n\r\n"


def test_9112_3_a_request_is_written_as_it_is_read():
    assert read_request(io.BytesIO(RFC_EXAMPLE)).to_bytes() == RFC_EXAMPLE


def test_a_text_response_is_plain_and_closes():
    assert Response.text(HTTPStatus.NOT_FOUND, "nö\n").to_bytes() == (
        b"HTTP/1.1 404 Not Found\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 4\r\n"
        b"Connection: close\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"\r\n"
        b"n\xc3\xb6\n"
    )


def test_a_text_response_takes_given_headers_in_place_of_its_own():
    response = Response.text(HTTPStatus.OK, "x", [("connection", "keep-alive"), ("Allow", "GET")])
    assert response.headers.get_all("Connection") == ["keep-alive"]
    assert response.headers["Allow"] == "GET"
    assert response.headers["Content-Length"] == "1"


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x7f", "\u0100", "\N{LINE SEPARATOR}"])
def test_9110_5_5_a_header_that_would_inject_a_line_cannot_be_made(character):
    with pytest.raises(ValueError, match=r"RFC 9110 §5\.5"):
        Headers([("Location", f"/{character}Set-Cookie: a=b")])
    with pytest.raises(ValueError, match=r"RFC 9110 §5\.6\.2"):
        Headers([(f"A{character}", "b")])
    with pytest.raises(ValueError, match="RFC 9112 §4"):
        Response(200, f"OK{character}", Headers())


@pytest.mark.parametrize("name", ["", "A:", "A b", "A "])
def test_9110_5_6_2_a_header_name_that_is_no_token_cannot_be_made(name):
    with pytest.raises(ValueError, match=r"RFC 9110 §5\.6\.2"):
        Headers([(name, "b")])


@pytest.mark.parametrize(
    "status_code, valid",
    [(99, False), (100, True), (599, True), (600, True), (999, True), (1000, False), (-200, False)],
)
def test_9110_15_a_status_code_is_100_to_999(status_code, valid):
    if valid:
        assert (
            Response(status_code, "", Headers())
            .to_bytes()
            .startswith(f"HTTP/1.1 {status_code} ".encode())
        )
    else:
        with pytest.raises(ValueError, match="RFC 9110 §15"):
            Response(status_code, "", Headers())


# Reading a response

OK = b"HTTP/1.1 200 OK\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
SWITCHING = Response(101, "Switching Protocols", Headers())

GOOD_RESPONSES = [
    pytest.param(
        RFC_EXAMPLE_ANSWER,
        Response(
            101,
            "Switching Protocols",
            Headers(
                [
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                    ("Sec-WebSocket-Protocol", "chat"),
                ]
            ),
        ),
        id="rfc-6455-example",
    ),
    pytest.param(b"HTTP/1.1 101 \r\n\r\n", Response(101, "", Headers()), id="no-reason-phrase"),
    pytest.param(
        b"HTTP/1.1 404 a  b\t\r\n\r\n", Response(404, "a  b\t", Headers()), id="odd-reason-phrase"
    ),
    pytest.param(b"HTTP/1.1 599 x\r\n\r\n", Response(599, "x", Headers()), id="unknown-status"),
    pytest.param(
        b"HTTP/1.0 404 File not found\r\nA: b\r\n\r\n",
        Response(404, "File not found", Headers([("A", "b")]), version="HTTP/1.0"),
        id="http-1.0",
    ),
    pytest.param(
        OK + b"A:b\r\nA: \t c\t \r\n\r\n",
        Response(200, "OK", Headers([("A", "b"), ("A", "c")])),
        id="space",
    ),
    pytest.param(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
        SWITCHING,
        id="continue",
    ),
    pytest.param(
        EARLY_HINTS * MAX_INTERIM_RESPONSES + b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        SWITCHING,
        id="early-hints",
    ),
]


@whole_and_in_bytes
@pytest.mark.parametrize("head, response", GOOD_RESPONSES)
def test_9112_4_a_valid_response_head_is_read(head, response, make_file):
    assert read_response(make_file(head)) == response


@pytest.mark.rfc("6455-4.1-45")
@whole_and_in_bytes
@pytest.mark.parametrize("head, response", GOOD_RESPONSES)
def test_4_1_frames_after_the_head_of_a_response_are_not_taken(head, response, make_file):
    file = make_file(head + b"\x81\x06frames")
    assert read_response(file) == response
    assert file.read() == b"\x81\x06frames"


@pytest.mark.rfc("6455-4.1-43")
@pytest.mark.parametrize("head, response", GOOD_RESPONSES)
def test_9112_4_a_response_cut_short_at_any_byte_is_incomplete(head, response):
    heads = head.split(b"\r\n\r\n")
    starts = {sum(len(one) + 4 for one in heads[:n]) for n in range(len(heads))}
    for received in range(len(head)):
        with pytest.raises(IncompleteHead) as caught:
            read_response(io.BytesIO(head[:received]))
        assert (caught.value.received == 0) == (received in starts)
        assert isinstance(caught.value, InvalidHandshake)


def test_9112_an_incomplete_response_says_that_it_is_one():
    with pytest.raises(IncompleteHead, match=r"^the connection ended before any response$"):
        read_response(io.BytesIO(b""))
    with pytest.raises(
        IncompleteHead, match=r"^the connection ended inside the response head, after 12 bytes$"
    ):
        read_response(io.BytesIO(b"HTTP/1.1 101"))


@pytest.mark.parametrize("head, response", GOOD_RESPONSES[:5])
def test_9112_4_a_response_is_written_as_it_is_read(head, response):
    assert response.to_bytes() == head


@pytest.mark.parametrize(
    "lines, headers",
    [
        (b"A: b\r\n c\r\n", [("A", "b c")]),
        (b"A: b \t\r\n \t c: d\r\n\te\r\nF: g\r\n", [("A", "b \t c: d e"), ("F", "g")]),
        (b"A:\r\n b\r\n", [("A", "b")]),
        (b"A: b\r\n \r\n c\r\n", [("A", "b  c")]),
        (b"Upgrade:\r\n websocket\r\n", [("Upgrade", "websocket")]),
    ],
)
@whole_and_in_bytes
def test_9112_5_2_a_folded_line_of_a_response_is_unfolded(lines, headers, make_file):
    file = make_file(OK + lines + b"\r\nbody")
    assert read_response(file).headers == Headers(headers)
    assert file.read() == b"body"


@pytest.mark.parametrize(
    "sent, reason_phrase",
    [
        (b"n\xe3o", "n\xe3o"),
        (b"gew\xc3\xa4hlt", "gew\xc3\xa4hlt"),
        (b"a\rb\0\x1b[1m\x7f", "a b  [1m "),
    ],
)
def test_9112_4_the_reason_phrase_of_a_response_is_not_judged(sent, reason_phrase):
    response = read_response(io.BytesIO(b"HTTP/1.1 404 " + sent + b"\r\n\r\n"))
    assert (response.status_code, response.reason_phrase) == (404, reason_phrase)


@pytest.mark.parametrize("status_code", [600, 799, 999])
def test_9110_15_a_status_without_a_meaning_is_read(status_code):
    file = io.BytesIO(b"HTTP/1.1 %d x\r\n\r\n" % status_code)
    assert read_response(file) == Response(status_code, "x", Headers())


def test_9110_5_5_a_value_goes_out_as_the_bytes_that_came_in():
    head = b"GET / HTTP/1.1\r\nCookie: " + bytes(range(0x80, 0x100)) + b"\r\n\r\n"
    assert read_request(io.BytesIO(head)).to_bytes() == head
    head = b"HTTP/1.1 200 \xe9\r\nServer: " + bytes(range(0x80, 0x100)) + b"\r\n\r\n"
    assert read_response(io.BytesIO(head)).to_bytes() == head


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_the_proxy_protocol_is_named_with_what_to_switch_off(data):
    with pytest.raises(HandshakeError, match="PROXY protocol.*switch that off in the proxy"):
        read_request(io.BytesIO(data))


SECRETS = [
    b"GET /a?token=s3cr3t-123 x HTTP/1.1\r\n\r\n",
    b"GET /a?token=s3cr3t-123 HTTP/9\r\n\r\n",
    b"GET /\xe9?token=s3cr3t-123 HTTP/1.1\r\n\r\n",
    b"GET http://user:s3cr3t-123@h/ HTTP/x\r\n\r\n",
    b"GET /a?token=one s3cr3t-123 HTTP/1.1\r\n\r\n",
    b"GET /a?token=one s3cr3t-123\r\n\r\n",
    b"GET /a?token=one HTTP/1.1 s3cr3t-123\r\n\r\n",
    b"GET /a#one s3cr3t-123 HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie session=s3cr3t-123: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie session=s3cr3t-123 : x\r\n\r\n",
    b"GET / HTTP/1.1\r\nAuthorization Basic s3cr3t-123: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie: s3cr3t-123\x01\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie : s3cr3t-123\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie: a=\r\n s3cr3t-123\r\n\r\n",
    b"GET / HTTP/1.1\r\nCookie: a=b;\r\npassword=s3cr3t-123\r\n\r\n",
    b"GET / HTTP/1.1\r\nAuthorization: s3cr3t-123\n\r\n",
]


@pytest.mark.parametrize("head", SECRETS)
def test_a_fault_repeats_no_secret(head):
    with pytest.raises(HandshakeError) as caught:
        read_request(io.BytesIO(head))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "target, shown",
    [
        ("/a?token=b", "/a?*******"),
        ("/a", "/a"),
        ("/a?", "/a?"),
        ("/a#b=c", "/a#***"),
        ("http://u:p@h/a?b", "http://***@h/a?*"),
        ("http://h/a@b", "http://h/a@b"),
        ("//a/b@c", "//a/b@c"),
        ("u:p@h:80", "***@h:80"),
        ("GET /?a=b c HTTP/1.1", "GET /?*** * HTTP/1.1"),
        ("GET /?a HTTP/1.1 b", "GET /?* ******** *"),
        ("GET /a@b HTTP/1.1", "GET /a@b HTTP/1.1"),
    ],
)
def test_the_secrets_of_a_target_are_stars(target, shown):
    assert quote_target(target) == f"'{shown}'"


def test_9112_4_the_space_may_be_missing_with_the_reason_phrase():
    """A server must send it; a recipient may go on without (§4): no one can read it otherwise."""
    response = read_response(io.BytesIO(b"HTTP/1.1 101\r\nA: b\r\n\r\n"))
    assert response == Response(101, "", Headers([("A", "b")]))


REFUSED_RESPONSES = [
    # The status line: what is no HTTP ends the reading at once.
    ("garbage", b"hello\r\n\r\n", ["RFC 9112 §4"], "'hello', as in HTTP/0.9 or no HTTP"),
    (
        "http-0.9",
        b"<html>\n<p>hello</p>\n</html>\n",
        ["RFC 9112 §4"],
        "'<html>', as in HTTP/0.9 or no HTTP",
    ),
    ("http-0.9-in-one-line", b"<p>hello</p>", ["RFC 9112 §4"], "'<p>hello</p>'"),
    ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n", ["RFC 9112 §4"], "'SSH-2.0-OpenSSH_9.2'"),
    ("smtp", b"220 mail.example ESMTP\r\n", ["RFC 9112 §4"], "'220 mail.example ESMTP'"),
    ("pop3", b"+OK ready\r\n", ["RFC 9112 §4"], "'+OK ready'"),
    ("nearly-http", b"HTTQ/1.1 101 x\r\n\r\n", ["RFC 9112 §4"], "'HTTQ/1.1 101 x'"),
    ("only-its-beginning", b"HT\n", ["RFC 9112 §4"], "'HT'"),
    ("http-in-lower-case", b"http/1.1 101 x\r\n\r\n", ["RFC 9112 §4"], "'http/1.1 101 x'"),
    ("binary-after-h", b"HT\0\0\0\0", ["RFC 9112 §4"], r"'HT\x00\x00\x00'"),
    ("tls-alert", b"\x15\x03\x01\x00\x02\x02\x46", ["§3"], "a TLS record"),
    ("tls-handshake", b"\x16\x03\x01\x00\x02", ["§3"], "a TLS record"),
    ("http-2-settings", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", ["RFC 9112 §4"], r"'\x00'"),
    ("empty-line-before", b"\r\nHTTP/1.1 101 x\r\n\r\n", ["RFC 9112 §4"], "''"),
    ("lf-before", b"\nHTTP/1.1 101 x\r\n\r\n", ["RFC 9112 §4"], "''"),
    ("frame-instead", b"\x81\x05hello", ["RFC 9112 §4"], r"'\x81'"),
    ("no-version", b"HTTP/ 101 x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/ 101 x'"),
    ("version-of-one-number", b"HTTP/2 101 x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/2 101 x'"),
    ("no-status", b"HTTP/1.1\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1'"),
    ("no-space-after-the-status", b"HTTP/1.1 101x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1 101x'"),
    ("two-spaces", b"HTTP/1.1  101 x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1  101 x'"),
    ("status-of-two-digits", b"HTTP/1.1 10 x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1 10 x'"),
    ("status-of-four-digits", b"HTTP/1.1 1010 x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1 1010 x'"),
    ("status-no-number", b"HTTP/1.1 OK x\r\n\r\n", ["RFC 9112 §4"], "'HTTP/1.1 OK x'"),
    ("status-in-other-digits", b"HTTP/1.1 \xb2\xb2\xb2 x\r\n\r\n", ["RFC 9112 §4"], r"\xb2"),
    (
        "status-line-over-the-limit",
        b"HTTP/1.1 200 ".ljust(MAX_LINE_SIZE + 1, b"x") + b"\r\n",
        ["RFC 9112 §4"],
        "limit",
    ),
    (
        "status-line-without-end",
        b"HTTP/1.1 200 ".ljust(3 * MAX_LINE_SIZE, b"x"),
        ["RFC 9112 §4"],
        "limit",
    ),
    # The status line: well-formed, but nothing a client can use.
    ("http-2", b"HTTP/2.0 200 OK\r\n\r\n", ["RFC 9112 §2.3"], "'HTTP/2.0'"),
    ("http-0.9-by-name", b"HTTP/0.9 200 OK\r\n\r\n", ["RFC 9112 §2.3"], "'HTTP/0.9'"),
    ("status-099", b"HTTP/1.1 099 x\r\n\r\n", ["RFC 9110 §15"], "status code 99"),
    # Field lines.
    ("bare-lf-once", OK + b"A: b\n\r\n", ["RFC 9112 §2.2"], "LF alone"),
    ("bare-lf-everywhere", b"HTTP/1.1 200 OK\nA: b\n\n", ["RFC 9112 §2.2"], "LF alone"),
    ("bare-cr", OK + b"A: b\rC: d\r\n\r\n", ["RFC 9110 §5.5"], r"with '\r' in"),
    ("nul-in-a-value", OK + b"A: b\0\r\n\r\n", ["RFC 9110 §5.5"], r"with '\x00' in"),
    ("utf-8-in-upgrade", OK + "Upgrade: é\r\n\r\n".encode(), ["RFC 9110 §5.5"], r"with '\xc3' in"),
    ("cr-lf-lf-at-the-end", OK + b"A: b\r\n\n", ["RFC 9112 §2.2"], "LF alone"),
    ("cr-lf-lf-without-headers", OK + b"\n", ["RFC 9112 §2.2"], "LF alone"),
    ("lf-before-a-folded-line", OK + b"A: b\n c\r\n\r\n", ["RFC 9112 §2.2"], "LF alone"),
    ("lf-after-a-folded-line", OK + b"A: b\r\n c\n\r\n", ["RFC 9112 §2.2"], "LF alone"),
    ("nul-in-a-folded-line", OK + b"A: b\r\n \0\r\n\r\n", ["RFC 9110 §5.5"], r"with '\x00' in"),
    ("cr-before-a-folded-line", OK + b"A: b\r\r\n c\r\n\r\n", ["RFC 9110 §5.5"], r"with '\r' in"),
    ("no-colon", OK + b"A\r\n\r\n", ["RFC 9112 §5"], "'A'"),
    ("space-before-the-first-header", OK + b" A: b\r\n\r\n", ["RFC 9112 §5.2"], "5 characters"),
    ("space-before-the-colon", OK + b"A : b\r\n\r\n", ["RFC 9112 §5.1"], "'A '"),
    ("empty-name", OK + b": b\r\n\r\n", ["RFC 9110 §5.1"], "''"),
    (
        "bad-interim-head",
        b"HTTP/1.1 100 x\r\nA\r\n\r\n" + RFC_EXAMPLE_ANSWER,
        ["RFC 9112 §5"],
        "'A'",
    ),
    # Limits: these end the reading at once.
    ("header-over-the-limit", OK + line_of(MAX_LINE_SIZE + 1), ["RFC 6585 §5"], "limit"),
    ("header-without-end", OK + b"A" * 3 * MAX_LINE_SIZE, ["RFC 6585 §5"], "limit"),
    ("one-header-too-many", OK + b"A: b\r\n" * (MAX_FIELD_LINES + 1), ["RFC 6585 §5"], "limit"),
    ("head-too-large", OK + line_of(MAX_LINE_SIZE) * 4, ["RFC 6585 §5"], "limit"),
    (
        "interim-responses-without-end",
        EARLY_HINTS * (MAX_INTERIM_RESPONSES + 1),
        ["RFC 9110 §15.2"],
        "more than 4",
    ),
    # All at once.
    (
        "everything",
        b"HTTP/3.0 099 \xff\nA : b\r\nC\r\nD: \0\r\n\r\n",
        [
            "RFC 9112 §2.2",
            "RFC 9112 §2.3",
            "RFC 9110 §15",
            "RFC 9112 §5.1",
            "RFC 9112 §5",
            "RFC 9110 §5.5",
        ],
        "LF alone",
    ),
]
REFUSED_ANSWERS = [pytest.param(*row, id=name) for name, *row in REFUSED_RESPONSES]


@pytest.mark.rfc("6455-4.1-43", "6455-10.7-01")
@whole_and_in_bytes
@pytest.mark.parametrize("head, sections, seen", REFUSED_ANSWERS)
def test_9112_4_an_invalid_response_is_refused_with_every_fault(head, sections, seen, make_file):
    with pytest.raises(HandshakeError) as caught:
        read_response(make_file(head))
    faults = caught.value.faults
    assert [fault.section for fault in faults] == sections
    assert seen in faults[0].seen
    for fault in faults:
        assert fault.seen.isascii() and fault.seen.isprintable() and len(fault.seen) < 400
        assert fault.expected


@pytest.mark.parametrize("head, sections, seen", REFUSED_ANSWERS)
def test_9112_4_an_invalid_response_cut_short_is_incomplete_or_refused_for_a_reason_it_has(
    head, sections, seen
):
    for received in [*range(min(len(head), 200)), *range(200, len(head), 997)]:
        with pytest.raises((IncompleteHead, HandshakeError)) as caught:
            read_response(io.BytesIO(head[:received]))
        if isinstance(caught.value, HandshakeError):
            assert caught.value.faults[0].section == sections[0]


@pytest.mark.parametrize("byte", [b"\x15", b"\x16", b"\0", b"\x81", b"\xff", b"\n", b"\r"])
def test_9112_4_a_byte_that_begins_no_response_is_refused_without_waiting_for_more(byte):
    with pytest.raises(HandshakeError):
        read_response(OnlyOneByte(byte))


def test_9112_4_a_response_without_end_is_not_read_beyond_the_limit():
    class EndlessStatusLine(Endless):
        def readline(self, limit: int) -> bytes:
            line = (b"HTTP/1.1 200 "[self.asked :] + b"A" * limit)[:limit]
            self.asked += limit
            return line

    file = EndlessStatusLine()
    with pytest.raises(HandshakeError, match="a status line above the limit"):
        read_response(file)
    assert file.asked <= MAX_LINE_SIZE + 2


def test_9110_15_2_a_client_passes_over_few_interim_responses():
    assert MAX_INTERIM_RESPONSES == 4


@pytest.mark.parametrize("target", ["example.com:80", "[::1]:443"])
def test_9112_3_2_3_a_connect_asks_for_an_authority_and_nothing_on_it(target):
    request = Request("CONNECT", target, "HTTP/1.1", Headers([("Host", "other")]))
    assert (request.absolute_path, request.query, request.path, request.authority) == (
        "",
        "",
        "",
        target,
    )
    assert request.to_bytes() == f"CONNECT {target} HTTP/1.1\r\nHost: other\r\n\r\n".encode()
