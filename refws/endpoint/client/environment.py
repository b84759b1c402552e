"""RFC 6455 §4.1 item 3: which proxy the environment names for a URI, as for other programs.

`https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in either case; on Windows and macOS also
what the system's settings say. `no_proxy` lists names with all names below them (example.com, or
.example.com, or *.example.com), addresses, and networks such as 10.0.0.0/8, each of the first two
perhaps with a port; * is for every host. Commas or spaces are between them, as curl has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

from ...protocol.authority import join_authority
from ...protocol.client.proxy import Proxy, parse_proxy
from ...protocol.client.uri import InvalidURI, WebSocketURI
from ...protocol.http import ascii_lower

NAMES = {"ws": ("ws", "https", "http", "all"), "wss": ("wss", "https", "all")}
"""In which order variables are asked, without their `_proxy`. §4.1 item 3 prefers the proxy for
HTTPS, because it makes tunnels; the one for HTTP alone is not for URIs with TLS."""


def choose_proxy(proxy: str | Literal[True] | None, uri: WebSocketURI, known: bool) -> Proxy | None:
    """The proxy for the argument `proxy` of `connect`; True asks the environment.

    `known` says that another argument leads to the server. InvalidURI for one that cannot be used.
    """
    if proxy is True:
        return None if known else proxy_of_environment(uri)
    return None if proxy is None else parse_proxy(proxy)


def proxy_of_environment(uri: WebSocketURI) -> Proxy | None:
    """The proxy, None if there is none for this URI. InvalidURI names the variable."""
    from urllib.request import getproxies, proxy_bypass  # it takes a while; few need it

    proxies = getproxies()
    host = uri.host.removesuffix(".")  # no_proxy has names without it
    place, entries = join_authority(host, uri.port), proxies.get("no", "").replace(",", " ").split()
    named = any(covers(entry, host) or covers(entry, place) for entry in entries)
    if named or is_in_networks(host, entries) or proxy_bypass(place):
        return None
    for name in NAMES[uri.scheme]:
        if text := proxies.get(name, "").strip():  # a line of an env file may end in CR LF
            return parse_variable(f"{name}_proxy", text)
    return None


def covers(entry: str, place: str) -> bool:
    """Whether an entry of `no_proxy` is this host, with its port or without, or a name above it."""
    name = ascii_lower(entry.removeprefix("*").strip("."))
    return entry == "*" or f".{place}".endswith(f".{name}")


def is_in_networks(host: str, entries: list[str]) -> bool:
    """Whether entries of `no_proxy` list an address, perhaps with its network."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks_of(entries))


def networks_of(entries: list[str]) -> Iterator[IPv4Network | IPv6Network]:
    for entry in entries:
        with suppress(ValueError):  # a name
            yield ip_network(entry.strip("[]"), strict=False)


def parse_variable(name: str, text: str) -> Proxy:
    """The proxy that a variable names; host:port without a scheme counts as http://host:port."""
    try:
        return parse_proxy(text if "://" in text else f"http://{text}")
    except InvalidURI as error:
        seen = f"{error.seen} in {name} of the environment"
        raise InvalidURI(error.section, seen, error.expected) from None
