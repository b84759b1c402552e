"""RFC 6455 §4: the two heads of the opening handshake explained, line by line; and what they change
for the frames.
"""

import json
import random

import pytest

from refws.course.explain.as_json import as_json
from refws.course.explain.conversation import Conversation
from refws.course.explain.handshake import accept_steps, what_is_wrong_with
from refws.course.explain.values import (
    AcceptSteps,
    CutOff,
    HeadExplanation,
    Illegal,
    Legal,
    NotRead,
)
from refws.course.text.drawing import draw, draw_accept, draw_line
from refws.protocol.client.handshake import RESPONSE_ITEMS
from refws.protocol.deflate.negotiation import Parameters
from refws.protocol.frame import Side
from refws.protocol.handshake import REQUEST_ITEMS
from refws.protocol.heads import HeadLimits
from wire import BINARY, SAMPLE_ACCEPT, SAMPLE_KEY, TEXT, frame, request

CLIENT, SERVER = Side

RFC_REQUEST = b"""GET /chat HTTP/1.1\r
Host: server.example.com\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Origin: http://example.com\r
Sec-WebSocket-Protocol: chat, superchat\r
Sec-WebSocket-Version: 13\r
\r
"""
RFC_RESPONSE = b"""HTTP/1.1 101 Switching Protocols\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
Sec-WebSocket-Protocol: chat\r
\r
"""
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")


def response(*fields, status="101 Switching Protocols", **changes):
    """A valid 101 with more lines, or with other values; None leaves a line out."""
    lines = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": SAMPLE_ACCEPT}
    lines |= {name.replace("_", "-"): value for name, value in changes.items()}
    kept = [f"{name}: {value}" for name, value in lines.items() if value is not None]
    return "\r\n".join((f"HTTP/1.1 {status}", *kept, *fields, "", "")).encode()


def one(sender, data, **options):
    conversation = Conversation(**options)
    items = conversation.feed(sender, data) + conversation.finish()
    assert len(items) == 1, items
    return items[0]


def answered(asked, answer, **options):
    """The explanation of a response to this request."""
    conversation = Conversation(**options)
    conversation.feed(CLIENT, asked)
    (head,) = conversation.feed(SERVER, answer)
    return head


# The example of §1.3


@pytest.mark.rfc(
    "6455-4.2.1-04",
    "6455-4.2.1-06",
    "6455-4.2.1-07",
    "6455-4.2.1-08",
    "6455-4.2.1-09",
    "6455-4.2.1-10",
)
def test_4_2_1_each_line_of_the_request_has_its_item():
    head = one(CLIENT, RFC_REQUEST)
    assert [(line.text, line.section) for line in head.lines] == [
        ("GET /chat HTTP/1.1", "§4.2.1 item 1"),
        ("Host: server.example.com", "§4.2.1 item 2"),
        ("Upgrade: websocket", "§4.2.1 item 3"),
        ("Connection: Upgrade", "§4.2.1 item 4"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "§4.2.1 item 5"),
        ("Origin: http://example.com", "§4.2.1 item 7"),
        ("Sec-WebSocket-Protocol: chat, superchat", "§4.2.1 item 8"),
        ("Sec-WebSocket-Version: 13", "§4.2.1 item 6"),
    ]
    assert (head.length, head.opens, head.faults, head.verdict) == (
        len(RFC_REQUEST),
        True,
        (),
        Legal(),
    )


@pytest.mark.rfc("6455-4.1-40", "6455-4.1-47", "6455-4.2.2-24")
def test_4_1_each_line_of_the_response_has_its_item_and_the_accept_its_steps():
    head = answered(RFC_REQUEST, RFC_RESPONSE)
    assert [line.section for line in head.lines] == [
        f"§4.1 response item {number}" for number in (1, 2, 3, 4, 6)
    ]
    assert (head.subprotocol, head.deflate, head.opens, head.faults) == ("chat", None, True, ())
    assert head.accept == AcceptSteps(
        key="dGhlIHNhbXBsZSBub25jZQ==",
        key_bytes=b"the sample nonce",
        concatenated="dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        digest=bytes.fromhex("b37a4f2cc0624f1690f64606cf385945b2bec4ea"),
        accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    )


