"""RFC 6455 §4.1, client side: the request as it is on the wire, and what is made of every answer to
it.
"""

import hmac
import io
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import md5, sha1, sha256, sha384, sha512
from types import MappingProxyType

import pytest

from refws.protocol.client.handshake import (
    OWN_HEADERS,
    Agreement,
    InvalidResponse,
    InvalidStatus,
    build_request,
    check_response,
    make_key,
)
from refws.protocol.client.mistakes import find_mistake
from refws.protocol.client.response import read_response
from refws.protocol.client.uri import parse_uri
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters, offer
from refws.protocol.errors import HandshakeError, InvalidHandshake
from refws.protocol.extensions import Extension
from refws.protocol.handshake import accept, check_request, negotiate
from refws.protocol.heads import read_request
from refws.protocol.http import MAX_QUOTED, Headers, Response

URI = parse_uri("ws://server.example.com/chat")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KELVIN_SIGN = "\N{KELVIN SIGN}"

MINIMAL = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}


def answer(
    changes: Mapping[str, str | list[str] | None] = MappingProxyType({}), version="HTTP/1.1"
) -> Response:
    """A minimal valid 101 with changes: a new value, several lines of one name, or None for no such
    header.
    """
    lines = []
    for name, value in {**MINIMAL, **changes}.items():
        values = [] if value is None else [value] if isinstance(value, str) else value
        lines += [(name, value) for value in values]
    return Response(101, "Switching Protocols", Headers(lines), version=version)


def sections_of(request, response, **options) -> list[str]:
    with pytest.raises(InvalidResponse) as caught:
        check_response(request, response, **options)
    assert caught.value.response is response
    assert isinstance(caught.value, HandshakeError) and isinstance(caught.value, InvalidHandshake)
    for fault in caught.value.faults:
        assert fault.seen.isascii() and fault.seen.isprintable() and fault.expected
    return [fault.section for fault in caught.value.faults]


@pytest.mark.parametrize(
    "fields, sections",
    [
        ({"Transfer-Encoding": "chunked"}, ["RFC 9112 §6.1"]),
        ({"Transfer-Encoding": "identity"}, ["RFC 9112 §6.1"]),
        ({"Content-Length": "5"}, ["RFC 9110 §8.6"]),
        ({"Content-Length": ["0", "10"]}, ["RFC 9110 §8.6"]),
        ({"Transfer-Encoding": "x", "Content-Length": "5"}, ["RFC 9112 §6.1", "RFC 9110 §8.6"]),
    ],
)
def test_9112_6_1_a_101_that_announces_a_body_is_refused_with_a_hint(fields, sections):
    request = build_request(URI, KEY)
    assert sections_of(request, answer(fields)) == sections
    with pytest.raises(InvalidResponse, match="a proxy in between"):
        check_response(request, answer(fields))


# The request


@pytest.mark.rfc(
    "6455-4.1-19", "6455-4.1-20", "6455-4.1-21", "6455-4.1-22", "6455-4.1-23", "6455-4.1-24"
)
@pytest.mark.rfc("6455-4.1-30", "6455-4.3-03", "6455-4.4-01", "6455-11.3.1-01", "6455-11.3.5-03")
def test_4_1_the_smallest_request():
    assert build_request(URI, KEY).to_bytes() == (
        b"GET /chat HTTP/1.1\r\n"
        b"Host: server.example.com\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"\r\n"
    )


@pytest.mark.rfc("6455-4.1-28", "6455-4.1-31", "6455-4.1-33", "6455-4.1-34", "7692-5-01")
def test_4_1_a_request_with_everything():
    request = build_request(
        parse_uri("wss://[2001:db8::1]:8443/chat?room=1"),
        KEY,
        origin="http://example.com",
        subprotocols=["superchat", "chat"],
        extensions="permessage-deflate; client_max_window_bits",
        additional_headers=[("Cookie", "a=b"), ("Authorization", "Bearer x")],
    )
    assert request.to_bytes() == (
        b"GET /chat?room=1 HTTP/1.1\r\n"
        b"Host: [2001:db8::1]:8443\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Origin: http://example.com\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: superchat, chat\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        b"Cookie: a=b\r\n"
        b"Authorization: Bearer x\r\n"
        b"\r\n"
    )
    assert check_request(read_request(io.BytesIO(request.to_bytes()))) == ()


def test_4_1_the_rfc_example_is_a_request_to_which_a_server_gives_the_answer_of_the_example():
    request = build_request(
        URI, KEY, origin="http://example.com", subprotocols=["chat", "superchat"]
    )
    response = accept(request, subprotocol=negotiate(request, origins=["*"], subprotocols=["chat"]))
    assert check_response(request, response) == Agreement("chat", (), None)


