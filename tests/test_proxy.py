"""RFC 6455 §4.1 items 3 and 4: what an HTTP proxy is asked, and what is made of its answers."""

import os

import pytest

from refws.endpoint.client.environment import choose_proxy
from refws.protocol.client.handshake import InvalidResponse
from refws.protocol.client.proxy import (
    Proxy,
    ProxyError,
    build_connect,
    check_connect_response,
    parse_proxy,
)
from refws.protocol.client.uri import InvalidURI, parse_uri
from refws.protocol.credentials import basic_credentials
from refws.protocol.http import Headers, Response

CREDENTIALS = "Basic ZWRuYW1vZGU6bm9jYXBlcyE="  # of the example in §4.1 item 3


@pytest.mark.rfc("6455-4.1-10")
@pytest.mark.parametrize(
    "host, port, authority",
    [
        ("example.com", 80, "example.com:80"),
        ("example.com", 443, "example.com:443"),
        ("192.0.2.1", 9001, "192.0.2.1:9001"),
        ("2001:db8::1", 443, "[2001:db8::1]:443"),
    ],
)
def test_4_1_item_3_a_connect_names_host_and_port(host, port, authority):
    expected = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
    assert build_connect(host, port).to_bytes() == expected.encode()


@pytest.mark.rfc("6455-4.1-10")
def test_4_1_item_3_the_example_with_a_password():
    proxy = parse_proxy("http://ednamode:nocapes!@proxy.example:3128")
    assert build_connect("example.com", 80, proxy.headers).to_bytes() == (
        b"CONNECT example.com:80 HTTP/1.1\r\n"
        b"Host: example.com:80\r\n"
        b"Proxy-Authorization: Basic ZWRuYW1vZGU6bm9jYXBlcyE=\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize("make", [dict, list, Headers])
def test_9110_9_3_6_headers_can_be_added_to_a_connect(make):
    request = build_connect("h", 1, make([("User-Agent", "x")]))
    assert list(request.headers.raw_items()) == [("Host", "h:1"), ("User-Agent", "x")]


@pytest.mark.parametrize("name", ["host", "Content-Length", "TRANSFER-ENCODING"])
def test_9110_9_3_6_headers_of_a_connect_cannot_be_repeated(name):
    with pytest.raises(ValueError, match=r"is not for additional headers: .+"):
        build_connect("h", 1, {name: "x"})


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_9110_9_3_6_any_2xx_opens_the_tunnel(status):
    response = Response(status, "Connection established", Headers([("Content-Length", "5")]))
    assert check_connect_response(response) is None


@pytest.mark.rfc("6455-4.1-13")
@pytest.mark.parametrize(
    "status, lines, shown",
    [
        (101, {}, "no final answer"),
        (302, {"Location": "http://login.example/"}, "login.example"),
        (400, {}, "body of the answer"),
        (403, {}, "does not allow that host"),
        (404, {}, "a web server is there"),
        (405, {}, "does not allow tunnels"),
        (407, {}, "http://user:password@proxy"),
        (
            407,
            {"Proxy-Authenticate": 'Basic realm="r"'},
            """Proxy-Authenticate: 'Basic realm="r"'""",
        ),
        (407, {"Proxy-Authenticate": 'NTLM, basic realm="r"'}, "http://user:password@proxy"),
        (407, {"Proxy-Authenticate": "Negotiate, NTLM"}, "only Basic logins can be given here"),
        (407, {"Proxy-Authenticate": 'Digest realm="basic", nonce="x"'}, "only Basic logins"),
        (500, {}, "server failed"),
        (502, {}, "cannot reach that host"),
        (503, {"Retry-After": "5"}, "Retry-After: '5'"),
        (504, {}, "cannot reach that host"),
    ],
)
def test_4_1_item_4_any_other_answer_of_the_proxy_is_an_error_that_says_what_to_do(
    status, lines, shown
):
    response = Response(status, "Reason", Headers(lines.items()), b"body")
    with pytest.raises(ProxyError) as caught:
        check_connect_response(response)
    assert isinstance(caught.value, InvalidResponse) and caught.value.response is response
    (fault,) = caught.value.faults
    assert (fault.section, fault.seen) == ("§4.1 item 4", f"status {status} 'Reason'")
    assert fault.expected.startswith("2xx from the proxy: ") and shown in fault.expected


@pytest.mark.parametrize(
    "text, proxy",
    [
        ("http://proxy", Proxy("proxy", 80)),
        ("HTTP://Proxy.Example:3128/", Proxy("proxy.example", 3128)),
        ("http://[::1]:3128", Proxy("::1", 3128)),
        ("http://ednamode:nocapes!@proxy:3128", Proxy("proxy", 3128, CREDENTIALS)),
        ("http://ednamode:nocapes%21@proxy", Proxy("proxy", 80, CREDENTIALS)),
        ("http://u@proxy", Proxy("proxy", 80, "Basic dTo=")),
        ("http://u:%ff@proxy", Proxy("proxy", 80, "Basic dTr/")),  # 75 3a ff: a byte stays one
        ("http://u:a@b@proxy", Proxy("proxy", 80, basic_credentials("u", "a@b"))),
    ],
)
def test_4_1_item_3_where_a_proxy_is(text, proxy):
    assert parse_proxy(text) == proxy
    assert dict(proxy.headers.raw_items()) == (
        {"Proxy-Authorization": proxy.credentials} if proxy.credentials else {}
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy:3128",
        "https://u:secret@proxy:3128",
        "socks5://u:secret@proxy",
        "http://",
        "http://proxy/path",
        "http://proxy?x",
        "http://u:secret@proxy:0",
        "http://u:secret@",
        "http://u:secret@proxy\r\n",
        "http:u:secret@proxy",
        "http://u:secret word@proxy",
        "http://u:secret\r\n@proxy",
    ],
)
def test_4_1_item_3_what_is_no_address_of_a_proxy_is_refused_without_its_password(text):
    with pytest.raises(InvalidURI) as caught:
        parse_proxy(text)
    assert caught.value.seen and caught.value.expected
    assert "secret" not in str(caught.value)


