"""RFC 7617: a file with a line user:password for each user -> a `process_request`, or the logins.

It is the file of `serve --auth`, and of `connect --auth-file`.

A password in a file stays out of the list of processes, which every user of a machine can read.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from logging import getLogger

from ..endpoint.basic_auth import basic_auth
from ..endpoint.server_handshake import ProcessRequest
from ..protocol.credentials import CONTROL_CHARACTER

LOGGER = getLogger("refws")

REALM = "refws"
"""What a browser says that the login is for."""

HASH = re.compile(r"\$(?:apr1|2[abxy]?|[156y])\$|\{S?SHA\}")
"""How the passwords in a file of htpasswd begin."""


class BadLogins(ValueError):
    """The file has no logins that can be used; the message names file and line, and what to do."""


def login_from(path: str) -> ProcessRequest:
    """For `process_request`: lets in the users of this file. BadLogins if it cannot be used."""
    try:
        process = basic_auth(REALM, read_logins(path))
        if others_can_read(path):
            LOGGER.warning("all users of this machine can read %r; chmod 600 changes that", path)
    except BadLogins as error:
        raise BadLogins(f"--auth {error}") from None
    except OSError as error:
        raise BadLogins(
            f"cannot read {path!r}, {error.strerror}: give --auth a file that you may read"
        ) from None
    return process


def read_logins(path: str) -> list[tuple[str, str]]:
    """The pairs (user, password) in the file, in order. OSError if it cannot be read.

    BadLogins repeats no line, because it may be a password.
    """
    logins: dict[str, str] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                login = parse_line(line.removeprefix(BOM_UTF8) if number == 1 else line)
                if login is not None and login[0] in logins:
                    raise BadLogins("a user who has a line already; give each user one")
            except BadLogins as error:
                raise BadLogins(f"{path!r}, line {number}: {error}") from None
            logins.update([login] if login is not None else [])
    if not logins:
        raise BadLogins(f"{path!r} has no user: write a line user:password for each")
    return list(logins.items())


def parse_line(octets: bytes) -> tuple[str, str] | None:
    """(user, password); None for a comment and for a blank line.

    The password is all that follows the first colon, up to the end of the line.
    """
    try:
        line = octets.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadLogins("it is not UTF-8; save the file as UTF-8") from None
    if not line.strip() or line.startswith("#"):
        return None
    user, colon, password = line.partition(":")
    if not colon:
        raise BadLogins("there is no colon; write user:password, or begin a comment with #")
    if not user or user != user.strip():
        raise BadLogins("no user name, or one with space around it; write user:password")
    if CONTROL_CHARACTER.search(line):
        raise BadLogins("a control character, which no client can send; leave it out")
    if HASH.match(password):
        raise BadLogins("this looks like a hash of htpasswd; write the password itself")
    return user, password


def others_can_read(path: str) -> bool:
    """Whether all users of this machine may read the file. OSError if there is none."""
    return os.name == "posix" and bool(os.stat(path).st_mode & stat.S_IROTH)