@pytest.mark.rfc("6455-4.1-25", "6455-4.1-26", "6455-4.3-04")
def test_4_1_item_7_a_key_is_16_random_bytes_in_base64():
    keys = {make_key() for _ in range(1000)}
    assert len(keys) == 1000
    for key in keys:
        assert len(key) == 24 and len(b64decode(key, validate=True)) == 16
        assert b64encode(b64decode(key)).decode() == key
    assert any(set(key) & set("+/") for key in keys)


@pytest.mark.rfc("6455-4.1-26")
def test_4_1_item_7_a_key_comes_from_the_system_and_cannot_be_foreseen(monkeypatch):
    asked = []
    monkeypatch.setattr("os.urandom", lambda size: asked.append(size) or bytes(range(size)))
    assert make_key() == "AAECAwQFBgcICQoLDA0ODw=="
    assert asked == [16]


@pytest.mark.rfc("6455-4.1-25")
@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        KEY[:-1],
        KEY + "\r\nX: y",
        "AQIDBAUGBwgJCgsMDQ4PEC==",  # that of §4.1, by erratum 3150 not what an encoder makes
        b64encode(bytes(15)).decode(),
        b64encode(bytes(17)).decode(),
    ],
)
def test_4_1_item_7_a_key_of_another_form_is_not_sent(key):
    with pytest.raises(ValueError, match="make_key"):
        build_request(URI, key)


@pytest.mark.rfc("6455-4.1-29")
@pytest.mark.parametrize(
    "origin",
    [
        "http://example.com",
        "https://example.com:8443",
        "http://[::1]:80",
        "null",
        "chrome-extension://abc",
        "file://",
    ],
)
def test_4_1_item_8_an_origin_is_sent_as_it_is_given(origin):
    assert build_request(URI, KEY, origin=origin).headers.get_all("Origin") == [origin]


@pytest.mark.rfc("6455-4.1-29")
@pytest.mark.parametrize(
    "origin",
    [
        "",
        "example.com",
        "http://",
        "http://example.com/",
        "http://example.com/a",
        "http://u@h",
        "://h",
        "1x://h",
        "http://a b",
        "http://h\r\nX: y",
        "http://a, http://b",
    ],
)
def test_4_1_item_8_what_is_no_serialized_origin_is_not_sent(origin):
    with pytest.raises(ValueError, match="scheme://host"):
        build_request(URI, KEY, origin=origin)


@pytest.mark.rfc("6455-4.1-32")
@pytest.mark.parametrize(
    "subprotocols", [[""], ["a b"], ["a,b"], ["a", "a"], ["a", "b", "a"], ["é"], ["a\r\nX: y"]]
)
def test_4_1_item_10_subprotocols_are_tokens_and_unique(subprotocols):
    with pytest.raises(ValueError, match=r"\(§4.1\)"):
        build_request(URI, KEY, subprotocols=subprotocols)


def test_4_1_item_10_subprotocols_in_one_str_are_a_mistake():
    with pytest.raises(TypeError, match="a list of str"):
        build_request(URI, KEY, subprotocols="chat")


@pytest.mark.rfc("6455-4.1-32")
def test_4_1_item_10_subprotocols_that_differ_in_case_are_two():
    request = build_request(URI, KEY, subprotocols=("Chat", "chat"))
    assert request.headers["Sec-WebSocket-Protocol"] == "Chat, chat"


def test_4_1_item_11_no_malformed_offer_is_sent():
    with pytest.raises(ValueError, match=r"§9\.1"):
        build_request(URI, KEY, extensions="a;;b")


@pytest.mark.rfc("6455-4.1-33", "6455-4.1-31", "6455-4.1-28")
def test_4_1_what_is_not_asked_for_is_not_sent():
    request = build_request(URI, KEY, subprotocols=[])
    for name in ("Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        assert name not in request.headers


@pytest.mark.rfc("6455-4.1-34")
@pytest.mark.parametrize("make", [dict, list, tuple, Headers, iter])
def test_4_1_item_12_headers_are_added_from_whatever_holds_pairs(make):
    request = build_request(
        URI, KEY, additional_headers=make([("Cookie", "a=b"), ("User-Agent", "x")])
    )
    assert list(request.headers.raw_items())[-2:] == [("Cookie", "a=b"), ("User-Agent", "x")]


@pytest.mark.rfc("6455-11.3.1-01", "6455-11.3.5-03", "6455-4.1-22")
@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "UPGRADE",
        "connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "origin",
        "Content-Length",
        "Transfer-Encoding",
    ],
)
def test_4_1_item_12_headers_of_the_handshake_cannot_be_added(name):
    with pytest.raises(ValueError, match=r"is not for additional headers: .+"):
        build_request(URI, KEY, additional_headers={name: "x"})


