"""RFC 6455 §7.1.7: a client that sends any bytes: address, request, chunks -> the server's answer.

A WebSocket client keeps the rules, so it cannot show what a server does when they are broken. This
one sends any bytes; only when it reads the answer does it follow RFC 6455.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .protocol.authority import join_authority
from .protocol.client.response import read_response
from .protocol.close import Close
from .protocol.errors import ConnectionFailure, InvalidHandshake
from .protocol.frame import CLOSE, BinaryFile, is_control, read_exactly, read_header

TIMEOUT = 3.0
"""Seconds to wait for each part of the answer."""

PAUSE = 0.02
"""Seconds between two chunks, so that they arrive one by one."""

MAX_FRAMES = 100
"""The most frames of the answer that are read."""

NO_CERTIFICATE = (
    "this server wants a certificate of each client, and the raw client has none; start the server "
    "without --client-ca"
)

REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""A host that means all addresses of this machine -> one that a client on it can connect to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: the status of its response and, after a 101, messages and a Close.

    `problem` says in words why the answer is not complete.
    """

    status: int | None = None
    close: Close | None = None
    messages: tuple[bytes, ...] = ()
    """The payloads of whole messages, as they were on the wire: none is inflated."""
    problem: str = ""


def exchange(
    address: Any,
    request: bytes,
    chunks: Sequence[bytes] = (),
    max_messages: int | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """The answer to a request and, after a 101, to these chunks, sent one by one.

    `address` is (host, port, ...) or the path of a Unix socket. Reading ends with a Close, with the
    stream, or after `max_messages`. If the answer is not HTTP, the same is tried over TLS. Raises
    nothing: errors are in `problem`. Blocks for at most `timeout` seconds for each part.
    """
    try:
        return talk(address, request, chunks, max_messages, timeout, secure=False)
    except InvalidHandshake as error:
        not_http = error
    except (OSError, EOFError) as error:
        return incomplete(error)
    try:
        return talk(address, request, chunks, max_messages, timeout, secure=True)
    except (ssl.SSLError, InvalidHandshake) as error:
        if "CERTIFICATE_REQUIRED" in str(getattr(error, "reason", "")):
            return Answer(problem=NO_CERTIFICATE)
        return Answer(problem=f"the answer is not from a WebSocket server: {not_http}")
    except (OSError, EOFError) as error:
        return incomplete(error)


def incomplete(error: Exception) -> Answer:
    words = f"the raw client got no whole answer ({error}); try again, and look at the server's log"
    return Answer(problem=words)


def talk(
    address: Any,
    request: bytes,
    chunks: Sequence[bytes],
    max_messages: int | None,
    timeout: float,
    secure: bool,
) -> Answer:
    """`exchange` over TCP or TLS; OSError, EOFError or InvalidHandshake for no whole answer."""
    with (
        open_socket(address, timeout) as plain,
        secured(plain, secure) as sock,
        sock.makefile("rb") as file,
    ):
        sock.sendall(request)
        status = read_response(file).status_code
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            return Answer(status)
        send_chunks(sock, chunks)
        return Answer(status, *read_answer(file, max_messages))


def open_socket(address: Any, timeout: float) -> socket.socket:
    if isinstance(address, str):
        return connected(socket.socket(socket.AF_UNIX), address, timeout)
    host, port = address[:2]
    sock = socket.create_connection((REACHABLE.get(host, host), port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connected(sock: socket.socket, path: str, timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def secured(sock: socket.socket, secure: bool) -> socket.socket:
    """The socket, with TLS if `secure`.

    The certificate is not checked, because this client sends no secret and trusts no answer.
    """
    if not secure:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def host_of(address: Any) -> str:
    """The value of Host for this address."""
    if isinstance(address, str):
        return "localhost"
    return join_authority(REACHABLE.get(address[0], address[0]), address[1])


def send_chunks(sock: socket.socket, chunks: Sequence[bytes]) -> None:
    pause = threading.Event()
    for chunk in chunks:
        sock.sendall(chunk)
        pause.wait(PAUSE if len(chunks) > 1 else 0)


def read_answer(
    file: BinaryFile, max_messages: int | None
) -> tuple[Close | None, tuple[bytes, ...]]:
    """The server's Close, or None if there is none, and the messages before it."""
    messages: list[bytes] = []
    fragments = b""
    try:
        for _ in range(MAX_FRAMES):
            if len(messages) == max_messages:
                break
            header = read_header(file, masked=False, rsv1_defined=True)
            payload = read_exactly(file, header.payload_length)
            if header.opcode == CLOSE:
                return Close.parse(payload), tuple(messages)
            if not is_control(header.opcode):
                fragments += payload
            if header.fin and not is_control(header.opcode):
                messages.append(fragments)
                fragments = b""
    except (EOFError, OSError, ConnectionFailure):
        pass  # A missing Close is an answer, too: the caller judges it.
    return None, tuple(messages)
