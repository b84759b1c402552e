"""RFC 3986 §3.2: host[:port], cut, read and written."""

import pytest

from refws.protocol.authority import bracketed, cut_authority, join_authority, split_authority

KELVIN_SIGN = "\N{KELVIN SIGN}"


@pytest.mark.parametrize(
    "authority, expected",
    [
        ("Example.COM", ("example.com", 80)),
        ("example.com:", ("example.com", 80)),
        ("example.com:8080", ("example.com", 8080)),
        ("[::1]:9", ("[::1]", 9)),
        ("", None),
        ("a:b", None),
        (f"{KELVIN_SIGN}.example", None),
    ],
)
def test_3986_3_2_an_authority_is_a_host_and_a_port(authority, expected):
    assert split_authority(authority, 80) == expected


@pytest.mark.parametrize(
    "text, parts",
    [
        ("a", ("a", "")),
        ("a:", ("a", "")),
        ("a:b", ("a", "b")),
        (":1", ("", "1")),
        ("[::1]:9", ("[::1]", "9")),
        ("[x]", ("[x]", "")),
        ("::1", None),
        ("a]:1", None),
        ("[::1", None),
        ("[::1]x", None),
    ],
)
def test_3986_3_2_an_authority_is_cut_at_its_colon_whatever_its_parts_are(text, parts):
    assert cut_authority(text) == parts


@pytest.mark.parametrize(
    "host, before_a_port, with_port",
    [
        ("example.com", "example.com", "example.com:80"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:80"),
        ("2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"),
    ],
)
def test_3986_3_2_2_an_ipv6_address_is_in_brackets_before_its_port(host, before_a_port, with_port):
    assert bracketed(host) == before_a_port
    assert join_authority(host, 80) == with_port
    assert split_authority(with_port, 443) == (before_a_port, 80)