def test_4_1_item_12_every_header_that_the_handshake_writes_is_one_that_cannot_be_added():
    request = build_request(URI, KEY, origin="null", subprotocols=["a"], extensions="b")
    assert {name for name, _ in request.headers.raw_items()} <= set(OWN_HEADERS)


def test_4_1_item_12_a_header_that_would_inject_a_line_cannot_be_added():
    with pytest.raises(ValueError, match=r"RFC 9110 §5\.5"):
        build_request(URI, KEY, additional_headers={"Cookie": "a\r\nUpgrade: x"})


# The response: a valid one

GOOD = [
    ("minimal", {}, ["6455-4.1-40"]),
    ("upgrade-as-registered", {"Upgrade": "WebSocket"}, ["6455-4.1-38", "6455-11.2-01"]),
    ("upgrade-in-upper-case", {"Upgrade": "WEBSOCKET"}, ["6455-4.1-38"]),
    ("connection-in-upper-case", {"Connection": "UPGRADE"}, ["6455-4.1-39"]),
    ("connection-list", {"Connection": "keep-alive, UPGRADE"}, ["6455-4.1-39"]),
    ("connection-over-lines", {"Connection": ["keep-alive", "Upgrade"]}, ["6455-4.1-39"]),
    ("unknown-headers", {"Server": "x", "Set-Cookie": ["a=b", "c=d"], "Date": "y"}, []),
    ("no-body", {"Content-Length": "0"}, []),
]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(changes, id=name, marks=pytest.mark.rfc("6455-4.1-36", *ids))
        for name, changes, ids in GOOD
    ],
)
def test_4_1_a_valid_answer_opens_the_connection(changes):
    assert check_response(build_request(URI, KEY), answer(changes)) == Agreement(None, (), None)


@pytest.mark.rfc("6455-4.1-44", "6455-9.1-01")
@pytest.mark.parametrize("change_case", [str.upper, str.lower, str.swapcase])
def test_4_1_header_names_of_the_answer_are_matched_in_any_case(change_case):
    request = build_request(URI, KEY, subprotocols=["a"], extensions="x")
    lines = answer({"Sec-WebSocket-Protocol": "a", "Sec-WebSocket-Extensions": "x"}).headers
    response = Response(
        101, "", Headers((change_case(name), value) for name, value in lines.raw_items())
    )
    assert check_response(request, response) == Agreement("a", (Extension("x"),), None)


@pytest.mark.rfc("6455-4.1-40")
def test_4_1_item_4_white_space_around_the_accept_value_is_ignored():
    head = (
        answer()
        .to_bytes()
        .replace(b"Accept: ", b"Accept: \t ")
        .replace(b"xOo=\r\n", b"xOo= \t\r\n")
    )
    assert check_response(build_request(URI, KEY), read_response(io.BytesIO(head))) == Agreement(
        None, (), None
    )


@pytest.mark.rfc("6455-4.1-47")
@pytest.mark.parametrize(
    "subprotocols, answered", [(["a", "b"], "b"), (["a", "b"], "a"), (["a"], None), ([], None)]
)
def test_4_1_item_6_the_subprotocol_in_use_is_that_of_the_answer(subprotocols, answered):
    request = build_request(URI, KEY, subprotocols=subprotocols)
    assert (
        check_response(request, answer({"Sec-WebSocket-Protocol": answered})).subprotocol
        == answered
    )


@pytest.mark.rfc("6455-4.1-46", "6455-9.1-10", "6455-9.1-07", "6455-9.1-04", "6455-11.3.2-02")
@pytest.mark.parametrize(
    "answered, extensions",
    [
        (None, ()),
        ("b", (Extension("b"),)),
        ("b; c=1, a", (Extension("b", (("c", "1"),)), Extension("a"))),
        (["b", "a"], (Extension("b"), Extension("a"))),
    ],
)
def test_4_1_item_5_the_extensions_in_use_are_those_of_the_answer(answered, extensions):
    request = build_request(URI, KEY, extensions="a, b")
    assert (
        check_response(request, answer({"Sec-WebSocket-Extensions": answered})).extensions
        == extensions
    )


@pytest.mark.rfc("6455-4.1-46", "7692-5-11", "7692-5-19")
@pytest.mark.parametrize(
    "answered, parameters",
    [
        (None, None),
        ("permessage-deflate", Parameters()),
        ("permessage-deflate; server_max_window_bits=10", Parameters(server_max_window_bits=10)),
        (
            (
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9; "
                "server_no_context_takeover"
            ),
            Parameters(12, 9, server_no_context_takeover=True),
        ),
    ],
)
def test_7692_5_compression_is_agreed_by_the_answer(answered, parameters):
    request = build_request(URI, KEY, extensions=offer(DeflateSettings()))
    response = answer({"Sec-WebSocket-Extensions": answered})
    assert check_response(request, response).deflate == parameters