def test_credentials_are_not_in_the_repr_of_a_proxy():
    assert "Basic" not in repr(parse_proxy("http://u:p@proxy"))


def test_7617_a_user_name_with_a_colon_is_refused():
    with pytest.raises(ValueError, match="no colon"):
        parse_proxy("http://a%3Ab:c@proxy")


# The proxy of the environment


def in_environment(monkeypatch, **variables):
    """Only these variables name proxies."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.rfc("6455-4.1-11")
@pytest.mark.parametrize(
    "uri, variables, proxy",
    [
        ("ws://h/", {}, None),
        ("ws://h/", {"http_proxy": "http://a:1"}, Proxy("a", 1)),
        ("ws://h/", {"HTTP_PROXY": "http://a:1/"}, Proxy("a", 1)),
        ("ws://h/", {"http_proxy": "http://a:1", "https_proxy": "http://b:2"}, Proxy("b", 2)),
        ("wss://h/", {"http_proxy": "http://a:1"}, None),
        ("wss://h/", {"all_proxy": "http://a:1"}, Proxy("a", 1)),
        ("ws://h/", {"https_proxy": "http://b:2", "ws_proxy": "http://c:3"}, Proxy("c", 3)),
        ("ws://h/", {"http_proxy": "a:3128"}, Proxy("a", 3128)),
        ("ws://h/", {"http_proxy": ""}, None),
        ("ws://h/", {"http_proxy": "http://a:1", "no_proxy": "h"}, None),
        ("ws://x.h:8080/", {"http_proxy": "http://a:1", "no_proxy": "localhost,.h:8080"}, None),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "*"}, None),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "other"}, Proxy("a", 1)),
        ("ws://x.h./", {"http_proxy": "http://a:1", "no_proxy": "h"}, None),
        ("ws://127.1.2.3/", {"http_proxy": "http://a:1", "no_proxy": "x, 127.0.0.0/8"}, None),
        ("ws://128.1.2.3/", {"http_proxy": "http://a:1", "no_proxy": "127.0.0.1/8"}, Proxy("a", 1)),
        ("ws://192.0.2.1:8/", {"http_proxy": "http://a:1", "no_proxy": "192.0.2.1"}, None),
        (
            "ws://192.0.2.1/",
            {"http_proxy": "http://a:1", "no_proxy": "192.0.2.1/99"},
            Proxy("a", 1),
        ),
        ("ws://[::1]/", {"http_proxy": "http://a:1", "no_proxy": "::1"}, None),
        ("ws://[0:0::1]/", {"http_proxy": "http://a:1", "no_proxy": "[::1]"}, None),
        ("ws://[fd00::9]/", {"http_proxy": "http://a:1", "no_proxy": "fd00::/8,10.0.0.0/8"}, None),
        ("ws://[fe80::9]/", {"http_proxy": "http://a:1", "no_proxy": "fd00::/8"}, Proxy("a", 1)),
        ("ws://h/", {"http_proxy": "http://a:1", "no_proxy": "10.0.0.0/8,,"}, Proxy("a", 1)),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "*.h"}, None),
        ("ws://xh/", {"http_proxy": "http://a:1", "no_proxy": "*.h,.,*."}, Proxy("a", 1)),
        ("ws://x.h:80/", {"http_proxy": "http://a:1", "no_proxy": "*.H:80"}, None),
        ("ws://x.h:81/", {"http_proxy": "http://a:1", "no_proxy": "*.h:80"}, Proxy("a", 1)),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "other h"}, None),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "other, h."}, None),
        ("ws://x.h/", {"http_proxy": "http://a:1", "no_proxy": "other,*"}, None),
        ("ws://h/", {"http_proxy": "http://a:1\r"}, Proxy("a", 1)),
        ("ws://h/", {"http_proxy": " \r"}, None),
    ],
)
def test_4_1_item_3_the_environment_names_the_proxy(monkeypatch, uri, variables, proxy):
    in_environment(monkeypatch, **variables)
    assert choose_proxy(True, parse_uri(uri), known=False) == proxy


def test_4_1_item_3_the_environment_is_asked_only_if_the_program_says_so(monkeypatch):
    in_environment(monkeypatch, http_proxy="http://a:1")
    assert choose_proxy(None, parse_uri("ws://h/"), known=False) is None
    assert choose_proxy("http://b:2", parse_uri("ws://h/"), known=False) == Proxy("b", 2)
    assert choose_proxy(True, parse_uri("ws://h/"), known=True) is None


@pytest.mark.parametrize(
    "value",
    [
        *("socks5://u:secret@a:1", "https://u:secret@a", "http://a:b:c"),
        *("http://u%3A:secret@a", "http://u:secret%0A@a", "http://u%00:secret@a"),
    ],
)
def test_4_1_item_3_a_proxy_of_the_environment_that_cannot_be_used_is_named(monkeypatch, value):
    in_environment(monkeypatch, https_proxy=value)
    with pytest.raises(InvalidURI, match="in https_proxy of the environment; expected") as caught:
        choose_proxy(True, parse_uri("wss://h/"), known=False)
    assert "secret" not in str(caught.value)
