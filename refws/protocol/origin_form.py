"""RFC 6454: the text of an Origin -> Origin, and the texts that a server's `origins` may list.

    https://example.com:8443          scheme, host and port; without a port, the scheme's default
    null                              a page without an origin of its own, such as one in a sandbox
    file://  chrome-extension://abc   other schemes: no default port, so compared as they are
    https://*.example.com             only in `origins`: each name that ends in .example.com
    *                                 only in `origins`: every page

A text that no browser ever sends would be an entry that lets no page in, and no one would know why.
So it is refused when it is given, with what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from .authority import PORT, cut_authority, is_ipv6, split_authority
from .http import ascii_lower, quote
from .idn import in_ascii

DEFAULT_PORTS = {"http": 80, "https": 443}

SCHEMES_OF_PAGES = {"ws": "http", "wss": "https"}
"""The scheme of a page that may connect with ws:// or wss://: Origin names the page."""

SCHEMES_WITHOUT_ORIGIN = ("about:", "blob:", "data:", "javascript:")
"""A page with such a URL has its opener's origin, or none: then it sends null."""

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
OPAQUE = re.compile(r"[!-~]*")
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
AFTER_AUTHORITY = re.compile(r"[/?#\\]")
BETWEEN = re.compile(r"[\s,;]+")
BETWEEN_ADVICE = re.compile(" and | or ")

EXAMPLE = "https://example.com"
FORM = "an origin is scheme://host or scheme://host:port, with no path"


class Origin(NamedTuple):
    """What §5 of RFC 6454 compares, in lower case; the port is None for a scheme without one."""

    scheme: str
    host: str
    port: int | None


class BadOrigin(ValueError):
    """A text that no browser sends as an Origin. `instead` is what to write: one entry, or two."""

    def __init__(self, text: str, why: str, instead: str) -> None:
        super().__init__(text, why, instead)
        self.text = text
        self.why = why
        self.instead = instead

    def __str__(self) -> str:
        return f"origin {quote(self.text)}: {self.why}; write {self.instead}"


class Pattern(NamedTuple):
    """An entry of `origins`: this origin, or with `subdomains` each name below its host.

    A certificate's wildcard (RFC 6125) is for one label; here it is for one or more, since the
    owner of a domain decides about all names below it. It is never for the domain itself.
    """

    origin: Origin
    subdomains: bool

    def matches(self, origin: Origin) -> bool:
        """The dot before the domain counts: evil-example.com is another owner's."""
        if not self.subdomains:
            return origin == self.origin
        below, dot, _ = origin.host.rpartition(f".{self.origin.host}")
        same = origin == self.origin._replace(host=origin.host)
        return same and origin.host == f"{below}{dot}" and NAME.fullmatch(below) is not None


def parse_origin(text: str) -> Origin | None:
    """The origin that a client names; None for what is none, such as a list of several."""
    scheme, separator, rest = ascii_lower(text).partition("://")
    if scheme == "null" and not separator:
        return Origin("null", "", None)
    if not separator or not SCHEME.fullmatch(scheme) or AFTER_AUTHORITY.search(rest):
        return None
    if scheme not in DEFAULT_PORTS:
        return Origin(scheme, rest, None) if OPAQUE.fullmatch(rest) else None
    parts = split_authority(rest, DEFAULT_PORTS[scheme])
    host = None if parts is None or parts[1] > 65_535 else _one_form(parts[0])
    return Origin(scheme, host, parts[1]) if parts and host else None


def _one_form(host: str) -> str | None:
    """An IPv6 address in its one form (RFC 5952), None if it is none; other hosts as they are."""
    if not host.startswith("["):
        return host
    return f"[{IPv6Address(host[1:-1])}]" if is_ipv6(host[1:-1]) else None


def check_one_origin(text: str) -> str:
    """The argument `origin` of a client. ValueError, with what to write instead, for another."""
    if "*" not in text and parse_origin(text) is not None:
        return text
    instead = EXAMPLE
    try:
        parse_pattern(text)
    except BadOrigin as error:
        instead = error.instead.partition(" ")[0]
    raise BadOrigin(text, FORM, instead)


def is_listed(text: str, origins: Iterable[str]) -> bool:
    """Whether the client's Origin is one that `origins` lists. ValueError as `parse_pattern`."""
    patterns = [parse_pattern(entry) for entry in origins]
    if None in patterns:
        return True
    origin = parse_origin(text)
    return origin is not None and any(pattern.matches(origin) for pattern in patterns if pattern)


# What a program or a command line lists


def check_origins(origins: Iterable[str | None] | None) -> tuple[str, ...] | None:
    """The argument `origins`, each entry checked.

    An entry None, for clients that send no Origin, is left out: they are no browsers, and always
    pass. TypeError unless it is a list of str or None; ValueError for an entry that no browser
    sends.
    """
    if origins is None:
        return None
    if isinstance(origins, str | bytes) or not isinstance(origins, Iterable):
        raise TypeError(f"origins is {origins!r}; use a list of str, such as ['https://a.example']")
    listed = tuple(entry for entry in origins if entry is not None)
    for entry in listed:
        if not isinstance(entry, str):
            use = "use str; all names below a domain are 'https://*.example.com'"
            raise TypeError(f"origins has {entry!r}; {use}")
        parse_pattern(entry)
    return listed