def test_4_2_2_the_steps_of_the_accept_drawn():
    assert draw_accept(accept_steps(SAMPLE_KEY)) == [
        " §4.2.2 item 5.4 Sec-WebSocket-Accept from Sec-WebSocket-Key:",
        " key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        " SHA-1           b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea",
        " in base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ]


def test_the_heads_drawn():
    drawn = draw(answered(RFC_REQUEST, RFC_RESPONSE)).splitlines()
    assert drawn[0] == "server -> client, byte 0: opening handshake, 159 bytes"
    assert drawn[1] == " HTTP/1.1 101 Switching Protocols"
    assert ' subprotocol     "chat"' in drawn
    assert drawn[-1] == " LEGAL           no rule is broken"
    assert draw_line(one(CLIENT, RFC_REQUEST)) == '-> "GET /chat HTTP/1.1"  legal'


# What is wrong with a request


@pytest.mark.parametrize(
    ("wrong", "right", "section", "status"),
    [
        (b"POST /", b"GET /", "§4.2.1 item 1", 405),
        (b"HTTP/1.0", b"HTTP/1.1", "§4.2.1 item 1", 400),
        (b"HTTP/3.0", b"HTTP/1.1", "§4.2.1 item 1", 505),
        (b"Hast:", b"Host:", "§4.2.1 item 2", 400),
        (b"Upgrade: h2c", b"Upgrade: websocket", "§4.2.1 item 3", 400),
        (b"Connection: close", b"Connection: Upgrade", "§4.2.1 item 4", 400),
        (b"Key: dGhl", b"Key: dGhlIHNhbXBsZSBub25jZQ==", "§4.2.1 item 5", 400),
        (b"Version: 8", b"Version: 13", "§4.2.1 item 6", 426),
    ],
)
def test_4_2_1_a_broken_rule_is_at_its_line(wrong, right, section, status):
    assert right in request()
    head = Conversation(at_handshake=True).feed(CLIENT, request().replace(right, wrong))[0]
    assert isinstance(head.verdict, Illegal)
    assert (head.verdict.violation.section, head.verdict.code) == (section, status)
    broken = [line for line in head.lines if line.faults]
    assert [line.section for line in broken] == ([section] if wrong != b"Hast:" else [])
    assert (section in draw(head)) and (f"HTTP status {status}" in draw(head))


def test_4_2_1_each_item_is_in_the_table_once_and_in_its_order():
    assert [item.section for item in REQUEST_ITEMS] == [f"§4.2.1 item {n}" for n in range(1, 11)]
    assert [item.section for item in RESPONSE_ITEMS] == [
        f"§4.1 response item {n}" for n in range(1, 7)
    ]
    for items in (REQUEST_ITEMS, RESPONSE_ITEMS):
        fields = [item.field for item in items if item.field]
        assert len(set(fields)) == len(fields) and all(item.meaning for item in items)


def test_4_2_1_a_header_that_is_not_of_the_handshake_is_the_last_item():
    head = one(CLIENT, request("/", "User-Agent: x"))
    assert head.lines[-1].section == "§4.2.1 item 10"
    head = one(SERVER, response("Date: x", "Sec-WebSocket-Version: 13"))
    assert [line.section for line in head.lines[-2:]] == ["RFC 9110 §5.1", "§4.4"]


@pytest.mark.parametrize(
    ("field", "section"),
    [
        ("Content-Length: 5", "RFC 9110 §9.3.1"),
        ("Transfer-Encoding: chunked", "RFC 9110 §9.3.1"),
        ("sec-websocket-extensions: a b", "§9.1"),
        ("X: \0", "RFC 9110 §5.5"),
    ],
)
def test_4_2_1_a_fault_of_another_section_is_at_the_line_that_it_blames(field, section):
    head = one(CLIENT, request("/", field))
    assert head.faults[0].section == section
    (line,) = [line for line in head.lines if line.faults]
    assert line.text.partition(":")[0] == field.partition(":")[0]
    assert line.faults[0].field.lower() == field.partition(":")[0].lower()


def test_4_2_1_all_faults_are_listed():
    head = one(CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 12\r\n\r\n")
    assert [fault.section for fault in head.faults] == [
        f"§4.2.1 item {number}" for number in (3, 4, 5, 6)
    ]
    assert draw(head).count(" also ") == 3


def test_4_2_1_an_ordinary_request_is_legal_and_opens_nothing():
    conversation = Conversation()
    (head,) = conversation.feed(
        CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + frame(TEXT, b"Hello")
    )
    assert (head.verdict.hint, head.opens) == (
        "an ordinary HTTP request, not for websocket: it opens no WebSocket connection",
        False,
    )
    (rest,) = conversation.finish()
    assert isinstance(rest, NotRead) and rest.length == 11
    assert one(CLIENT, b"GET / HTTP/1.1\r\n\r\n").verdict.violation.section == "RFC 9112 §3.2"


def test_9110_7_8_an_upgrade_to_another_protocol_is_ignored():
    head = one(CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert (head.faults, head.opens) == ((), False)


def test_3_what_is_no_http_is_known_by_its_first_byte():
    conversation = Conversation(at_handshake=True)
    (head,) = conversation.feed(CLIENT, b"\x16")
    assert (head.verdict.violation.section, head.verdict.violation.seen, head.length) == (
        "§3",
        "a TLS ClientHello",
        1,
    )
    assert conversation.feed(CLIENT, b"\x03\x01\x02") == []
    (head,) = Conversation(at_handshake=True).feed(SERVER, b"\x15")
    assert head.verdict.violation.section == "§3"


@pytest.mark.parametrize("sender", Side)
def test_a_head_that_is_too_long_is_refused_in_any_cut(sender):
    start = b"GET /" if sender is CLIENT else b"HTTP/1.1 101 "
    fields = b"x HTTP/1.1\r\n" + b"X: y\r\n" * 6000
    endless = b"x" * 70_000
    for data in (start + endless, start + fields, start + b"x HTTP/1.1\r\nX: " + endless):
        whole = one_of(sender, data)
        assert isinstance(whole[0].verdict, Illegal)
        for size in (7, 5000):
            if size > 7 or data.startswith(start + b"x "):
                assert one_of(sender, data, size) == whole


def test_a_head_is_judged_by_the_limits_of_its_receiver_and_else_may_be_large():
    head = request("/", f"Cookie: a={'b' * 40_000}", *(f"X-{n}: y" for n in range(90)))
    assert one(CLIENT, head).faults == ()
    conversation = Conversation(head_limits=HeadLimits())
    (refused,) = conversation.feed(CLIENT, head)[:1]
    assert [fault.section for fault in refused.faults] == ["RFC 6585 §5"]


def one_of(sender, data, size=10**9):
    """What a conversation gives for these bytes in pieces of this size, and the end."""
    conversation, items = Conversation(at_handshake=True), []
    for start in range(0, len(data), size):
        items += conversation.feed(sender, data[start : start + size])
    return items + conversation.finish()


# What is wrong with a response


@pytest.mark.parametrize(
    ("changes", "section"),
    [
        pytest.param(
            {"Upgrade": None}, "§4.1 response item 2", marks=pytest.mark.rfc("6455-4.1-38")
        ),
        pytest.param(
            {"Upgrade": "h2c"}, "§4.1 response item 2", marks=pytest.mark.rfc("6455-4.1-38")
        ),
        pytest.param(
            {"Connection": "close"}, "§4.1 response item 3", marks=pytest.mark.rfc("6455-4.1-39")
        ),
        pytest.param(
            {"Sec_WebSocket_Accept": None},
            "§4.1 response item 4",
            marks=pytest.mark.rfc("6455-4.1-40"),
        ),
        pytest.param(
            {"Sec_WebSocket_Accept": "x"},
            "§4.1 response item 4",
            marks=pytest.mark.rfc("6455-4.1-40"),
        ),
        pytest.param(
            {"Sec_WebSocket_Extensions": "x"},
            "§4.1 response item 5",
            marks=pytest.mark.rfc("6455-4.1-41"),
        ),
        pytest.param(
            {"Sec_WebSocket_Protocol": "chat"},
            "§4.1 response item 6",
            marks=pytest.mark.rfc("6455-4.1-42"),
        ),
    ],
)
def test_4_1_a_response_is_judged_as_the_client_judges_it(changes, section):
    head = answered(request(), response(**changes))
    assert (head.verdict.violation.section, head.verdict.code) == (section, None)
    assert [line.section for line in head.lines if line.faults] == (
        [section] if None not in changes.values() else []
    )


def test_4_1_the_mistake_that_made_a_wrong_accept_is_named():
    made_of_hex = "YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ=="
    drawn = " ".join(draw(answered(request(), response(Sec_WebSocket_Accept=made_of_hex))).split())
    assert "made of the SHA-1 in hexadecimal: put its 20 bytes in base64" in drawn


def test_4_1_without_its_request_a_response_is_judged_as_far_as_that_goes():
    assert (
        one(SERVER, response("Sec-WebSocket-Protocol: a", DEFLATE, Sec_WebSocket_Accept="x")).faults
        == ()
    )
    head = one(SERVER, response(Sec_WebSocket_Accept=None, Upgrade="h2c"))
    assert [fault.section for fault in head.faults] == [
        "§4.1 response item 2",
        "§4.1 response item 4",
    ]
    assert head.accept is None


def test_4_1_a_response_to_a_request_without_a_key_is_judged_without_it():
    head = answered(request().replace(b"Sec-WebSocket-Key", b"X"), response())
    assert (head.faults, head.accept, head.opens) == ((), None, True)


@pytest.mark.rfc("6455-4.1-37")
def test_4_1_another_status_than_101_ends_both_directions():
    conversation = Conversation()
    conversation.feed(CLIENT, request())
    (head,) = conversation.feed(SERVER, b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert (head.opens, head.faults) == (False, ())
    assert "status 404 'Not Found'" in head.verdict.hint
    assert conversation.feed(CLIENT, frame(TEXT, b"Hello")) == []
    assert [(item.sender, item.length) for item in conversation.finish()] == [
        (CLIENT, 11),
        (SERVER, 2),
    ]


def test_9112_a_malformed_response_is_refused():
    head, rest = one_of(SERVER, b"HTTP/1.1 abc\r\n\r\n")
    assert (head.length, rest.length) == (14, 2)
    assert (head.verdict.violation.section, head.opens) == ("RFC 9112 §4", False)


# Compression


@pytest.mark.rfc("6455-4.1-46", "7692-6.1-02")
def test_7692_5_a_101_with_permessage_deflate_switches_it_on():
    conversation = Conversation()
    conversation.feed(CLIENT, request("/", DEFLATE + "; client_max_window_bits"))
    (head,) = conversation.feed(SERVER, response(DEFLATE + "; client_max_window_bits=10"))
    assert head.deflate == Parameters(client_max_window_bits=10)
    assert "permessage-deflate is in use from here on" in draw(head)
    (client_frame,) = conversation.feed(CLIENT, frame(TEXT, HELLO, rsv=4))
    (server_frame,) = conversation.feed(SERVER, frame(TEXT, HELLO, rsv=4, masked=0))
    assert client_frame.text == server_frame.text == "Hello"


def test_7692_5_without_it_rsv1_stays_forbidden():
    conversation = Conversation()
    conversation.feed(CLIENT, request("/", DEFLATE))
    conversation.feed(SERVER, response())
    (explained,) = conversation.feed(CLIENT, frame(TEXT, HELLO, rsv=4))
    assert explained.verdict.violation.section == "§5.2"


@pytest.mark.parametrize(
    ("offer", "answer", "section"),
    [
        (
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=10",
            "RFC 7692 §7.1.2.2",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate",
            "RFC 7692 §7.1.1.1",
        ),
        ("permessage-deflate; server_max_window_bits=9", "permessage-deflate", "RFC 7692 §7.1.2.1"),
        ("permessage-deflate; server_max_window_bits=99", "permessage-deflate; x", "RFC 7692 §7"),
        ("permessage-deflate", 'permessage-deflate; "', "§9.1"),
        ('"', "permessage-deflate", "§9.1"),
    ],
)
def test_7692_7_an_answer_that_does_not_fit_the_offer_is_a_fault(offer, answer, section):
    asked = request("/", f"Sec-WebSocket-Extensions: {offer}")
    head = answered(asked, response(f"Sec-WebSocket-Extensions: {answer}"))
    assert head.verdict.violation.section == section
    assert head.deflate is None
    (line,) = [line for line in head.lines if line.faults]
    assert line.text == f"Sec-WebSocket-Extensions: {answer}"


def test_7692_5_1_of_several_offers_one_must_fit():
    asked = request("/", f"{DEFLATE}; server_max_window_bits=9, permessage-deflate")
    head = answered(asked, response(DEFLATE))
    assert (head.faults, head.deflate) == ((), Parameters())


# Cut anywhere


@pytest.mark.parametrize("keep_going", [True, False])
def test_heads_and_frames_in_any_cut_give_the_same(keep_going):
    sent = {
        CLIENT: request("/", DEFLATE, "Cookie: a=b")
        + frame(TEXT, HELLO, rsv=4)
        + frame(BINARY, b"\0"),
        SERVER: response(DEFLATE) + frame(TEXT, HELLO, rsv=4, masked=0) + frame(3, masked=0),
    }
    expected = None
    for seed in range(10):
        cuts, conversation, items = random.Random(seed), Conversation(keep_going=keep_going), []
        rest = dict(sent)
        for sender in (CLIENT, SERVER):
            head, _, _ = rest[sender].partition(b"\r\n\r\n")
            items += in_pieces(conversation, sender, head + b"\r\n\r\n", cuts)
            rest[sender] = rest[sender][len(head) + 4 :]
        for sender in (CLIENT, SERVER):
            items += in_pieces(conversation, sender, rest[sender], cuts)
        items += conversation.finish()
        expected = expected or items
        assert items == expected
    assert [type(item) for item in expected[:2]] == [HeadExplanation] * 2
    assert [item.text for item in expected[2:5]] == ["Hello", None, "Hello"]


def in_pieces(conversation, sender, data, cuts):
    items = []
    while data:
        size = cuts.choice((1, 2, 5, 50, 500))
        items += conversation.feed(sender, data[:size])
        data = data[size:]
    return items


def test_frames_right_after_the_response_are_explained():
    conversation = Conversation()
    conversation.feed(CLIENT, RFC_REQUEST)
    head, hello = conversation.feed(SERVER, RFC_RESPONSE + frame(TEXT, b"Hello", masked=0))
    assert (hello.offset, hello.text, hello.verdict) == (head.length, "Hello", Legal())


def test_a_head_that_is_cut_off_says_so():
    for data in (RFC_REQUEST[:40], RFC_REQUEST[:-2], RFC_RESPONSE[:20]):
        head = one(CLIENT if data[:1] == b"G" else SERVER, data)
        assert isinstance(head.verdict, CutOff)
        assert head.verdict.seen == f"a head that ends after {len(data)} bytes"
        assert "an empty line at its end" in draw(head)


def test_without_keep_going_nothing_is_read_after_a_refused_request():
    conversation = Conversation(keep_going=False)
    wire = request().replace(b"13", b"12") + frame(TEXT, b"Hello")
    (head,) = conversation.feed(CLIENT, wire)
    assert head.verdict.code == 426
    assert [type(item) for item in conversation.finish()] == [NotRead]
    assert len(Conversation().feed(CLIENT, wire)) == 2


# What is left out


def test_secrets_are_left_out():
    secrets = (
        *("Cookie: session=TELL", "Authorization: Basic TELL", "proxy-authorization: TELL"),
        *("Referer: https://a/?TELL", "X-Api-Key: TELL", "X-Original-URL: /?token=TELL"),
    )
    head = one(CLIENT, request("/", *secrets))
    answer = one(SERVER, response("Set-Cookie: TELL"))
    for item in (head, answer):
        assert "TELL" not in draw(item) + draw_line(item) + json.dumps(as_json(item))
    assert "Cookie: (12 characters, not shown)" in draw(head)


def test_9110_5_5_bytes_from_0x80_up_are_shown_as_numbers():
    head = one(CLIENT, request("/")[:-2] + b"User-Agent: Caf\xe9 \x9b \\xe9\r\n\r\n")
    assert head.faults == ()
    assert r"User-Agent: Caf\xe9 \x9b \\xe9" in draw(head)
    assert r'"HTTP/1.1 404 n\xe3o"' in draw_line(one(SERVER, b"HTTP/1.1 404 n\xe3o\r\n\r\n"))


def test_long_lines_are_cut():
    head = one(CLIENT, request("/" + "x" * 5000))
    assert len(head.lines[0].text) == 200
    assert len(json.dumps(as_json(head))) < 5000


# The key


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        (SAMPLE_KEY, ""),
        ("", "it decodes to 0 bytes; take 16 random bytes in base64"),
        ("YWJj", "it decodes to 3 bytes; take 16 random bytes in base64"),
        ("not base64!", "it is not base64; take 16 random bytes in base64, 22 characters and =="),
    ],
)
def test_4_1_what_is_wrong_with_a_key(key, wrong):
    assert what_is_wrong_with(key) == wrong
    assert accept_steps(key).concatenated == key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def test_a_key_outside_of_ascii_has_no_accept():
    with pytest.raises(ValueError):
        accept_steps("ключ")