# The response: every fault of a 101


def item(number: int) -> str:
    return f"§4.1 response item {number}"


BAD = [
    ("no-upgrade", {"Upgrade": None}, [item(2)], ["38"]),
    ("empty-upgrade", {"Upgrade": ""}, [item(2)], ["38"]),
    ("other-upgrade", {"Upgrade": "h2c"}, [item(2)], ["38"]),
    ("upgrade-with-more", {"Upgrade": "websocket, h2c"}, [item(2)], ["38"]),
    ("upgrade-with-version", {"Upgrade": "websocket/13"}, [item(2)], ["38"]),
    ("upgrade-twice", {"Upgrade": ["websocket", "websocket"]}, [item(2)], ["38"]),
    ("no-connection", {"Connection": None}, [item(3)], ["39"]),
    ("connection-close", {"Connection": "close"}, [item(3)], ["39"]),
    ("connection-only-begins-so", {"Connection": "Upgraded"}, [item(3)], ["39"]),
    ("connection-without-comma", {"Connection": "keep-alive Upgrade"}, [item(3)], ["39"]),
    ("no-accept", {"Sec-WebSocket-Accept": None}, [item(4)], ["40"]),
    ("empty-accept", {"Sec-WebSocket-Accept": ""}, [item(4)], ["40"]),
    ("wrong-accept", {"Sec-WebSocket-Accept": b64encode(bytes(20)).decode()}, [item(4)], ["40"]),
    ("accept-with-more", {"Sec-WebSocket-Accept": f"{ACCEPT}, {ACCEPT}"}, [item(4)], ["40"]),
    (
        "accept-with-space-inside",
        {"Sec-WebSocket-Accept": "s3pP LMBiTxaQ9kYGzzhZRbK+xOo="},
        [item(4)],
        ["40"],
    ),
    ("foreign-extension", {"Sec-WebSocket-Extensions": "x-foo"}, [item(5)], ["41"]),
    (
        "two-foreign-extensions",
        {"Sec-WebSocket-Extensions": ["a", "b"]},
        [item(5), item(5)],
        ["41"],
    ),
    (
        "compression-not-offered",
        {"Sec-WebSocket-Extensions": "permessage-deflate"},
        [item(5)],
        ["41"],
    ),
    ("subprotocol-not-asked-for", {"Sec-WebSocket-Protocol": "chat"}, [item(6)], ["42"]),
]


@pytest.mark.parametrize(
    "changes, sections",
    [
        pytest.param(
            changes,
            sections,
            id=name,
            marks=pytest.mark.rfc("6455-4.1-36", *(f"6455-4.1-{i}" for i in ids)),
        )
        for name, changes, sections, ids in BAD
    ],
)
def test_4_1_each_fault_of_the_answer_is_one_of_its_own(changes, sections):
    assert sections_of(build_request(URI, KEY), answer(changes)) == sections


@pytest.mark.rfc("6455-11.3.3-01")
@pytest.mark.parametrize("values", [[ACCEPT, ACCEPT], [ACCEPT, "x"]])
def test_11_3_3_an_accept_that_is_repeated_is_refused(values):
    assert sections_of(build_request(URI, KEY), answer({"Sec-WebSocket-Accept": values})) == [
        item(4)
    ]


@pytest.mark.rfc("6455-4.1-42", "6455-11.3.4-02")
@pytest.mark.parametrize("values", [["a", "a"], ["a", "b"], "A", "c", "", "a, b", "a;b"])
def test_4_1_item_6_the_subprotocol_is_exactly_one_that_was_listed(values):
    request = build_request(URI, KEY, subprotocols=["a", "b"])
    assert sections_of(request, answer({"Sec-WebSocket-Protocol": values})) == [item(6)]


@pytest.mark.rfc("6455-9.1-02", "6455-9.1-03", "6455-4.3-05", "6455-4.3-06")
@pytest.mark.parametrize("value", ["", ",", ";x", "a;;b", "a=b=c", 'a; b="', 'a; b="c d"'])
def test_9_1_a_malformed_list_of_extensions_fails_the_handshake(value):
    request = build_request(URI, KEY, extensions="a")
    assert sections_of(request, answer({"Sec-WebSocket-Extensions": value})) == ["§9.1"]