@lru_cache
def parse_pattern(text: str) -> Pattern | None:
    """What an entry of `origins` lets in; None for "*", every page.

    BadOrigin for an entry that no browser's Origin equals; it says what to write instead.
    """
    try:
        return _parse(text)
    except BadOrigin as error:
        if not all(map(is_entry, BETWEEN_ADVICE.split(error.instead))):
            raise BadOrigin(text, error.why, f"{EXAMPLE} or https://*.example.com") from None
        raise


def is_entry(text: str) -> bool:
    """Whether `origins` may list this text."""
    try:
        _parse(text)
    except BadOrigin:
        return False
    return True


def _parse(text: str) -> Pattern | None:
    """The same, but what it says to write instead may be another bad entry."""
    if text == "*":
        return None
    lower = ascii_lower(text)
    if lower == "null":
        return Pattern(Origin(lower, "", None), False)
    if lower.startswith(SCHEMES_WITHOUT_ORIGIN):
        raise BadOrigin(text, "a page with such a URL has no origin of its own", "null")
    check_separators(text)
    scheme, separator, rest = lower.partition("://")
    if not separator:
        raise BadOrigin(text, FORM, _with_scheme(lower))
    authority = AFTER_AUTHORITY.split(rest)[0].rpartition("@")[2]
    if scheme in SCHEMES_OF_PAGES:
        instead = f"{SCHEMES_OF_PAGES[scheme]}://{authority}"
        raise BadOrigin(text, "Origin names the page that connects, not where to", instead)
    if not SCHEME.fullmatch(scheme):
        instead = f"http://{authority} and https://{authority}"
        raise BadOrigin(text, "each scheme is an entry of its own", instead)
    if authority != rest:
        raise BadOrigin(text, FORM, f"{scheme}://{authority}")
    if scheme in DEFAULT_PORTS:
        return _parse_page(text, scheme, authority)
    if not OPAQUE.fullmatch(rest) or "*" in rest or (not rest and scheme.endswith("-extension")):
        raise BadOrigin(text, "an origin is what the browser sends, in ASCII", f"{scheme}://name")
    return Pattern(Origin(scheme, rest, None), False)


def check_separators(text: str) -> None:
    parts = [part for part in BETWEEN.split(text) if part]
    if parts != [text]:
        why = "there are no spaces or commas in it, and each entry is one origin"
        raise BadOrigin(text, f"{FORM}: {why}", " and ".join(parts) or EXAMPLE)


def _with_scheme(text: str) -> str:
    """What may be meant by a text without ://, in lower case."""
    if text.startswith("file:"):
        return "file://"
    name = (
        AFTER_AUTHORITY.split(re.sub(r"^(https?:?(?=/)|https?:)?/*", "", text))[0] or "example.com"
    )
    return f"http://{name}" if re.match(r"localhost\b|[0-9\[]", name) else f"https://{name}"


def _parse_page(text: str, scheme: str, authority: str) -> Pattern:
    """The pattern of http(s)://authority, in lower case."""
    parts = cut_authority(authority)
    if parts is None:
        raise BadOrigin(text, "an IPv6 address is in brackets", f"{scheme}://[2001:db8::1]:8080")
    host, port = parts[0], parts[1] or DEFAULT_PORTS[scheme]
    if not PORT.fullmatch(str(port)) or not 1 <= int(port) <= 65_535:
        why = "a port is a number from 1 to 65535, and each one is an entry of its own"
        raise BadOrigin(text, why, f"{scheme}://{host}:8080")
    domain = host.removeprefix("*.")
    _check_host(text, scheme, domain, subdomains=domain != host)
    origin = Origin(scheme, _one_form(domain) or "", int(port))
    return Pattern(origin, domain != host)


def _check_host(text: str, scheme: str, host: str, subdomains: bool) -> None:
    """ValueError for a host that no browser sends."""
    if not host.isascii():
        raise BadOrigin(text, "browsers send a name in ASCII", f"{scheme}://{_in_ascii(host)}")
    if host.startswith("["):
        if subdomains or _one_form(host) is None:
            raise BadOrigin(text, "that is no IPv6 address", f"{scheme}://[2001:db8::1]")
        return
    name = host.removesuffix(".")
    labels = name.split(".")
    if not NAME.fullmatch(name):
        why = f"{FORM}; a * is only for all names below a domain"
        raise BadOrigin(text, why, f"{scheme}://example.com or {scheme}://*.example.com")
    if NUMBER.fullmatch(labels[-1]) and (subdomains or not _is_ipv4(host)):
        why = "browsers send an IPv4 address as four decimal numbers"
        raise BadOrigin(text, why, f"{scheme}://192.0.2.1")
    if subdomains and len(labels) == 1 and name != "localhost":
        why = "a * for all names of a top-level domain is for strangers too"
        raise BadOrigin(text, why, f"{scheme}://*.example.{name}")


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _in_ascii(host: str) -> str:
    """The name as browsers send it, with xn--; an example if it is no name."""
    try:
        return in_ascii(host)
    except UnicodeError:
        return "xn--bcher-kva.example"
