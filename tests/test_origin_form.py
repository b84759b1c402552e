"""RFC 6454: the text of an origin, and what a list of origins may have."""

import random
import re

import pytest

from refws import serve
from refws.protocol.origin_form import (
    BadOrigin,
    Origin,
    check_origins,
    is_listed,
    parse_origin,
    parse_pattern,
)
from wire import request

KELVIN_SIGN = "\N{KELVIN SIGN}"


@pytest.mark.parametrize(
    "text, origin",
    [
        ("https://example.com", ("https", "example.com", 443)),
        ("https://example.com:443", ("https", "example.com", 443)),
        ("https://example.com:", ("https", "example.com", 443)),
        ("http://example.com", ("http", "example.com", 80)),
        ("http://example.com:443", ("http", "example.com", 443)),
        ("HTTPS://EXAMPLE.COM", ("https", "example.com", 443)),
        ("http://[2001:DB8:0:0::1]:8080", ("http", "[2001:db8::1]", 8080)),
        ("null", ("null", "", None)),
        ("file://", ("file", "", None)),
        ("chrome-extension://abc", ("chrome-extension", "abc", None)),
        ("capacitor://localhost:80", ("capacitor", "localhost:80", None)),
        # No origin.
        ("", None),
        ("example.com", None),
        ("null://", ("null", "", None)),
        ("https://", None),
        ("https://example.com/", None),
        ("https://u@example.com", None),
        ("https://example.com:65536", None),
        ("https://example.com:x", None),
        ("https://example.com https://example.org", None),
        ("chrome-extension://abc https://example.org", None),
        ("https://evil.example/https://example.com", None),
        ("https://evil.example\\.example.com", None),
        ("http://[::g]", None),
        ("1x://a", None),
    ],
)
def test_6454_4_an_origin_is_a_scheme_a_host_and_a_port(text, origin):
    assert parse_origin(text) == (None if origin is None else Origin(*origin))


@pytest.mark.parametrize(
    "listed, sent",
    [
        ("https://example.com", "https://example.com:443"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://[0:0::1]:3000", "http://[::1]:3000"),
        ("null", "null"),
        ("file://", "file://"),
        ("moz-extension://0b5e-4a", "moz-extension://0b5e-4a"),
        ("*", "anything, or nothing"),
    ],
)
def test_6454_5_equal_origins_may_be_written_in_other_ways(listed, sent):
    assert is_listed(sent, [listed])


@pytest.mark.parametrize(
    "listed, sent",
    [
        ("https://example.com", "http://example.com"),
        ("https://example.com", "https://example.com:80"),
        ("https://example.com", "https://example.com."),
        ("https://example.com", "https://example.com:443:443"),
        ("chrome-extension://abc", "moz-extension://abc"),
        ("null", ""),
        ("file://", "null"),
        ("null", "file://"),
    ],
)
def test_6454_5_one_other_part_makes_another_origin(listed, sent):
    assert not is_listed(sent, [listed])


@pytest.mark.rfc("6455-2.1-01")
def test_2_1_an_origin_that_only_unicode_folds_to_the_listed_one_is_not_that():
    assert not is_listed(f"http://{KELVIN_SIGN}elvin.example", ["http://kelvin.example"])


@pytest.mark.parametrize(
    "sent, passes",
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://a_b.x-y.example.com:443", True),
        ("HTTPS://A.EXAMPLE.COM", True),
        ("https://example.com.example.com", True),
        # The name itself, and names of other owners.
        ("https://example.com", False),
        ("https://.example.com", False),
        ("https://..example.com", False),
        ("https://a..example.com", False),
        ("https://evilexample.com", False),
        ("https://evil-example.com", False),
        ("https://a.example.com.evil.example", False),
        ("https://a.example.com.", False),
        ("https://evil.example#.example.com", False),
        ("https://evil.example/.example.com", False),
        ("https://evil.example?.example.com", False),
        ("https://evil.example\\.example.com", False),
        ("https://evil.example@a.example.com", False),
        ("https://a%2f.example.com", False),
        ("https://*.example.com", False),
        ("https://evil.example https://a.example.com", False),
        ("null", False),
        # Another scheme or port.
        ("http://a.example.com", False),
        ("https://a.example.com:8443", False),
        ("x://a.example.com", False),
    ],
)
def test_an_asterisk_is_one_label_or_more_before_a_dot(sent, passes):
    assert is_listed(sent, ["https://*.example.com"]) is passes