@pytest.mark.rfc("6455-4.1-41", "7692-5-15")
@pytest.mark.parametrize(
    "answered, sections",
    [
        ("permessage-deflate, permessage-deflate", ["RFC 7692 §5"]),
        ("permessage-deflate; server_max_window_bits=7", ["RFC 7692 §7.1.2.1"]),
        ("permessage-deflate; client_max_window_bits", ["RFC 7692 §7.1.2.2"]),
        ("permessage-deflate; x", ["RFC 7692 §7"]),
        ("x-foo, permessage-deflate; x", [item(5), "RFC 7692 §7"]),
        ("x-foo", [item(5)]),
    ],
)
def test_7692_5_the_answer_to_an_offer_is_checked_with_all_the_rest(answered, sections):
    request = build_request(URI, KEY, extensions=offer(DeflateSettings()))
    changes = {"Sec-WebSocket-Extensions": answered}
    assert sections_of(request, answer(changes)) == sections
    assert sections_of(request, answer({**changes, "Upgrade": None})) == [item(2), *sections]


@pytest.mark.rfc("7692-5-20", "7692-7-11", "7692-7.1.2.1-07")
@pytest.mark.parametrize(
    "answered, sections",
    [
        ("permessage-deflate; server_max_window_bits=9", []),
        ("permessage-deflate", ["RFC 7692 §7.1.2.1"]),
        ("permessage-deflate; server_max_window_bits=10", ["RFC 7692 §7.1.2.1"]),
    ],
)
def test_7692_7_1_2_1_a_request_without_an_offer_to_fall_back_on_is_a_condition(answered, sections):
    offered = "permessage-deflate; server_max_window_bits=9"
    request = build_request(URI, KEY, extensions=offered)
    response = answer({"Sec-WebSocket-Extensions": answered})
    if sections:
        assert sections_of(request, response) == sections
    else:
        assert check_response(request, response).deflate == Parameters(server_max_window_bits=9)


@pytest.mark.rfc("6455-2.1-01")
def test_2_1_only_ascii_letters_fold_in_the_answer():
    with pytest.raises(ValueError):
        answer({"Upgrade": f"websoc{KELVIN_SIGN}et"})


def test_9110_7_8_a_101_in_http_1_0_is_none():
    assert sections_of(build_request(URI, KEY), answer(version="HTTP/1.0")) == [item(1)]


@pytest.mark.rfc("6455-4.1-36", "6455-4.1-43", "6455-7.1.7-02")
def test_4_1_all_faults_of_the_answer_are_found_at_once_and_in_the_order_of_the_list():
    response = Response(
        101, "", Headers([("Sec-WebSocket-Extensions", "x"), ("Sec-WebSocket-Protocol", "y")])
    )
    assert sections_of(build_request(URI, KEY), response) == [
        item(2),
        item(3),
        item(4),
        item(5),
        item(6),
    ]
    with pytest.raises(InvalidResponse) as caught:
        check_response(build_request(URI, KEY, subprotocols=["a", "b"]), response)
    assert str(caught.value) == (
        "§4.1 response item 2: no Upgrade header; expected Upgrade: websocket, and no other "
        "protocol\n"
        "§4.1 response item 3: no Connection header; "
        "expected Connection: Upgrade (a proxy in between must pass it on)\n"
        "§4.1 response item 4: no Sec-WebSocket-Accept header; expected exactly one (§11.3.3)\n"
        "§4.1 response item 5: extension 'x'; expected none, because the client offered none\n"
        "§4.1 response item 6: subprotocol 'y'; expected one that the client listed: a, b"
    )


def digest(text: str | bytes) -> bytes:
    return sha1(text.encode() if isinstance(text, str) else text).digest()


OTHER_KEY = "AQIDBAUGBwgJCgsMDQ4PEA=="
OTHER_ACCEPT = b64encode(digest(OTHER_KEY + GUID)).decode()

GUID_BYTES = bytes.fromhex(GUID.replace("-", ""))

