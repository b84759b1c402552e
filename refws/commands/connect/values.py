"""Texts of the command line of `connect` -> values, or one line that says what to write instead."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from ...protocol.client.handshake import OWN_HEADERS, added_headers
from ...protocol.client.proxy import parse_proxy
from ...protocol.client.uri import parse_uri
from ...protocol.credentials import CONTROL_CHARACTER, basic_credentials
from ...protocol.http import OWS
from ..logins import BadLogins, others_can_read, read_logins
from ..options import MAX_MESSAGE_SIZE, seconds_or_off, whole_number
from .advice import in_options
from .lines import Action, InputError, Send, parse_line

T = TypeVar("T")


class First(NamedTuple):
    """What is sent before anything is typed, and the option that says so."""

    option: str
    action: Action


PLACE = re.compile(r"(?:wss?:?/*)?(:?[0-9]{2,5}|localhost.*|\[.*|[^/.:]+[.:][^/]+(?:/.*)?)")
"""What is no URI because its beginning is missing or wrong: a port, or a host and what follows."""


def websocket_uri(text: str) -> str:
    place = PLACE.fullmatch(text) if "://" not in text else None
    if place is not None:
        port = re.fullmatch(":?([0-9]+)", place[1])
        uri = f"ws://127.0.0.1:{port[1]}/" if port else f"ws://{place[1]}"
        raise argparse.ArgumentTypeError(
            f"§3: {text!r} has no scheme; expected ws://host/path or wss://host/path: write {uri}"
        )
    return checked(text, lambda: parse_uri(text))


def proxy_url(text: str) -> str:
    return checked(text, lambda: parse_proxy(text))


def header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f'{text!r} is not a header: give it as "Name: value"')
    in_utf_8 = value.strip(OWS).encode("utf-8", "surrogateescape").decode("latin-1")
    line = (name, in_utf_8)  # one character for each byte, as in `Headers`
    return checked(line, lambda: added_headers([line], OWN_HEADERS))


def login(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not colon or not user:
        raise argparse.ArgumentTypeError(
            "it has no user or no colon: write user:password, or --auth-file FILE, which hides it"
        )
    return authorization(user, password)


def login_file(path: str) -> tuple[str, str]:
    try:
        login_of_file = authorization(*read_logins(path)[0])
        if others_can_read(path) and sys.stderr is not None:
            note = "all users of this machine can read"
            print(f"refws: {note} {path!r}; chmod 600 changes that", file=sys.stderr)
    except BadLogins as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except OSError as error:
        raise argparse.ArgumentTypeError(unreadable(path, error)) from None
    return login_of_file


def authorization(user: str, password: str) -> tuple[str, str]:
    if CONTROL_CHARACTER.search(user + password):
        raise argparse.ArgumentTypeError("it has a control character, which no one can send")
    return "Authorization", basic_credentials(user, password)


def typed_line(text: str) -> First:
    try:
        return First("-x", parse_line(text))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def text_file(path: str) -> First:
    try:
        return First("--send-file", Send(contents(path).decode()))
    except UnicodeDecodeError:
        raise argparse.ArgumentTypeError(
            f"{path!r} is not UTF-8, as text must be (§5.6): --binary-file sends any bytes"
        ) from None


def binary_file(path: str) -> First:
    return First("--binary-file", Send(contents(path)))


def contents(path: str) -> bytes:
    try:
        if path == "-" and sys.stdin is not None:
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(unreadable(path, error)) from None


def unreadable(path: str, error: OSError) -> str:
    return f"cannot read {path!r}, {error.strerror}: give a file that you may read"


def message_count(text: str) -> int:
    return whole_number(text, "a number of messages", 1, MAX_MESSAGE_SIZE)


def seconds_or_none(text: str) -> float:
    return seconds_or_off(text) or 0.0


def checked(value: T, check: Callable[[], object]) -> T:
    """The value, if `check` raises no ValueError; otherwise argparse shows the error."""
    try:
        check()
    except ValueError as error:
        raise argparse.ArgumentTypeError(in_options(str(error))) from None
    return value