@pytest.mark.parametrize(
    "text, instead",
    [
        ("", "https://example.com"),
        (" https://example.com", "https://example.com"),
        ("https://example.com\n", "https://example.com"),
        ("https://a.test,https://b.test", "https://a.test and https://b.test"),
        ("https://a.test https://b.test", "https://a.test and https://b.test"),
        ("example.com", "https://example.com"),
        ("//example.com", "https://example.com"),
        ("example.com/chat", "https://example.com"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("*.example.com", "https://*.example.com"),
        ("https:example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com/chat?a=b#c", "https://example.com"),
        ("https://user:secret@example.com", "https://example.com"),
        ("file:", "file://"),
        ("file:///", "file://"),
        ("file:///home/me/page.html", "file://"),
        ("data:text/html,x", "null"),
        ("about:blank", "null"),
        ("blob:https://example.com/1", "null"),
        ("wss://example.com:8443/chat", "https://example.com:8443"),
        ("ws://localhost:3000", "http://localhost:3000"),
        ("*://example.com", "http://example.com and https://example.com"),
        ("https?://example.com", "http://example.com and https://example.com"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://fa\u00df.example", "https://xn--fa-hia.example"),
        ("https://B\u00dcCHER.Stra\u00dfe.example", "https://xn--bcher-kva.xn--strae-oqa.example"),
        ("https://\u00fc..example", "https://xn--bcher-kva.example"),
        (f"http://{KELVIN_SIGN}elvin.example", "http://kelvin.example"),
        ("https://", "https://example.com"),
        ("https://:443", "https://example.com"),
        ("https://*", "https://example.com"),
        ("https://a*.example.com", "https://example.com or https://*.example.com"),
        ("https://a.*.example.com", "https://example.com or https://*.example.com"),
        ("https://*.*.example.com", "https://example.com or https://*.example.com"),
        ("https://*.com", "https://*.example.com"),
        ("https://*.192.0.2.1", "https://192.0.2.1"),
        ("https://*.[::1]", "https://[2001:db8::1]"),
        ("https://.*\\.example.com", "https://example.com or https://*.example.com"),
        ("**", "https://example.com or https://*.example.com"),
        ("https//example.com", "https://example.com"),
        ("http:/example.com", "https://example.com"),
        ("://", "https://example.com"),
        ("https://[::1%25eth0]", "https://[2001:db8::1]"),
        ("http://localhost:*", "http://localhost:8080"),
        ("http://localhost:http", "http://localhost:8080"),
        ("http://localhost:0", "http://localhost:8080"),
        ("http://localhost:65536", "http://localhost:8080"),
        ("http://::1:8080", "http://[2001:db8::1]:8080"),
        ("http://[::g]", "http://[2001:db8::1]"),
        ("http://127.1", "http://192.0.2.1"),
        ("http://127.0.0.01", "http://192.0.2.1"),
        ("http://0x7f000001", "http://192.0.2.1"),
        ("http://a%2eb", "http://example.com"),
        ("http://a..b", "http://example.com"),
        ("chrome-extension://", "chrome-extension://"),
        ("chrome-extension://*", "chrome-extension://"),
        ("chrome-extension://abc/", "chrome-extension://abc"),
    ],
)
def test_an_entry_that_no_browser_sends_is_refused_with_what_to_write_instead(text, instead):
    with pytest.raises(ValueError, match=re.escape(f"write {instead}")):
        parse_pattern(text)


PARTS = (
    *("https", "http:", "//", "://", "https://", "ws://", "file:", "null", "chrome-extension://"),
    *("*", "**", "*.", ".*", "^", "$", "\\", "(", "|", "/", "?", "#", "@", "u:p@", " ", ",", ";"),
    *("example.com", "localhost", "[::1]", "1.2", ".", ":3000", ":*", "%41", "\u00e9"),
)


def test_what_to_write_instead_is_never_refused_itself():
    chance = random.Random(6454)
    refused = 0
    for _ in range(1500):
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 4)))
        try:
            parse_pattern(text)
        except BadOrigin as error:
            refused += 1
            assert str(error).endswith(f"; write {error.instead}")
            for entry in re.split(" and | or ", error.instead):
                parse_pattern(entry)
    assert refused > 1000


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "https://example.com.",
        "http://localhost:3000",
        "http://*.localhost:3000",
        "http://intranet",
        "http://192.0.2.1",
        "http://[::ffff:192.0.2.1]:80",
        "app://.",
        "ionic://localhost",
        "file://",
        "null",
        "*",
    ],
)
def test_what_a_browser_may_send_can_be_listed(text):
    assert check_origins([text]) == (text,)


@pytest.mark.rfc("6455-4.2.2-07")
@pytest.mark.transport("tcp", reason="what carries the bytes does not matter")
@pytest.mark.parametrize("origins, listed", [([None], ()), ([None, "null"], ("null",))])
def test_none_in_a_list_of_origins_changes_nothing(serving, origins, listed):
    """Clients without Origin are no browsers, and always pass; a page still has to be listed."""
    assert check_origins(origins) == listed
    running = serving(lambda connection: None, origins=origins)
    running.open().finish()
    client = running.connect()
    client.send(request("/", "Origin: https://example.com"))
    assert client.receive_head()[0] == 403


@pytest.mark.parametrize(
    "origins, told",
    [
        ("https://example.com", "use a list of str"),
        (b"https://example.com", "use a list of str"),
        (re.compile("https://.*"), "use a list of str"),
        ([re.compile("https://.*")], "https://*.example.com"),
        ([b"https://example.com"], "use str"),
    ],
)
def test_what_is_no_list_of_str_is_refused_when_it_is_given(origins, told, nothing_left_behind):
    with pytest.raises(TypeError, match=re.escape(told)):
        serve(print, "127.0.0.1", 0, origins=origins)


def test_serve_refuses_an_origin_that_no_browser_sends(nothing_left_behind):
    with pytest.raises(ValueError, match="write https://example.com$"):
        serve(print, "127.0.0.1", 0, origins=iter(["https://example.com/"]))
