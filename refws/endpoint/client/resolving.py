"""RFC 6455 §4.1 item 2: the name of a server or proxy -> its addresses, before the deadline."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any

from ...protocol.client.proxy import Proxy
from ...protocol.client.uri import WebSocketURI
from .connecting import Deadline, Place, slot_at


def resolve(
    uri: WebSocketURI, unix_path: str | None, proxy: Proxy | None, deadline: Deadline
) -> list[Place]:
    """Each place to connect to: the Unix socket, or the addresses of the proxy or the server.

    OSError for a name that has none, TimeoutError at the deadline.
    """
    if unix_path is not None:
        return [Place(socket.AF_UNIX, unix_path, slot_at(unix_path))]
    host, port = uri.address if proxy is None else (proxy.host, proxy.port)
    found = dict.fromkeys((family, address) for family, *_, address in ask(host, port, deadline))
    return interleaved(
        [
            Place(family, address, slot_at(address) if proxy is None else None)
            for family, address in found
        ]
    )


def interleaved(places: list[Place]) -> list[Place]:
    """RFC 8305 §4: the families take turns, so that one that leads nowhere delays only once."""
    first = [place for place in places if place.family == places[0].family]
    second = [place for place in places if place.family != places[0].family]
    pairs = zip_longest(first, second)
    return [place for pair in pairs for place in pair if place is not None]


def ask(host: str, port: int, deadline: Deadline) -> list[Any]:
    """The answer of `getaddrinfo`, which cannot be interrupted, but need not be waited for.

    It runs in a thread that keeps no process from ending. An IP address needs no resolver.
    """
    if is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: list[list[Any] | BaseException] = []

    def look_up() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:
            answers.append(error)

    what = f"finding the addresses of {host}"
    thread = threading.Thread(target=look_up, name=f"refws-resolver {host}", daemon=True)
    thread.start()
    thread.join(deadline.remaining(what))
    if not answers:
        raise deadline.passed(what)
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
