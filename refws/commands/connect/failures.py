"""Why there is no connection -> one line that says what to do, then the server's answer."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

from ...course.text.characters import count
from ...endpoint.client.environment import proxy_of_environment
from ...protocol.authority import join_authority
from ...protocol.client.proxy import parse_proxy
from ...protocol.client.uri import InvalidURI, parse_uri
from ...protocol.errors import InvalidHandshake
from ...protocol.heads import IncompleteHead
from ...protocol.http import Response
from .advice import in_options

ADVICE = {
    errno.ECONNREFUSED: "nothing listens there; start the server, or check host and port",
    errno.ECONNRESET: (
        "the server ended the connection, or something in between; its log may say why"
    ),
    errno.EPIPE: "the server ended the connection, or something in between; its log may say why",
    errno.ENETUNREACH: "no route leads there; check the host, and the network of this machine",
    errno.EHOSTUNREACH: "no route leads there; check the host, and the network of this machine",
    errno.ETIMEDOUT: "nothing answers there; check host and port, and the firewalls in between",
    errno.ENOENT: "nothing is there; start the server, or check the path",
    errno.EACCES: "it belongs to another user; ask for the right to use it",
}

NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH)

MAX_LINES = 40
"""Lines of a body that are shown."""

MAX_LINE_LENGTH = 1000
"""Characters of each line that are shown: what a refusal of refws says to type is never cut."""


def describe_failure(
    error: InvalidHandshake | OSError, options: argparse.Namespace
) -> Iterator[str]:
    """One line for each reason, and the server's answer if there is one."""
    if not isinstance(error, InvalidHandshake):
        yield f"refws: {what_to_do(error, options)}"
        return
    reasons = in_options(str(error)).splitlines()
    if isinstance(error, IncompleteHead):
        reasons = [f"{error}: {of_a_lost_answer(options)}"]
    yield from (f"refws: no WebSocket connection: {reason}" for reason in reasons)
    response = getattr(error, "response", None)
    if isinstance(response, Response):
        reason = response.reason_phrase.encode("ascii", "backslashreplace").decode()
        yield f"The server's answer: {response.version} {response.status_code} {reason}"
        yield from body_lines(response.body)


def of_a_lost_answer(options: argparse.Namespace) -> str:
    """What to do if TCP ends in place of an answer, as it does if a client does not begin TLS."""
    if options.proxy is not None:
        return "check host and port of the proxy; its log may say why"
    if parse_uri(options.uri).secure:
        return "the server's log may say why"
    return "the server's log may say why; if that port speaks TLS, write wss://"


def body_lines(body: bytes) -> Iterator[str]:
    """The start of a body, each line after a bar, so that no line looks like one of refws."""
    lines = body.decode(errors="replace").splitlines()
    yield from (f"  | {line[:MAX_LINE_LENGTH]}" for line in lines[:MAX_LINES])
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_LENGTH for line in lines):
        yield f"  and more, {count(len(body))} in all"


def what_to_do(error: OSError, options: argparse.Namespace) -> str:
    """One line: the place that could not be reached, the reason, and what to do."""
    return of_the_reason(error, options) + of_a_proxy(error, options)


def of_a_proxy(error: OSError, options: argparse.Namespace) -> str:
    """The proxy that the environment names, if no way leads to the server without one."""
    no_way = isinstance(error, socket.gaierror | TimeoutError) or error.errno in NO_WAY
    if not no_way or options.proxy or options.unix or options.resolve:
        return ""
    with suppress(InvalidURI):
        if proxy := proxy_of_environment(parse_uri(options.uri)):
            named = join_authority(proxy.host, proxy.port)
            return f"; the environment names the proxy {named}, which --proxy URL uses"
    return ""


def of_the_reason(error: OSError, options: argparse.Namespace) -> str:
    where = place(options)
    if isinstance(error, socket.gaierror):
        return f"no address found for {where}: check the name, and the network of this machine"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {where}: {in_options(error.strerror or str(error))}"
    if not error.errno:
        shorter = "; use a shorter path" if "path too long" in str(error) else ""
        return f"cannot connect to {where}: {error}{shorter}"
    advice = ADVICE.get(error.errno, "check the URI and the options")
    if options.unix:
        advice = advice.replace("host and port", "the path")
    return f"cannot connect to {where}, {os.strerror(error.errno)}: {advice}"


def place(options: argparse.Namespace) -> str:
    """The place that TCP connects to; a proxy is named without its password."""
    if options.unix:
        return f"Unix socket {options.unix!r}"
    if options.proxy:
        proxy = parse_proxy(options.proxy)
        return f"proxy {proxy.host} port {proxy.port}"
    return parse_uri(options.uri).authority
