"""RFC 6455 §4, §9.1 and §10.2, server side: requests as they are on the wire, and the answers to
them.
"""

import io
import shlex
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType

import pytest

from refws.protocol.errors import Fault, HandshakeError
from refws.protocol.extensions import Extension, parse_extensions
from refws.protocol.handshake import (
    GUID,
    accept,
    accept_key,
    check_request,
    choose_subprotocol,
    is_upgrade_attempt,
    negotiate,
    refuse,
    requested_extensions,
    requested_subprotocols,
)
from refws.protocol.heads import read_request
from refws.protocol.http import Headers, Request
from refws.protocol.origin import check_origin
from refws.protocol.plain import check_plain_request
from vectors import RFC_EXAMPLE, RFC_EXAMPLE_ANSWER

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

MINIMAL = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def handshake(
    changes: Mapping[str, str | list[str] | None] = MappingProxyType({}), target: str = "/chat"
) -> Request:
    """A minimal valid handshake with changes: a new value, several lines of one name, or None for
    no such header.
    """
    lines = []
    for name, value in {**MINIMAL, **changes}.items():
        values = [] if value is None else [value] if isinstance(value, str) else value
        lines += [(name, value) for value in values]
    return Request("GET", target, "HTTP/1.1", Headers(lines))


def summary(faults) -> list[tuple[str, int]]:
    return [(fault.section, fault.status.value) for fault in faults]


def negotiation_error(request: Request, **options) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        negotiate(request, **options)
    return caught.value


# §4.2.2 item 5.4


@pytest.mark.rfc("6455-4.2.2-09", "6455-4.2.2-24")
def test_4_2_2_the_accept_value_of_the_rfc_example():
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert GUID == "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.mark.rfc("6455-4.2.2-09")
def test_4_2_2_the_accept_value_is_made_of_the_trimmed_text_of_the_key_and_not_of_its_bytes():
    head = RFC_EXAMPLE.replace(b"Key: " + KEY.encode(), b"Key:\t " + KEY.encode() + b" \t")
    assert accept(read_request(io.BytesIO(head))).headers["Sec-WebSocket-Accept"] == ACCEPT
    same_bytes_other_text = KEY.replace("ZQ==", "ZR==")
    assert accept_key(same_bytes_other_text) != accept_key(KEY)


# §4.2.1


@pytest.mark.rfc(
    "6455-4.2.1-01",
    "6455-4.2.2-01",
    "6455-4.2.2-20",
    "6455-4.2.2-21",
    "6455-4.2.2-22",
    "6455-4.2.2-23",
)
@pytest.mark.rfc("6455-4.2.2-25", "6455-4.4-02", "6455-11.2-01")
def test_1_3_the_handshake_of_the_rfc_is_accepted():
    request = read_request(io.BytesIO(RFC_EXAMPLE))
    subprotocol = negotiate(request, origins=["http://example.com"], subprotocols=["chat"])
    assert subprotocol == "chat"
    assert accept(request, subprotocol=subprotocol).to_bytes() == RFC_EXAMPLE_ANSWER


