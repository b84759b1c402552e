"""RFC 6455 §3 and §11.1: what is a WebSocket URI, what it asks for, and what is said about
everything else.
"""

import io

import pytest

from refws.protocol.client.handshake import build_request, make_key
from refws.protocol.client.uri import (
    MAX_HOST_SIZE,
    MAX_LABEL_SIZE,
    InvalidURI,
    WebSocketURI,
    parse_uri,
)
from refws.protocol.errors import WebSocketException
from refws.protocol.handshake import check_request
from refws.protocol.heads import read_request

LABEL = "a" * MAX_LABEL_SIZE
LONGEST = "a." * (MAX_HOST_SIZE // 2) + "a"

GOOD = [
    # text, secure, host, port, resource name, Host, ids
    ("ws://example.com/chat", False, "example.com", 80, "/chat", "example.com", ["02", "03"]),
    (
        "wss://example.com/chat",
        True,
        "example.com",
        443,
        "/chat",
        "example.com",
        ["02", "03", "04"],
    ),
    ("ws://example.com:80/", False, "example.com", 80, "/", "example.com", []),
    ("wss://example.com:443/", True, "example.com", 443, "/", "example.com", []),
    ("ws://example.com:443/", False, "example.com", 443, "/", "example.com:443", []),
    ("wss://example.com:80/", True, "example.com", 80, "/", "example.com:80", []),
    ("ws://example.com:1/", False, "example.com", 1, "/", "example.com:1", []),
    ("ws://example.com:65535/", False, "example.com", 65535, "/", "example.com:65535", []),
    ("ws://example.com:00080/", False, "example.com", 80, "/", "example.com", []),
    ("ws://example.com:/", False, "example.com", 80, "/", "example.com", ["03"]),
    ("WS://EXAMPLE.com/Chat", False, "example.com", 80, "/Chat", "example.com", ["04"]),
    ("WSS://h/", True, "h", 443, "/", "h", ["04"]),
    ("wSs://h/", True, "h", 443, "/", "h", ["04"]),
    # The resource name.
    ("ws://h", False, "h", 80, "/", "h", ["05"]),
    ("ws://h?x=1", False, "h", 80, "/?x=1", "h", ["05"]),
    ("ws://h:8080?x=1", False, "h", 8080, "/?x=1", "h:8080", ["05"]),
    ("ws://h/?", False, "h", 80, "/", "h", ["05"]),
    ("ws://h?", False, "h", 80, "/", "h", ["05"]),
    ("ws://h/a/b?c=d/e?f", False, "h", 80, "/a/b?c=d/e?f", "h", ["05"]),
    ("ws://h//a", False, "h", 80, "//a", "h", ["05"]),
    ("ws://h/a/../b", False, "h", 80, "/a/../b", "h", []),
    ("ws://h/a@b:c?d@e:f", False, "h", 80, "/a@b:c?d@e:f", "h", []),
    ("ws://h/-._~!$&'()*+,;=:@", False, "h", 80, "/-._~!$&'()*+,;=:@", "h", []),
    ("ws://h/%23?%23", False, "h", 80, "/%23?%23", "h", ["07"]),
    ("ws://h/%c3%A9%25", False, "h", 80, "/%c3%A9%25", "h", []),
    # Hosts.
    ("ws://127.0.0.1:9001/", False, "127.0.0.1", 9001, "/", "127.0.0.1:9001", []),
    ("ws://[::1]", False, "::1", 80, "/", "[::1]", []),
    ("wss://[2001:DB8::1]:8443/x", True, "2001:db8::1", 8443, "/x", "[2001:db8::1]:8443", []),
    ("ws://[::ffff:192.0.2.1]/", False, "::ffff:192.0.2.1", 80, "/", "[::ffff:192.0.2.1]", []),
    ("ws://a_b-c.d~e/", False, "a_b-c.d~e", 80, "/", "a_b-c.d~e", []),
    ("ws://example.com./", False, "example.com.", 80, "/", "example.com.", []),
    ("ws://ex%61mple.com/", False, "example.com", 80, "/", "example.com", []),
    (f"ws://{LABEL}.de/", False, f"{LABEL}.de", 80, "/", f"{LABEL}.de", []),
    (f"ws://{LONGEST}/", False, LONGEST, 80, "/", LONGEST, []),
    (f"ws://{LONGEST}./", False, f"{LONGEST}.", 80, "/", f"{LONGEST}.", []),
]


@pytest.mark.rfc("6455-3-01", "6455-4.1-04")
@pytest.mark.parametrize(
    "text, secure, host, port, resource_name, host_header",
    [
        pytest.param(*row, marks=pytest.mark.rfc(*(f"6455-3-{i}" for i in ids)) if ids else ())
        for *row, ids in GOOD
    ],
)
def test_3_the_parts_of_a_websocket_uri(text, secure, host, port, resource_name, host_header):
    uri = parse_uri(text)
    assert uri == WebSocketURI(secure, host, port, resource_name)
    assert uri.host_header == host_header
    assert uri.address == (host, port)
    assert uri.scheme == ("wss" if secure else "ws")


@pytest.mark.parametrize("text", [row[0] for row in GOOD])
def test_3_a_uri_is_shown_as_a_uri_that_means_the_same(text):
    assert parse_uri(str(parse_uri(text))) == parse_uri(text)


@pytest.mark.parametrize(
    "text, authority",
    [
        ("wss://h/", "h:443"),
        ("ws://h:81/", "h:81"),
        ("ws://[::1]/", "[::1]:80"),
    ],
)
def test_4_1_item_3_the_authority_for_a_proxy_has_its_port_in_any_case(text, authority):
    assert parse_uri(text).authority == authority


@pytest.mark.rfc("6455-11.1.1-01", "6455-11.1.2-01")
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize(
    "host, expected",
    [
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.Example", "xn--bcher-kva.example"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),
        ("www.\u4f8b\u5b50.example", "www.xn--fsqu00a.example"),
        ("b\u00fccher\u3002example", "xn--bcher-kva.example"),
        # UTS #46, table 1: the four characters that RFC 5891 keeps, with the hosts of browsers
        ("fa\u00df.example", "xn--fa-hia.example"),
        ("Fa%C3%9F\uff0eexample", "xn--fa-hia.example"),
        ("\u03b2\u03cc\u03bb\u03bf\u03c2.example", "xn--nxasmm1c.example"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3.example", "xn--10cl1a0b660p.example"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example"),
    ],
)
def test_11_1_1_a_host_in_unicode_is_sent_in_ascii(scheme, host, expected):
    uri = parse_uri(f"{scheme}://{host}/")
    assert uri.host == uri.host_header == expected


@pytest.mark.rfc("6455-11.1.1-02", "6455-11.1.2-02")
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize(
    "text, expected",
    [
        ("/\u00e9", "/%C3%A9"),
        ("?\u00e9=\u20ac", "/?%C3%A9=%E2%82%AC"),
        ("/\U0001f600", "/%F0%9F%98%80"),
        ('/a?b={"c":[1]}', "/a?b=%7B%22c%22:%5B1%5D%7D"),
        ("/<>\\^`|", "/%3C%3E%5C%5E%60%7C"),
        ("/\u00e9%C3%A9", "/%C3%A9%C3%A9"),
    ],
)
def test_11_1_1_what_a_uri_must_not_have_elsewhere_is_percent_encoded_utf_8(scheme, text, expected):
    assert parse_uri(f"{scheme}://h{text}").resource_name == expected


BAD = [
    # text, a part of what was seen, a part of what was expected
    ("", "''", "ws://host/path"),
    ("example.com/chat", "'example.com/chat'", "ws://host/path"),
    ("localhost:8080", "without a scheme", "ws://host/path"),
    ("ws:example.com", "without a scheme", "ws://host/path"),
    ("ws:/example.com", "without a scheme", "ws://host/path"),
    ("//example.com", "scheme", "ws://"),
    ("://example.com", "scheme ''", "ws://"),
    ("http://example.com/", "http://", "ws://"),
    ("HTTPS://example.com/", "https://", "wss://"),
    ("ftp://example.com/", "'ftp'", "ws://"),
    ("w\u017f://example.com/", r"'w\u017f'", "ws://"),
    ("ws://h/#", "fragment", "%23"),
    ("ws://h/#x", "fragment", "%23"),
    ("ws://h#x", "fragment", "%23"),
    ("ws://h/?a#x", "fragment", "%23"),
    ("ws://", "no host", "ws://localhost/"),
    ("ws:///chat", "no host", "ws://localhost/"),
    ("ws://?x", "no host", "ws://localhost/"),
    ("ws://:80/", "no host", "ws://localhost/"),
    ("ws://h:0/", "port '0'", "1 to 65535"),
    ("ws://h:65536/", "port '65536'", "1 to 65535"),
    ("ws://h:70000/", "port '70000'", "1 to 65535"),
    ("ws://h:-1/", "port '-1'", "1 to 65535"),
    ("ws://h:8o/", "port '8o'", "1 to 65535"),
    ("ws://h:\u0661/", r"port '\u0661'", "1 to 65535"),
    ("ws://h:" + "9" * 5000, "port '999", "1 to 65535"),
    ("ws://h:1:2/", "'h:1:2'", "[::1]:80"),
    ("ws://::1/", "'::1'", "[::1]:80"),
    ("ws://[::1/", "'[::1'", "[::1]:80"),
    ("ws://::1]/", "'::1]'", "[::1]:80"),
    ("ws://[::1]x/", "'[::1]x'", "[::1]:80"),
    ("ws://[]/", "'' in brackets", "IPv6"),
    ("ws://[::g]/", "'::g'", "IPv6"),
    ("ws://[127.0.0.1]/", "'127.0.0.1'", "IPv6"),
    ("ws://[v1.a]/", "'v1.a'", "IPv6"),
    ("ws://[fe80::1%eth0]/", "'fe80::1%eth0'", "write a name instead, and give sock=..."),
    ("ws://[fe80::1%25eth0]/", "'fe80::1%25eth0'", "without a zone"),
    ("ws://a..b/", "'a..b'", "labels"),
    ("ws://\u00df..b/", "'\\xdf..b'", "labels"),
    ("ws://\u00df\ud800/", "'\\xdf\\ud800'", "letters"),
    ("ws://\u00df\ue000/", "'\\xdf\\ue000'", "letters"),
    ("ws://.a/", "'.a'", "labels"),
    ("ws://./", "'.'", "labels"),
    (f"ws://{LABEL}a.de/", "'aaa", "63"),
    (f"ws://\u00fc{LABEL}.de/", "'\\xfcaaa", "63"),
    ("ws://" + "a." * 126 + "aa/", "'a.a.", str(MAX_HOST_SIZE)),
    ("ws://a\\b/", r"'a\\b'", "letters"),
    ("ws://a%2fb/", "'a%2fb'", "letters"),
    ("ws://a%00b/", "'a%00b'", "letters"),
    ("ws://a%20b/", "'a%20b'", "letters"),
    ("ws://a%ffb/", "'a%ffb'", "letters"),
    ("ws://a%zz/", "'a%zz'", "letters"),
    ("ws://\uff45\uff0f\u00fc/", r"\uff0f", "letters"),
    ("ws://\ud800/", r"'\ud800'", "letters"),
    ("ws://h/a b", "' ' at position 8", "%20"),
    (" ws://h/", "' ' at position 0", "%20"),
    ("ws://h/\n", r"'\n' at position 7", "no such character"),
    ("ws://a b/", "' ' at position 6", "%20"),
    ("ws://h/a\r\nX: y", r"'\r'", "no such character"),
    ("ws://h/\0", r"'\x00'", "no such character"),
    ("ws://h/\x7f", r"'\x7f'", "no such character"),
    ("ws://h/?\t", r"'\t'", "no such character"),
    ("ws://h/%", "'%'", "%25"),
    ("ws://h/%2", "'%2'", "%25"),
    ("ws://h/%zz", "'%zz'", "%25"),
    ("ws://h/?100%&", "'%&'", "%25"),
    ("ws://h/\ud800", "surrogate", "UTF-8"),
    ("ws://u@h/", "user name or password", "Authorization"),
    ("ws://u:secret@h/", "user name or password", "Authorization"),
    ("wss://u:secret@h:99999/", "user name or password", "Authorization"),
    ("u:secret@h", "without a scheme", "ws://host/path"),
]


@pytest.mark.rfc("6455-3-01", "6455-4.1-04")
@pytest.mark.parametrize(
    "text, seen, expected",
    [
        pytest.param(*row, marks=pytest.mark.rfc("6455-3-06") if "#" in row[0] else ())
        for row in BAD
    ],
)
def test_3_anything_else_is_refused_with_what_to_write_instead(text, seen, expected):
    with pytest.raises(InvalidURI) as caught:
        parse_uri(text)
    error = caught.value
    assert error.section == "§3"
    assert seen in error.seen and expected in error.expected
    assert str(error) == f"§3: {error.seen}; expected {error.expected}"
    assert (
        str(error).replace("§", "").isascii() and str(error).isprintable() and len(str(error)) < 400
    )
    assert "secret" not in str(error)


def test_3_an_invalid_uri_is_an_error_of_refws_and_a_value_error():
    assert issubclass(InvalidURI, WebSocketException) and issubclass(InvalidURI, ValueError)


@pytest.mark.rfc("6455-4.1-21", "6455-4.1-22")
@pytest.mark.parametrize("text", [row[0] for row in GOOD])
def test_4_1_the_request_to_every_valid_uri_is_one_that_a_strict_server_accepts(text):
    request = build_request(parse_uri(text), make_key())
    received = read_request(io.BytesIO(request.to_bytes()))
    assert received == request and check_request(received) == ()
    assert received.path == parse_uri(text).resource_name
    assert received.authority == parse_uri(text).host_header