MISTAKES = [
    (KEY, KEY, "the key itself"),
    (KEY, b64encode(digest(KEY)).decode(), "without the GUID"),
    (KEY, b64encode(digest(GUID + KEY)).decode(), "GUID before the key"),
    (KEY, b64encode(digest(KEY + GUID.lower())).decode(), "GUID in lower case"),
    (KEY, b64encode(digest(b"the sample nonce" + GUID.encode())).decode(), "decoded key"),
    (KEY, b64encode(digest(KEY + "\n" + GUID)).decode(), "key with a line end"),
    (KEY, b64encode(digest(KEY + "\r\n" + GUID)).decode(), "key with its line end"),
    (KEY, b64encode(digest(KEY + GUID + "\n")).decode(), "line end after the GUID"),
    (KEY, b64encode(digest(KEY + GUID + "\r\n")).decode(), "line end after the GUID"),
    (KEY, b64encode(digest(" " + KEY + GUID)).decode(), "space before it"),
    (KEY, digest(KEY + GUID).hex(), "in hexadecimal"),
    (KEY, digest(KEY + GUID).hex().upper(), "in hexadecimal"),
    (KEY, b64encode(digest(KEY + GUID).hex().encode()).decode(), "in hexadecimal"),
    (KEY, ACCEPT[:-1], "without its padding"),
    (KEY, ACCEPT.replace("+", "-"), "base64url"),
    (KEY, ACCEPT.lower(), "in another case"),
    (OTHER_KEY, ACCEPT, "example in §1.3"),
    (KEY, b64encode(digest(KEY + "\r" + GUID)).decode(), "CR of its line end"),
    (KEY, b64encode(digest(KEY + GUID + "\0")).decode(), "NUL after the GUID"),
    (KEY, b64encode(digest(KEY + "\0" + GUID)).decode(), "NUL after the key"),
    (KEY, b64encode(digest(KEY + " " + GUID)).decode(), "space before the GUID"),
    (KEY, b64encode(digest(f'"{KEY}"{GUID}')).decode(), "quotation marks"),
    (KEY, b64encode(digest(KEY[:-2] + GUID)).decode(), "without its =="),
    (KEY, b64encode(digest(KEY.lower() + GUID)).decode(), "key in lower case"),
    (KEY, b64encode(digest(KEY + GUID.replace("-", ""))).decode(), "without its dashes"),
    (KEY, b64encode(digest(KEY + "{" + GUID + "}")).decode(), "GUID in braces"),
    (KEY, b64encode(digest(KEY + GUID).hex().upper().encode()).decode(), "in hexadecimal"),
    (KEY, b64encode(ACCEPT.encode()).decode(), "base64 twice"),
    (KEY, b64encode(sha256((KEY + GUID).encode()).digest()).decode(), "SHA-256"),
    (KEY, sha256((KEY + GUID).encode()).hexdigest(), "SHA-256"),
    (KEY, b64encode(md5((KEY + GUID).encode()).digest()).decode(), "MD5"),
    (KEY, b64encode(digest("Sec-WebSocket-Key: " + KEY + GUID)).decode(), "the whole line"),
    (KEY, b64encode(digest("Sec-WebSocket-Key: " + KEY + "\r\n" + GUID)).decode(), "whole line"),
    (KEY, b64encode(digest(GUID)).decode(), "made of no key"),
    (KEY, b64encode(digest("undefined" + GUID)).decode(), "the word undefined"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DA-95CA-5AB0DC85B11")).decode(), "lacks the C"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B1")).decode(), "lacks the 1"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B12")).decode(), "with 2 in"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DA-95AC-C5AB0DC85B11")).decode(), "CA the wrong"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DAA-95CA-C5AB0DC85B11")).decode(), "second A"),
    (KEY, b64encode(digest(KEY + "258EAFA5-E914-47DA-95CA-C5ABODC85B11")).decode(), "O in place"),
    (KEY, b64encode(digest(KEY + GUID + "\r")).decode(), "line end after the GUID"),
    (KEY, b64encode(digest(KEY + GUID + " ")).decode(), "space after the GUID"),
    (KEY, b64encode(digest(KEY + GUID.lower().replace("-", ""))).decode(), "without its dashes"),
    (KEY, b64encode(digest(f"{KEY}{{{GUID.lower()}}}")).decode(), "in braces and in lower case"),
    (KEY, b64encode(digest((KEY + GUID).encode("utf-16-le"))).decode(), "text in UTF-16"),
    (KEY, b64encode(digest((KEY + GUID).encode("utf-16-be"))).decode(), "text in UTF-16"),
    (KEY, b64encode(digest((KEY + GUID).encode("utf-16"))).decode(), "text in UTF-16"),
    (KEY, b64encode(digest((KEY + GUID).encode("utf-32-le"))).decode(), "text in UTF-32"),
    (KEY, b64encode(digest("\ufeff" + KEY + GUID)).decode(), "byte order mark"),
    (KEY, b64encode(digest(b"the sample nonce")).decode(), "decoded key without the GUID"),
    (KEY, b64encode(digest(KEY[:-1] + GUID)).decode(), "first 23 characters of the key"),
    (KEY, b64encode(digest(KEY + GUID + GUID)).decode(), "GUID twice"),
    (KEY, b64encode(digest(KEY + KEY + GUID)).decode(), "key twice"),
    (KEY, b64encode(digest(b"the sample nonce".hex() + GUID)).decode(), "key in hexadecimal"),
    (KEY, b64encode(digest(b64encode((KEY + GUID).encode()))).decode(), "the text in base64"),
    (KEY, b64encode(digest("")).decode(), "an empty text"),
    (KEY, b64encode((KEY + GUID).encode()).decode(), "key and the GUID themselves"),
    (KEY, b64encode(digest(": " + KEY + GUID)).decode(), "the whole line"),
    (KEY, b64encode(digest(f"b'{KEY}'{GUID}")).decode(), "repr of bytes"),
    (KEY, b64encode(ACCEPT.encode() + b"\n").decode(), "base64 twice"),
    (KEY, b64encode(digest(KEY + GUID).hex().encode()).decode().rstrip("="), "in hexadecimal"),
    (KEY, b64encode(f"{digest(KEY + GUID).hex()}  -\n".encode()).decode(), "in hexadecimal"),
    (KEY, digest(KEY + GUID).hex(":"), "in hexadecimal"),
    (KEY, digest(KEY).hex(), "without the GUID: append it to the key; also which is the SHA-1 in"),
    (KEY, str(list(digest(KEY + GUID))), "as numbers"),
    (KEY, ACCEPT.replace("+", "-").rstrip("="), "base64url: use + and /; also without its padding"),
    (KEY, ACCEPT.replace("+", "%2B"), "writing of a URL"),
    (KEY, ACCEPT.replace("+", " "), "writing of a URL"),
    (KEY, ACCEPT[:20], "cut off: it has 28 characters"),
    (KEY, b64encode(digest(KEY + GUID)[:19]).decode(), "of the first 19 bytes"),
    (KEY, b64encode(digest(KEY + GUID) + b"\0").decode(), "a byte after the digest"),
    (KEY, b64encode(digest(KEY + GUID)[::-1]).decode(), "in reverse order"),
    (KEY, b64encode(digest(KEY + GUID).decode("latin-1").encode()).decode(), "written as text"),
    (KEY, b64encode(digest(KEY + GUID).decode(errors="replace").encode()).decode(), "are lost"),
    (KEY, b64encode(sha512((KEY + GUID).encode()).digest()).decode(), "SHA-512"),
    (KEY, f"b'{ACCEPT}'", "in the repr of bytes"),
    (KEY, b64encode(digest(digest(KEY + GUID))).decode(), "hashed once more"),
    (KEY, b64encode(digest(digest(KEY + GUID).hex())).decode(), "hashed once more"),
    (KEY, b64encode(hmac.digest(KEY.encode(), GUID.encode(), "sha1")).decode(), "made with HMAC"),
    (KEY, b64encode(digest(f"b'{KEY}'b'{GUID}'")).decode(), "repr of bytes"),
    (KEY, b64encode(digest(f"['{KEY}']{GUID}")).decode(), "made of a list"),
    (KEY, b64encode(digest(f"{KEY}, {KEY}{GUID}")).decode(), "joined by a comma"),
    (KEY, b64encode(digest("[object Object]" + GUID)).decode(), "the word [object Object]"),
    (KEY, b64encode(digest(f"\t{KEY}\r\n{GUID}\r\n")).decode(), "spaces or line ends around"),
    (KEY, b64encode(digest(f"{KEY}\n{GUID.lower()}")).decode(), "also the GUID in lower case"),
    (KEY, b64encode(digest(KEY.encode() + GUID_BYTES)).decode(), "the GUID as 16 bytes"),
    (KEY, b64encode(digest(b"the sample nonce" + GUID_BYTES)).decode(), "take both as text"),
    (KEY, b64encode(sha384((KEY + GUID).encode()).digest()).decode(), "SHA-384"),
]


