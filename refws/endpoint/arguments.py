"""Arguments of `serve` and `connect`, checked when they are given, before any socket is opened.

Else a wrong one would be noticed at the first connection, by a thread that no one looks at. Each
error says what to use. Limits and times are in settings.py; lists, URIs and headers in protocol/.
"""

from __future__ import annotations

import os
import socket
import ssl as tls
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from inspect import iscoroutinefunction, isgeneratorfunction
from typing import Any

from ..protocol.frame import Side
from ..protocol.http import HeadersLike, field_lines

WRONG_CONTEXT = {Side.SERVER: tls.PROTOCOL_TLS_CLIENT, Side.CLIENT: tls.PROTOCOL_TLS_SERVER}
"""Contexts that are for the other side only."""

MAX_PORT = 65_535


def check_function(name: str, function: object) -> None:
    """TypeError unless it can be called, and then runs: nothing here would await a coroutine."""
    if not callable(function):
        raise TypeError(f"{name} is {function!r}; use a function")
    if iscoroutinefunction(function) or isgeneratorfunction(function):
        use = "use def without async and yield: each connection has a thread"
        raise TypeError(f"{name} would only make a coroutine or generator; {use}")


def check_optional_function(name: str, function: Callable[..., Any] | None) -> None:
    if function is not None:
        check_function(name, function)


def check_text(name: str, text: object, optional: bool = True) -> None:
    if not isinstance(text, str) and not (optional and text is None):
        raise TypeError(f"{name} is {text!r}; use a str{' or None' if optional else ''}")


def check_context(context: object, side: Side) -> None:
    """TypeError unless it is a TLS context or None; ValueError for one of the other side."""
    if context is None:
        return
    if not isinstance(context, tls.SSLContext):
        raise TypeError(f"ssl is {context!r}; use an ssl.SSLContext or None")
    if context.protocol is WRONG_CONTEXT[side]:
        use = f"ssl.SSLContext(ssl.PROTOCOL_TLS_{side.name})"
        raise ValueError(f"ssl is a context for a {side.peer.name.lower()}; use {use}")


def path_of(unix_path: str | os.PathLike[str] | None) -> str | None:
    """The path of a Unix socket as a str. TypeError for what is no path, ValueError if empty."""
    if unix_path is None:
        return None
    if not isinstance(unix_path, str | os.PathLike):
        raise TypeError(f"unix_path is {unix_path!r}; use a path as str, or None")
    path = os.fsdecode(unix_path)
    if not path:
        raise ValueError("unix_path is empty; use a path, or None for TCP")
    return path


def check_connected(sock: object, **others: object) -> None:
    """TypeError or ValueError unless it is None, or a connected socket without another way."""
    if sock is None:
        return
    if not isinstance(sock, socket.socket):
        raise TypeError(f"sock is {sock!r}; use a connected socket, or None")
    for name, other in others.items():
        if other is not None:
            raise ValueError(f"sock is a connection already; leave {name} out")
    try:
        sock.getpeername()
    except OSError:
        raise ValueError("sock is not connected; call its connect(), or leave it out") from None


def check_proxy(proxy: object, unix_path: object) -> None:
    """TypeError for what is no URL, True or None; ValueError for one on the way to a Unix socket.

    True only asks the environment.
    """
    if not isinstance(proxy, str) and proxy is not True and proxy is not None:
        use = "a str, True for the proxy of the environment, or None for no proxy"
        raise TypeError(f"proxy is {proxy!r}; use {use}")
    if unix_path is not None and isinstance(proxy, str):
        raise ValueError("unix_path leads to the server itself; leave proxy out")


def check_path(path: object) -> None:
    """TypeError for the path None, which would mean TCP to `serve` and `connect`."""
    if path is None:
        raise TypeError("path is None; use the path of a Unix socket, or serve and connect for TCP")


def kinds_of(line: object) -> str:
    """What kinds of values are there, not which: a header may have a secret."""
    if isinstance(line, tuple | list):
        return f"({', '.join(type(part).__name__ for part in line)})"
    return type(line).__name__


def header_lines(headers: HeadersLike | None) -> tuple[tuple[str, str], ...]:
    """The lines of `additional_headers`, () for None. TypeError unless names and values are str."""
    use = "a dict of str to str, or pairs of str"
    if headers is not None and not isinstance(headers, Iterable):
        raise TypeError(f"additional_headers is of type {kinds_of(headers)}; use {use}")
    lines = tuple(field_lines(headers or ()))
    for line in lines:
        if not isinstance(line, tuple | list) or [type(part) for part in line] != [str, str]:
            raise TypeError(f"additional_headers has {kinds_of(line)}; use {use}")
    return lines


def check_address(host: object, port: object) -> None:
    """TypeError or ValueError unless they are hosts to listen on, or None, and a port."""
    if isinstance(host, Sequence) and not isinstance(host, str | bytes):
        if not host:
            raise ValueError(
                f"host is {host!r}; use a str for each host, or None for all addresses"
            )
        for each in host:
            check_text("each host of the list", each, optional=False)
    else:
        check_text("host", host)
    if port is None:
        return
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"port is {port!r}; use an int, 0 or None for any free port")
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"port is {port}; use 0 to {MAX_PORT}, 0 for any free port")


def check_listening(sock: object, unix_path: object) -> None:
    """TypeError or ValueError unless it is None, or a socket that listens without another way."""
    if sock is None:
        return
    if not isinstance(sock, socket.socket):
        raise TypeError(f"sock is {sock!r}; use a listening socket, or None")
    if unix_path is not None:
        raise ValueError("sock listens already; leave unix_path out")
    with suppress(OSError, AttributeError):  # not every system can say it
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ValueError("sock does not listen; use socket.create_server, or call its listen()")