GOOD = [
    ("minimal", {}, ["6455-4.2.1-11", "6455-4.4-02"]),
    ("firefox", {"Connection": "keep-alive, Upgrade"}, ["6455-4.2.1-08"]),
    ("connection-over-lines", {"Connection": ["keep-alive", "UPGRADE"]}, ["6455-4.2.1-08"]),
    (
        "connection-with-white-space",
        {"Connection": " ,keep-alive\t,\tupgrade ,"},
        ["6455-4.2.1-08", "6455-4.3-01"],
    ),
    ("upgrade-as-registered", {"Upgrade": "WebSocket"}, ["6455-4.2.1-07", "6455-11.2-01"]),
    ("upgrade-in-upper-case", {"Upgrade": "WEBSOCKET"}, ["6455-4.2.1-07"]),
    ("upgrade-list", {"Upgrade": "h2c, websocket"}, ["6455-4.2.1-07"]),
    ("upgrade-over-lines", {"Upgrade": ["h2c", "websocket"]}, ["6455-4.2.1-07"]),
    ("key-of-zeros", {"Sec-WebSocket-Key": b64encode(bytes(16)).decode()}, ["6455-4.2.1-09"]),
    ("key-of-ones", {"Sec-WebSocket-Key": b64encode(b"\xff" * 16).decode()}, ["6455-4.2.1-09"]),
    (
        "key-of-the-example-in-4.1",
        {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEC=="},
        ["6455-4.2.1-09"],
    ),
    ("key-by-erratum-3150", {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA=="}, ["6455-4.2.1-09"]),
    ("subprotocols", {"Sec-WebSocket-Protocol": "a,b"}, ["6455-4.2.1-13"]),
    (
        "subprotocols-with-gaps",
        {"Sec-WebSocket-Protocol": ", a ,\t,b,"},
        ["6455-4.3-02", "6455-4.3-01"],
    ),
    ("subprotocols-over-lines", {"Sec-WebSocket-Protocol": ["a", "b"]}, ["6455-11.3.4-01"]),
    ("subprotocol-twice", {"Sec-WebSocket-Protocol": "a, a"}, []),
    ("extensions", {"Sec-WebSocket-Extensions": "a; b=c, d"}, ["6455-4.2.1-14"]),
    (
        "extensions-over-lines",
        {"Sec-WebSocket-Extensions": ["a", "b"]},
        ["6455-11.3.2-01", "6455-9.1-04"],
    ),
    ("unknown-headers", {"X-Foo": "(", "Pragma": "no-cache", "Cookie": "a=b"}, ["6455-4.2.1-15"]),
]


@pytest.mark.parametrize(
    "changes",
    [pytest.param(changes, id=name, marks=pytest.mark.rfc(*ids)) for name, changes, ids in GOOD],
)
def test_4_2_1_a_valid_handshake_has_no_fault(changes):
    assert check_request(handshake(changes)) == ()
    assert negotiate(handshake(changes)) is None


def item(number: int, status: int = 400) -> tuple[str, int]:
    return f"§4.2.1 item {number}", status


BAD = [
    ("no-host", {"Host": None}, [item(2)], ["6455-4.2.1-06"]),
    ("two-hosts", {"Host": ["a", "a"]}, [item(2)], ["6455-4.2.1-06"]),
    ("malformed-host", {"Host": "a b"}, [item(2)], ["6455-4.2.1-06"]),
    ("no-upgrade", {"Upgrade": None}, [item(3)], ["6455-4.2.1-07"]),
    ("h2c", {"Upgrade": "h2c"}, [item(3)], ["6455-4.2.1-07"]),
    ("upgrade-with-version", {"Upgrade": "websocket/13"}, [item(3)], ["6455-4.2.1-07"]),
    ("upgrade-only-begins-so", {"Upgrade": "websockets"}, [item(3)], ["6455-4.2.1-07"]),
    ("no-connection", {"Connection": None}, [item(4)], ["6455-4.2.1-08"]),
    ("connection-close", {"Connection": "close"}, [item(4)], ["6455-4.2.1-08"]),
    ("connection-only-begins-so", {"Connection": "Upgraded"}, [item(4)], ["6455-4.2.1-08"]),
    (
        "connection-without-comma",
        {"Connection": "keep-alive Upgrade"},
        [item(4)],
        ["6455-4.2.1-08"],
    ),
    ("no-key", {"Sec-WebSocket-Key": None}, [item(5)], ["6455-4.2.1-09"]),
    ("empty-key", {"Sec-WebSocket-Key": ""}, [item(5)], ["6455-4.2.1-09"]),
    (
        "key-of-15-bytes",
        {"Sec-WebSocket-Key": b64encode(bytes(15)).decode()},
        [item(5)],
        ["6455-4.2.1-09"],
    ),
    (
        "key-of-17-bytes",
        {"Sec-WebSocket-Key": b64encode(bytes(17)).decode()},
        [item(5)],
        ["6455-4.2.1-09"],
    ),
    (
        "key-of-18-bytes",
        {"Sec-WebSocket-Key": b64encode(bytes(18)).decode()},
        [item(5)],
        ["6455-4.2.1-09"],
    ),
    (
        "key-of-19-bytes",
        {"Sec-WebSocket-Key": b64encode(bytes(19)).decode()},
        [item(5)],
        ["6455-4.2.1-09"],
    ),
    ("key-with-a-character-less", {"Sec-WebSocket-Key": KEY[1:]}, [item(5)], ["6455-4.3-04"]),
    (
        "key-with-more-after-it",
        {"Sec-WebSocket-Key": KEY + ", " + KEY},
        [item(5)],
        ["6455-4.3-04", "6455-11.3.1-01"],
    ),
    (
        "key-url-alphabet",
        {"Sec-WebSocket-Key": "-" + KEY[1:]},
        [item(5)],
        ["6455-4.2.1-09", "6455-4.3-04"],
    ),
    ("key-without-padding", {"Sec-WebSocket-Key": KEY[:-2]}, [item(5)], ["6455-4.3-04"]),
    ("key-with-half-its-padding", {"Sec-WebSocket-Key": KEY[:-1]}, [item(5)], ["6455-4.3-04"]),
    (
        "key-with-padding-inside",
        {"Sec-WebSocket-Key": "ab=c" + KEY[4:]},
        [item(5)],
        ["6455-4.3-04"],
    ),
    ("key-of-three-characters", {"Sec-WebSocket-Key": "abc"}, [item(5)], ["6455-4.3-04"]),
    ("key-of-padding-only", {"Sec-WebSocket-Key": "===="}, [item(5)], ["6455-4.3-04"]),
    (
        "key-with-a-space",
        {"Sec-WebSocket-Key": KEY[:4] + " " + KEY[4:]},
        [item(5)],
        ["6455-4.3-04"],
    ),
    ("two-keys", {"Sec-WebSocket-Key": [KEY, KEY]}, [item(5)], ["6455-11.3.1-01"]),
    ("two-origins", {"Origin": ["http://a", "http://a"]}, [item(7)], []),
    ("empty-subprotocols", {"Sec-WebSocket-Protocol": ""}, [item(8)], ["6455-4.3-02"]),
    ("subprotocols-of-commas", {"Sec-WebSocket-Protocol": " ,,"}, [item(8)], ["6455-4.3-02"]),
    ("subprotocol-no-token", {"Sec-WebSocket-Protocol": "a, b c"}, [item(8)], ["6455-4.3-02"]),
    ("subprotocol-in-quotes", {"Sec-WebSocket-Protocol": '"a"'}, [item(8)], ["6455-4.3-02"]),
    ("extension-no-token", {"Sec-WebSocket-Extensions": "a b"}, [("§9.1", 400)], ["6455-9.1-02"]),
    ("empty-extensions", {"Sec-WebSocket-Extensions": ""}, [("§9.1", 400)], ["6455-9.1-02"]),
]

VERSION = "Sec-WebSocket-Version"
BAD += [
    (
        f"version-{name}",
        {VERSION: value},
        [item(6, 426)],
        ["6455-4.2.1-10", "6455-4.2.2-10", "6455-4.4-03", *ids],
    )
    for name, value, ids in [
        ("missing", None, []),
        ("empty", "", ["6455-4.3-07"]),
        ("0", "0", []),
        ("8", "8", []),
        ("14", "14", []),
        ("25-as-in-4.4", "25", []),
        ("99", "99", []),
        ("012", "012", ["6455-4.3-07"]),
        ("013", "013", ["6455-4.3-07"]),
        ("256", "256", ["6455-4.3-07"]),
        ("negative", "-1", ["6455-4.3-07"]),
        ("signed", "+13", ["6455-4.3-07"]),
        ("fraction", "13.0", ["6455-4.3-07"]),
        ("list", "13, 8", ["6455-4.3-07"]),
    ]
]
BAD += [("version-twice", {VERSION: ["13", "13"]}, [item(6)], ["6455-11.3.5-03", "6455-4.2.1-10"])]


@pytest.mark.parametrize(
    "changes, faults",
    [
        pytest.param(
            changes, faults, id=name, marks=pytest.mark.rfc("6455-4.2.1-03", "6455-10.7-04", *ids)
        )
        for name, changes, faults, ids in BAD
    ],
)
def test_4_2_1_an_invalid_handshake_is_refused_with_a_fitting_status(changes, faults):
    found = check_request(handshake(changes))
    assert summary(found) == faults
    assert [fault.field for fault in found] == list(changes)
    error = negotiation_error(handshake(changes), origins=["*"])
    assert summary(error.faults) == faults
    assert refuse(error).status_code == faults[0][1] != 101


@pytest.mark.rfc("6455-4.2.1-04", "6455-4.2.1-05")
@pytest.mark.parametrize(
    "method, target, version, status",
    [
        ("POST", "/", "HTTP/1.1", 405),
        ("HEAD", "/", "HTTP/1.1", 400),
        ("GET", "/", "HTTP/1.0", 400),
        ("GET", "/", "HTTP/1.10", 505),
        ("GET", "/", "HTTP/2.0", 505),
        ("GET", "chat", "HTTP/1.1", 400),
    ],
)
def test_4_2_1_item_1_the_request_line_is_checked_too(method, target, version, status):
    assert summary(check_request(Request(method, target, version, handshake().headers))) == [
        item(1, status)
    ]


LINE, ITEM_1 = ("RFC 9112 §3", 400), ("§4.2.1 item 1", 400)
NO_BODY = ("RFC 9110 §9.3.1", 400)
ENCODING, LENGTH = ("RFC 9112 §6.3 item 4", 400), ("RFC 9112 §6.3 item 5", 400)

FIRST_LINES = [
    # name, request, what HTTP refuses in it, what item 1 of §4.2.1 refuses in it, requirements
    ("get", b"GET / HTTP/1.1\r\n", [], [], ()),
    ("higher-minor-version", b"GET / HTTP/1.9\r\n", [], [], ()),
    ("post", b"POST / HTTP/1.1\r\n", [], [item(1, 405)], ("6455-4.2.1-04",)),
    ("head", b"HEAD / HTTP/1.1\r\n", [], [ITEM_1], ("6455-4.2.1-04",)),
    ("get-in-lower-case", b"get / HTTP/1.1\r\n", [], [item(1, 405)], ("6455-4.2.1-04",)),
    ("http-1.0", b"GET / HTTP/1.0\r\n", [], [ITEM_1], ("6455-4.2.1-04",)),
    (
        "http-2",
        b"GET / HTTP/2.0\r\n",
        [("RFC 9112 §3", 505)],
        [item(1, 505)],
        ("6455-4.2.1-04",),
    ),
    (
        "http-0.9",
        b"GET / HTTP/0.9\r\n",
        [("RFC 9112 §3", 505)],
        [item(1, 505)],
        ("6455-4.2.1-04",),
    ),
    ("target-without-slash", b"GET chat HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-asterisk", b"GET * HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-with-fragment", b"GET /#a HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-ws-uri", b"GET ws://h/ HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-with-user", b"GET http://u@h/ HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-without-host", b"GET http:/// HTTP/1.1\r\n", [LINE], [ITEM_1], ("6455-4.2.1-05",)),
    ("target-of-get-an-authority", b"GET h:80 HTTP/1.1\r\n", [LINE], [ITEM_1], ()),
    ("options", b"OPTIONS * HTTP/1.1\r\n", [], [item(1, 405)], ()),
    ("connect", b"CONNECT h:80 HTTP/1.1\r\n", [], [item(1, 405)], ()),
    (
        "http-2-preface",
        b"PRI * HTTP/2.0\r\n",
        [("RFC 9112 §3", 505), LINE],
        [item(1, 505), ITEM_1, item(1, 405)],
        ("6455-4.2.1-04",),
    ),
    ("body", b"GET / HTTP/1.1\r\nContent-Length: 5\r\n", [], [NO_BODY], ()),
    (
        "two-lengths",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
        [LENGTH],
        [NO_BODY],
        (),
    ),
    ("length-no-number", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n", [LENGTH], [NO_BODY], ()),
    ("length-with-a-sign", b"GET / HTTP/1.1\r\nContent-Length: +5\r\n", [LENGTH], [NO_BODY], ()),
    ("length-hexadecimal", b"GET / HTTP/1.1\r\nContent-Length: 0x5\r\n", [LENGTH], [NO_BODY], ()),
    ("length-empty", b"GET / HTTP/1.1\r\nContent-Length:\r\n", [LENGTH], [], ()),
    ("length-and-comma", b"GET / HTTP/1.1\r\nContent-Length: 0,\r\n", [LENGTH], [], ()),
    ("length-0", b"GET / HTTP/1.1\r\nContent-Length: 0\r\n", [], [], ()),
    ("length-00", b"GET / HTTP/1.1\r\nContent-Length: 00\r\n", [], [], ()),
    ("length-0-twice", b"GET / HTTP/1.1\r\nContent-Length: 0, 0\r\n", [], [], ()),
    ("length-twice", b"GET / HTTP/1.1\r\n" + b"Content-Length: 5\r\n" * 2, [], [NO_BODY], ()),
    ("encoding", b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", [], [NO_BODY], ()),
    ("encodings", b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n", [], [NO_BODY], ()),
    ("encoding-gzip", b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n", [ENCODING], [NO_BODY], ()),
    (
        "encoding-gzip-last",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n",
        [ENCODING],
        [NO_BODY],
        (),
    ),
    ("encoding-empty", b"GET / HTTP/1.1\r\nTransfer-Encoding:\r\n", [ENCODING], [], ()),
    (
        "encoding-and-bad-length",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n",
        [],
        [NO_BODY] * 2,
        (),
    ),
]


@pytest.mark.parametrize(
    "head, plain, handshake",
    [
        pytest.param(*row, id=name, marks=pytest.mark.rfc("6455-4.2.1-03", *ids))
        for name, *row, ids in FIRST_LINES
    ],
)
def test_4_2_1_item_1_is_for_a_handshake_and_http_for_every_request(head, plain, handshake):
    request = read_request(io.BytesIO(head + b"Host: h\r\n\r\n"))
    faults = check_request(request)
    for fault in (*check_plain_request(request), *faults):
        assert fault.seen.isascii() and fault.seen.isprintable() and fault.expected
    assert summary(check_plain_request(request)) == plain
    assert summary(faults) == [*handshake, *(item(number) for number in (3, 4, 5)), item(6, 426)]


def test_4_2_1_what_looks_like_a_proxy_that_speaks_http_1_0_is_named_as_one():
    request = Request(
        "GET", "/", "HTTP/1.0", handshake({"Upgrade": None, "Connection": "close"}).headers
    )
    faults = check_request(request)
    assert summary(faults) == [item(1), item(3), item(4)]
    assert all("a proxy in between" in fault.expected for fault in faults)
    assert "proxy_http_version 1.1" in faults[0].expected


@pytest.mark.rfc("6455-4.2.1-06")
@pytest.mark.parametrize(
    "hosts, valid",
    [
        (["example.com"], True),
        (["example.com:8080"], True),
        (["EXAMPLE.com:"], True),
        (["127.0.0.1:80"], True),
        (["[::1]:80"], True),
        (["[::1]"], True),
        ([], False),
        (["a", "a"], False),
        ([""], False),
        (["", ""], False),
        (["[fe80::1%eth0]"], False),
        (["[fe80::1%25eth0]:80"], False),
        (["a b"], False),
        (["a/b"], False),
        (["u@a"], False),
        (["::1"], False),
        (["a:b"], False),
        (["a:999999"], False),
        (["http://a"], False),
        (["[::::]"], False),
        (["[1.2.3.4]"], False),
        (["[::1:2:3:4:5:6:7:8]"], False),
        (["[::ffff:192.0.2.1]:80"], True),
        (["ex%61mple.com"], True),
        (["ex%zzmple.com"], False),
        (["example.com%"], False),
    ],
)
def test_4_2_1_item_2_host_comes_once_and_is_a_host_with_an_optional_port(hosts, valid):
    """RFC 9112 §3.2: an empty Host is valid, but a handshake names its server in it."""
    request = Request("GET", "/", "HTTP/1.1", Headers(("Host", host) for host in hosts))
    plain = valid or hosts == [""]
    assert summary(check_plain_request(request)) == ([] if plain else [("RFC 9112 §3.2", 400)])
    assert (item(2) in summary(check_request(request))) is not valid
    as_http_1_0 = replace(request, version="HTTP/1.0")
    assert (check_plain_request(as_http_1_0) == ()) is (plain or not hosts)


@pytest.mark.rfc("6455-4.2.1-03")
def test_4_2_1_all_faults_are_found_at_once_and_in_the_order_of_the_list():
    headers = Headers(
        [
            ("Sec-WebSocket-Extensions", ";"),
            ("Sec-WebSocket-Protocol", ""),
            ("Origin", "http://a"),
            ("Origin", "http://b"),
        ]
    )
    faults = check_request(Request("POST", "x", "HTTP/1.0", headers))
    expected = [
        item(1),
        item(1),
        item(1, 405),
        item(2),
        item(3),
        item(4),
        item(5),
        item(6, 426),
        item(7),
        item(8),
    ]
    assert summary(faults) == [*expected, ("§9.1", 400)]


@pytest.mark.rfc("6455-4.2.1-02")
def test_4_2_1_the_order_of_headers_does_not_matter():
    lines = [*handshake({"Sec-WebSocket-Protocol": "a"}).headers.raw_items()]
    for shift in range(len(lines)):
        for order in (lines[shift:] + lines[:shift], list(reversed(lines[shift:] + lines[:shift]))):
            request = Request("GET", "/", "HTTP/1.1", Headers(order))
            assert negotiate(request, subprotocols=["a"]) == "a"
            assert accept(request).headers["Sec-WebSocket-Accept"] == ACCEPT


@pytest.mark.rfc("6455-4.1-44")
@pytest.mark.parametrize("change_case", [str.upper, str.lower, str.swapcase])
def test_4_1_header_names_are_matched_in_any_case(change_case):
    lines = [
        (change_case(name), value)
        for name, value in handshake({"Sec-WebSocket-Protocol": "a"}).headers.raw_items()
    ]
    request = Request("GET", "/", "HTTP/1.1", Headers(lines))
    assert is_upgrade_attempt(request)
    assert negotiate(request, subprotocols=["a"]) == "a"
    assert accept(request).headers["Sec-WebSocket-Accept"] == ACCEPT


@pytest.mark.parametrize(
    "lines, expected",
    [
        ([("Upgrade", "websocket")], True),
        ([("upgrade", "h2c, WebSocket")], True),
        ([("Upgrade", "h2c"), ("Upgrade", "websocket")], True),
        ([("Upgrade", "h2c"), ("Sec-WebSocket-Key", "x")], True),
        (
            [("Upgrade", "h2c"), ("HTTP2-Settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")],
            False,
        ),
        ([("Upgrade", "TLS/1.0")], False),
        ([("Upgrade", "")], False),
        ([("SEC-WEBSOCKET-KEY", "x")], True),
        ([("Sec-WebSocket-Version", "13")], True),
        ([], False),
        ([("Connection", "Upgrade")], False),
        ([("Upgrade-Insecure-Requests", "1")], False),
        ([("X-Sec-WebSocket-Key", "x")], False),
    ],
)
def test_4_2_1_a_request_that_means_to_be_a_handshake_is_distinguished_from_one_for_a_page(
    lines, expected
):
    assert is_upgrade_attempt(Request("GET", "/", "HTTP/1.1", Headers(lines))) is expected


# §10.2


def origin_passes(
    origin: str | None, host: str, origins=None, target="/chat", secure=False
) -> bool:
    fault = check_origin(handshake({"Origin": origin, "Host": host}, target), origins, secure)
    assert fault is None or summary([fault]) == [("§10.2", 403)]
    return fault is None


@pytest.mark.rfc("6455-4.2.1-11", "6455-4.2.1-12")
@pytest.mark.parametrize("origins", [None, [], ["https://example.com"]])
def test_10_2_a_request_without_origin_is_not_from_a_browser_and_passes(origins):
    assert origin_passes(None, "server.example.com", origins)


@pytest.mark.rfc("6455-10.2-01", "6455-4.2.2-07")
@pytest.mark.parametrize(
    "origin, passes",
    [
        ("https://example.com", True),
        ("http://other.example:8080", True),
        ("http://example.com", False),
        ("https://example.com:8443", False),
        ("https://www.example.com", False),
        ("https://example.com.evil.example", False),
        ("https://evil.example/https://example.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_10_2_a_listed_origin_passes_and_a_foreign_one_does_not(origin, passes):
    assert (
        origin_passes(
            origin, "server.example.com", ["https://example.com", "http://other.example:8080"]
        )
        is passes
    )


@pytest.mark.rfc("6455-10.2-02")
@pytest.mark.parametrize(
    "origin, word",
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("null", "null"),
        ("file://", "file://"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("http://[2001:db8::1]:8080", "'http://[2001:db8::1]:8080'"),
    ],
)
def test_10_2_what_a_refusal_says_to_type_lets_the_origin_in(origin, word):
    fault = check_origin(handshake({"Origin": origin, "Host": "h"}), None)
    assert repr(origin) in fault.seen
    assert f'origins=["{origin}"] in code, --origin {word} on the command line' in fault.expected
    assert ("any page can show one" in fault.expected) is (origin == "null")
    assert origin_passes(origin, "h", [origin]) and shlex.split(word) == [origin]


@pytest.mark.rfc("6455-10.2-02")
@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "example.org",
        "http://x;reboot",
        "http://a b",
        "http://$(reboot)",
        'http://a"]',
        f"http://{'x' * 300}",
        "ws://a",
        "data://a",
        "http://a..b",
        "http://127.1",
        "http://a:0",
        "http://[::g]",
        "chrome-extension://",
        "https://example.org/",
    ],
)
def test_10_2_what_no_page_would_send_is_not_repeated_as_what_to_type(origin):
    fault = check_origin(handshake({"Origin": origin, "Host": "h"}), None)
    assert "--origin https://example.com on the command line" in fault.expected
    assert "an origin is scheme://host or scheme://host:port, with no path" in fault.expected
    assert len(fault.seen) < 400


@pytest.mark.rfc("6455-4.2.2-06")
def test_10_2_origins_compare_in_ascii_lower_case():
    assert origin_passes("HTTP://Example.COM", "h", ["http://example.com"])
    assert origin_passes("http://example.com", "h", ["HTTP://Example.COM"])


@pytest.mark.parametrize("origin", ["https://example.com", "null", "", "chrome-extension://abc"])
def test_10_2_an_asterisk_lets_every_origin_pass(origin):
    assert origin_passes(origin, "server.example.com", ["*"])


@pytest.mark.parametrize(
    "origin, host, passes",
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://192.0.2.1", "192.0.2.1", True),
        ("http://192.0.2.1", "192.0.2.1:80", True),
        ("http://192.0.2.1:80", "192.0.2.1", True),
        ("http://[2001:db8::1]:8080", "[2001:DB8::1]:8080", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("HTTP://LOCALHOST:8080", "LocalHost:8080", True),
        ("http://[2001:db8:0::1]", "[2001:db8::1]", True),
        # Another port or another address is another server.
        ("http://127.0.0.1:8081", "127.0.0.1:8080", False),
        ("http://192.0.2.1", "192.0.2.1:443", False),
        ("https://192.0.2.1", "192.0.2.1:80", False),
        ("http://192.0.2.1:443", "192.0.2.1", False),
        ("http://127.0.0.1:8080", "localhost:8080", False),
        ("http://192.0.2.2", "192.0.2.1", False),
        # A name proves nothing, whatever it looks like.
        ("http://example.com", "example.com", False),
        ("http://localhost.example", "localhost.example", False),
        ("http://127.0.0.1.example", "127.0.0.1.example", False),
        # No origin of a web page.
        ("null", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", False),
        ("ftp://127.0.0.1", "127.0.0.1", False),
        ("http://127.0.0.1/", "127.0.0.1", False),
        ("http://u@127.0.0.1", "127.0.0.1", False),
        # Two that are malformed are not equal.
        ("http://", "", False),
        ("http://a b", "a b", False),
    ],
)
def test_10_2_the_own_origin_passes_only_as_an_address_or_localhost(origin, host, passes):
    assert origin_passes(origin, host) is passes
    assert origin_passes(origin, host, ["https://listed.example"]) is passes


@pytest.mark.parametrize("host", ["192.0.2.1", "localhost", "[::1]", "127.0.0.1:8443"])
def test_6454_5_the_own_origin_has_the_scheme_of_the_connection(host):
    """What answers without TLS at the same address is another server, or someone on the way."""
    for secure in (False, True):
        assert origin_passes(f"http://{host}", host, secure=secure) is not secure
        assert origin_passes(f"https://{host}", host, secure=secure) is secure


@pytest.mark.parametrize(
    "origin, host, passes",
    [
        ("https://192.0.2.1", "192.0.2.1:443", True),
        ("https://192.0.2.1:443", "192.0.2.1", True),
        ("https://192.0.2.1", "192.0.2.1:80", False),
        ("https://192.0.2.1:80", "192.0.2.1", False),
    ],
)
def test_6454_4_the_default_port_is_the_one_of_the_scheme(origin, host, passes):
    assert origin_passes(origin, host, secure=True) is passes


def test_9112_3_2_2_the_authority_of_an_absolute_target_goes_before_host():
    assert origin_passes("http://127.0.0.1", "192.0.2.1", target="http://127.0.0.1/chat")
    assert not origin_passes("http://192.0.2.1", "192.0.2.1", target="http://127.0.0.1/chat")


def test_4_2_1_item_8_a_refusal_repeats_little_of_what_may_be_a_password():
    error = negotiation_error(handshake({"Sec-WebSocket-Protocol": "Bearer 0123456789 s3cr3t"}))
    assert "Sec-WebSocket-Protocol: 'Bearer 01234'..." in str(error)


@pytest.mark.parametrize("headers", [{"Host": "ada:s3cr3t@h"}, {"Origin": "https://ada:s3cr3t@h"}])
def test_10_2_a_refusal_repeats_no_password_before_a_host(headers):
    error = negotiation_error(handshake(headers))
    assert f"{'*' * 10}@h'" in str(error)
    assert "s3cr3t" not in str(error)
    assert b"s3cr3t" not in refuse(error).body


@pytest.mark.rfc("6455-10.2-02", "6455-4.2.2-08", "6455-10.7-04")
def test_10_2_a_foreign_origin_is_answered_with_403_that_says_what_to_configure():
    error = negotiation_error(handshake({"Origin": "https://evil.example"}))
    response = refuse(error)
    assert summary(error.faults) == [("§10.2", 403)]
    assert response.status_code == 403
    assert b"'https://evil.example'" in response.body
    assert b'origins=["https://evil.example"]' in response.body
    assert b"--origin https://evil.example" in response.body


# §4.2.2: subprotocol


@pytest.mark.rfc("6455-4.2.2-13", "6455-4.2.2-14")
@pytest.mark.parametrize(
    "requested, supported, chosen",
    [
        ("chat, superchat", ["superchat", "chat"], "superchat"),
        ("chat, superchat", ["chat", "superchat"], "chat"),
        (["chat", "superchat"], ["superchat"], "superchat"),
        ("chat", ["other", "chat"], "chat"),
        ("chat", ["other"], None),
        ("chat", ["Chat"], None),
        ("chat", [""], None),
        ("chat", [], None),
        (None, ["chat"], None),
    ],
)
def test_4_2_2_the_first_of_the_server_that_the_client_listed_is_chosen(
    requested, supported, chosen
):
    request = handshake({"Sec-WebSocket-Protocol": requested})
    assert choose_subprotocol(request, supported) == chosen
    assert negotiate(request, subprotocols=supported) == chosen


@pytest.mark.rfc("6455-4.2.1-13", "6455-11.3.4-01")
def test_4_2_1_item_8_subprotocols_keep_the_order_of_the_client_over_several_lines():
    request = handshake({"Sec-WebSocket-Protocol": ["c, a", "b"]})
    assert requested_subprotocols(request) == ["c", "a", "b"]


@pytest.mark.rfc(
    "6455-4.2.2-14", "6455-4.2.2-15", "6455-4.2.2-18", "6455-4.2.2-19", "6455-9-02", "6455-9-03"
)
def test_4_2_2_what_is_not_agreed_is_not_in_the_answer():
    request = handshake({"Sec-WebSocket-Protocol": "chat", "Sec-WebSocket-Extensions": "x-foo"})
    assert negotiate(request, subprotocols=["other"]) is None
    assert accept(request).headers == Headers(
        [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", ACCEPT),
        ]
    )


@pytest.mark.rfc("6455-4.2.2-13", "6455-4.2.2-16")
@pytest.mark.parametrize(
    "requested, subprotocol", [("chat", "other"), ("chat", ""), ("a, b", "a, b"), (None, "chat")]
)
def test_4_2_2_a_subprotocol_that_the_client_did_not_list_cannot_be_answered(
    requested, subprotocol
):
    with pytest.raises(ValueError, match=r"§4\.2\.2 item 4"):
        accept(handshake({"Sec-WebSocket-Protocol": requested}), subprotocol=subprotocol)


# §9.1: extensions

GOOD_EXTENSIONS = [
    (["deflate-stream"], [Extension("deflate-stream")], []),
    (
        ["mux; max-channels=4; flow-control, deflate-stream"],
        [
            Extension("mux", (("max-channels", "4"), ("flow-control", None))),
            Extension("deflate-stream"),
        ],
        [],
    ),
    (["private-extension"], [Extension("private-extension")], []),
    (
        ["foo", "bar; baz=2"],
        [Extension("foo"), Extension("bar", (("baz", "2"),))],
        ["6455-9.1-01", "6455-9.1-04", "6455-11.3.2-01"],
    ),
    (["foo, bar; baz=2"], [Extension("foo"), Extension("bar", (("baz", "2"),))], []),
    (
        [" a ,b\t;  c = 1 "],
        [Extension("a"), Extension("b", (("c", "1"),))],
        ["6455-4.3-01", "6455-9.1-01"],
    ),
    ([",, a,\t,"], [Extension("a")], []),
    (["", "a", ""], [Extension("a")], []),
    (["a; a; a=1, a"], [Extension("a", (("a", None), ("a", "1"))), Extension("a")], []),
    (['a; x="10"'], [Extension("a", (("x", "10"),))], ["6455-4.3-06", "6455-9.1-03"]),
    (['a; x = "10" ; y'], [Extension("a", (("x", "10"), ("y", None)))], ["6455-4.3-06"]),
    ([r'a; x="1\0\a"'], [Extension("a", (("x", "10a"),))], ["6455-4.3-06"]),
]


@pytest.mark.rfc("6455-4.3-05")
@pytest.mark.parametrize(
    "values, extensions",
    [
        pytest.param(values, extensions, marks=pytest.mark.rfc(*ids))
        for values, extensions, ids in GOOD_EXTENSIONS
    ],
)
def test_9_1_extensions_are_parsed_in_order(values, extensions):
    assert parse_extensions(values) == tuple(extensions)
    assert requested_extensions(handshake({"Sec-WebSocket-Extensions": values})) == tuple(
        extensions
    )


BAD_EXTENSIONS = [
    ([], []),
    ([""], []),
    ([" , "], []),
    ([";"], []),
    ([";x"], []),
    (["a;"], []),
    (["a;;b"], []),
    (["a; , b"], []),
    (["a=b"], []),
    (["a b"], []),
    (["a; b c"], []),
    (["a; b=c d"], []),
    (["a=b=c"], []),
    (["a; b=c=d"], []),
    (["a; b="], []),
    (["a; =b"], []),
    (['"a"'], []),
    (['a; "b"'], []),
    (['a; b="'], ["6455-4.3-06"]),
    (['a; b=""'], ["6455-4.3-06", "6455-9.1-03"]),
    (['a; x="a b"'], ["6455-4.3-06", "6455-9.1-03"]),
    (['a; x="a,b"'], ["6455-4.3-06", "6455-9.1-03"]),
    (['a; x="a;b"'], ["6455-4.3-06", "6455-9.1-03"]),
    ([r'a; x="a\"b"'], ["6455-4.3-06", "6455-9.1-03"]),
    ([r'a; x="a\\b"'], ["6455-4.3-06", "6455-9.1-03"]),
    ([r'a; x="a\"'], ["6455-4.3-06"]),
    (['a; x="a" b'], ["6455-4.3-06"]),
    (['a; x="a', 'b"'], ["6455-4.3-06"]),
]


@pytest.mark.rfc("6455-9.1-02", "6455-4.3-05")
@pytest.mark.parametrize(
    "values", [pytest.param(values, marks=pytest.mark.rfc(*ids)) for values, ids in BAD_EXTENSIONS]
)
def test_9_1_a_malformed_extension_list_is_refused_with_400(values):
    with pytest.raises(HandshakeError) as caught:
        parse_extensions(values)
    assert summary(caught.value.faults) == [("§9.1", 400)]


def test_9_1_without_the_header_nothing_is_offered():
    assert requested_extensions(handshake()) == ()


@pytest.mark.rfc("6455-4.2.2-17", "6455-4.2.2-26", "6455-9.1-12", "6455-11.3.2-02")
def test_4_2_2_agreed_extensions_stand_in_one_header_of_the_answer():
    request = handshake({"Sec-WebSocket-Extensions": ["x-foo, permessage-deflate; a", "bar"]})
    for extensions in (
        "permessage-deflate",
        "permessage-deflate ; a=1, bar",
        "x-foo, permessage-deflate, bar",
    ):
        response = accept(request, extensions=extensions)
        assert response.headers.get_all("Sec-WebSocket-Extensions") == [extensions]


@pytest.mark.rfc("6455-4.2.2-17", "6455-4.2.2-18", "6455-4.2.2-19", "6455-9-03")
@pytest.mark.parametrize(
    "offered, extensions",
    [
        (None, "permessage-deflate"),
        ("x-foo", "permessage-deflate"),
        ("x-foo", "x-foo, permessage-deflate"),
        ("x-foo", ""),
    ],
)
def test_4_2_2_an_extension_that_the_client_did_not_offer_cannot_be_answered(offered, extensions):
    with pytest.raises(ValueError, match=r"§4\.2\.2 item 4"):
        accept(handshake({"Sec-WebSocket-Extensions": offered}), extensions=extensions)


# §4.2.2 item 5: the 101


@pytest.mark.rfc(
    "6455-4.2.2-20", "6455-4.2.2-21", "6455-4.2.2-22", "6455-4.2.2-23", "6455-4.2.2-24"
)
def test_4_2_2_item_5_the_smallest_answer():
    assert accept(handshake()).to_bytes() == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


def test_4_2_2_headers_can_be_added_to_the_answer():
    answer = accept(handshake(), headers=[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")]).to_bytes()
    assert answer.endswith(b"\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n")


def test_4_2_2_a_header_that_would_inject_a_line_cannot_be_added():
    with pytest.raises(ValueError, match=r"RFC 9110 §5\.5"):
        accept(handshake(), headers=[("Set-Cookie", "a\r\nSec-WebSocket-Protocol: evil")])


@pytest.mark.rfc("6455-11.3.3-01", "6455-11.3.4-02")
@pytest.mark.parametrize(
    "name",
    [
        "upgrade",
        "Connection",
        "Sec-WebSocket-Accept",
        "SEC-WEBSOCKET-PROTOCOL",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
    ],
)
def test_11_3_a_header_of_the_handshake_cannot_be_repeated_in_the_answer(name):
    with pytest.raises(ValueError, match=r"§4\.2\.2"):
        accept(handshake(), headers=[(name, "x")])


# §4.2.1, §4.2.2: refusals


@pytest.mark.rfc("6455-4.4-03")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("versions", [["7", "8"], ["13", "8"], ["8"], "x", "7, 8", "", None])
def test_4_4_the_answer_to_another_version_names_version_13(method, versions):
    headers = handshake({"Sec-WebSocket-Version": versions}).headers
    response = refuse(negotiation_error(Request(method, "/", "HTTP/1.1", headers)))
    assert response.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.rfc("6455-4.2.2-10", "6455-4.4-03", "6455-11.3.5-01")
def test_4_4_another_version_is_answered_with_426_and_the_version_of_this_server():
    response = refuse(negotiation_error(handshake({"Sec-WebSocket-Version": "25"})))
    assert response.status_code == 426
    assert response.headers["Sec-WebSocket-Version"] == "13"
    assert response.headers["Upgrade"] == "websocket"
    assert response.headers.get_all("Connection") == ["Upgrade, close"]


@pytest.mark.rfc("6455-4.2.2-10", "6455-4.4-03", "6455-11.3.5-01")
def test_4_4_the_version_of_this_server_is_named_even_if_an_earlier_fault_gives_the_status():
    response = refuse(
        negotiation_error(handshake({"Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": None}))
    )
    assert response.status_code == 400
    assert response.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.rfc("6455-4.2.1-04", "6455-10.7-04")
def test_9110_15_5_6_a_405_names_the_allowed_method():
    response = refuse(HandshakeError(check_request(Request("POST", "/", "HTTP/1.1", Headers()))))
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"


def test_4_2_1_a_refusal_has_no_headers_that_its_faults_do_not_call_for():
    response = refuse(negotiation_error(handshake({"Host": None})))
    assert response.status_code == 400
    assert "Allow" not in response.headers
    assert "Upgrade" not in response.headers
    assert "Sec-WebSocket-Accept" not in response.headers


def test_10_2_403_is_the_status_only_of_an_otherwise_valid_handshake():
    error = negotiation_error(
        handshake({"Origin": "https://evil.example", "Sec-WebSocket-Protocol": ""})
    )
    assert summary(error.faults) == [item(8), ("§10.2", 403)]
    assert refuse(error).status_code == 400


@pytest.mark.rfc("6455-4.2.1-03")
def test_4_2_1_a_refusal_is_plain_text_that_lists_every_fault():
    error = HandshakeError(
        [
            Fault("§4.2.1 item 5", "no Sec-WebSocket-Key header", "exactly one"),
            Fault("RFC 9112 §5", "a header line without a colon", "name: value"),
        ]
    )
    response = refuse(error)
    assert (response.status_code, response.reason_phrase) == (400, "Bad Request")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.body))
    assert response.headers["Connection"] == "close"
    assert response.body.decode() == (
        "400 Bad Request\n"
        "\n"
        "This request breaks 2 rules:\n"
        "\n"
        "RFC 6455 §4.2.1 item 5\n"
        "  seen:     no Sec-WebSocket-Key header\n"
        "  expected: exactly one\n"
        "\n"
        "RFC 9112 §5\n"
        "  seen:     a header line without a colon\n"
        "  expected: name: value\n"
    )


def test_4_2_1_a_refusal_for_one_fault_speaks_of_one_rule():
    body = refuse(
        HandshakeError([Fault("§10.2", "a", "b", status=HTTPStatus.FORBIDDEN)])
    ).body.decode()
    assert body.startswith("403 Forbidden\n\nThis request breaks a rule:\n\nRFC 6455 §10.2\n")


@pytest.mark.parametrize("changes, faults", [(changes, faults) for _, changes, faults, _ in BAD])
def test_every_fault_is_in_printable_ascii_whatever_the_client_sent(changes, faults):
    error = negotiation_error(handshake(changes), origins=["*"])
    assert len(error.faults) == len(faults)
    for fault in error.faults:
        assert fault.seen.isascii() and fault.seen.isprintable() and fault.expected