@pytest.mark.rfc("6455-4.1-40")
@pytest.mark.parametrize(
    "key, accept_value, mistake", MISTAKES, ids=[row[2].replace(" ", "-") for row in MISTAKES]
)
def test_4_1_item_4_a_well_known_mistake_in_the_accept_value_is_named(key, accept_value, mistake):
    with pytest.raises(InvalidResponse) as caught:
        check_response(build_request(URI, key), answer({"Sec-WebSocket-Accept": accept_value}))
    (fault,) = caught.value.faults
    assert fault.section == item(4) and mistake in fault.seen
    assert fault.expected == f"{ACCEPT if key == KEY else OTHER_ACCEPT} for the key {key}"


def test_4_1_item_4_an_accept_value_of_no_known_mistake_is_only_shown():
    value = b64encode(b"x" * 20).decode()
    with pytest.raises(InvalidResponse) as caught:
        check_response(build_request(URI, KEY), answer({"Sec-WebSocket-Accept": value}))
    assert caught.value.faults[0].seen == f"Sec-WebSocket-Accept: '{value}'"


@pytest.mark.parametrize("key", ["", "x", "abc", "not base64!", KEY + KEY])
def test_4_1_item_4_a_mistake_is_named_for_a_key_that_is_none_as_well(key):
    assert "without the GUID" in find_mistake(key, b64encode(digest(key)).decode())
    assert find_mistake(key, "x" * 28) is None
    assert find_mistake(key, b64encode(digest(key + GUID)).decode()) is None


# The response: another status

STATUSES = [
    (200, {}, ["this is a page"], []),
    (204, {}, ["this is a page"], []),
    (301, {"Location": "https://example.com/x"}, ["'wss://example.com/x'", "not followed"], []),
    (302, {"Location": "HTTP://example.com/x"}, ["'ws://example.com/x'", "not followed"], []),
    (307, {"Location": "/x"}, ["'/x'", "not followed"], []),
    (308, {"Location": "ftp://h/"}, ["'ftp://h/'", "not followed"], []),
    (304, {}, ["not followed"], []),
    (400, {}, ["body of its answer"], []),
    (400, {"Sec-WebSocket-Version": "13"}, ["body of its answer"], ["6455-4.3-08"]),
    (
        400,
        {"Sec-WebSocket-Version": ["8", "7"]},
        ["'8, 7'"],
        ["6455-4.3-08", "6455-11.3.5-02", "6455-4.4-04"],
    ),
    (401, {"WWW-Authenticate": 'Basic realm="r"'}, ["Authorization", 'Basic realm="r"'], []),
    (401, {}, ["credentials"], []),
    (403, {}, ["origin="], []),
    (404, {}, ["path of the URI"], []),
    (405, {}, ["path of the URI"], []),
    (407, {"Proxy-Authenticate": "Negotiate"}, ["proxy", "Proxy-Authenticate: 'Negotiate'"], []),
    (410, {}, ["path of the URI"], []),
    (418, {}, ["body of the answer"], []),
    (
        426,
        {"Sec-WebSocket-Version": "8, 7"},
        ["version 13", "'8, 7'"],
        ["6455-4.3-08", "6455-4.4-04"],
    ),
    (426, {"Sec-WebSocket-Version": "13, 8, 7", "Upgrade": "h2c"}, ["'h2c'"], ["6455-4.3-08"]),
    (421, {}, ["check the URI's host"], []),
    (426, {"Upgrade": "h2c, WebSocket"}, ["a proxy in between may drop it"], []),
    (431, {}, ["shorter headers"], []),
    (511, {}, ["log in to this network"], []),
    (429, {"Retry-After": "60"}, ["later", "Retry-After: '60'"], []),
    (500, {}, ["server failed"], []),
    (502, {}, ["proxy in between"], []),
    (503, {"Retry-After": "120"}, ["later", "Retry-After: '120'"], []),
    (504, {}, ["proxy in between"], []),
    (599, {}, ["server failed"], []),
    (103, {}, ["no final answer"], []),
]


@pytest.mark.parametrize(
    "status, lines, shown",
    [
        pytest.param(
            status,
            lines,
            shown,
            id=f"{status}-{n}",
            marks=pytest.mark.rfc("6455-4.1-36", "6455-4.1-37", *ids),
        )
        for n, (status, lines, shown, ids) in enumerate(STATUSES)
    ],
)
def test_4_1_item_1_another_status_is_reported_as_what_it_is(status, lines, shown):
    response = Response(status, "Reason", answer(lines).headers, b"body")
    with pytest.raises(InvalidStatus) as caught:
        check_response(build_request(URI, KEY), response)
    (fault,) = caught.value.faults
    assert caught.value.response.body == b"body"
    assert fault.section == item(1)
    assert fault.seen == f"status {status} 'Reason'"
    assert fault.expected.startswith("101 Switching Protocols: ")
    for words in shown:
        assert words in fault.expected


@pytest.mark.rfc("6455-4.1-37")
def test_4_1_item_1_of_an_answer_with_another_status_only_the_status_is_reported():
    with pytest.raises(
        InvalidStatus,
        match=r"^§4\.1 response item 1: status 404 'Not Found' in HTTP/1\.0; expected 101",
    ):
        check_response(
            build_request(URI, KEY), Response(404, "Not Found", Headers(), version="HTTP/1.0")
        )


@pytest.mark.parametrize(
    "name", ["Location", "WWW-Authenticate", "Retry-After", "Sec-WebSocket-Version"]
)
def test_4_1_item_1_words_of_the_server_are_repeated_in_quotes_and_not_at_any_length(name):
    response = Response(302, "x" * 8000, Headers([(name, "x" * 8000)]))
    with pytest.raises(InvalidStatus) as caught:
        check_response(build_request(URI, KEY), response)
    assert "'xxx" in caught.value.faults[0].expected
    assert len(str(caught.value)) < 600
    assert len(caught.value.faults[0].seen) < 2 * MAX_QUOTED
