"""RFC 6455 §7.1.7: the client that breaks rules: a `Trial` of the gallery, an address -> what the
server answers.

It takes a real connection of its own, so that the wire view shows it. `provoke` turns it round: the
server breaks a rule on a connection that is there, and it is the browser that must answer.
"""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ...endpoint.connection import Connection
from ...protocol.authority import join_authority
from ...protocol.client.response import read_response
from ...protocol.close import Close
from ...protocol.close_codes import CloseCode
from ...protocol.errors import ConnectionFailure, InvalidHandshake
from ...protocol.frame import CLOSE, BinaryFile, is_control, read_exactly, read_header
from .violations import Trial

PATIENCE = 3.0
"""Seconds for which the client waits for each piece of the answer."""

PAUSE = 0.02
"""Seconds between two pieces, so that they arrive as two."""

MOST_FRAMES = 100
"""Frames of the answer that are read."""

REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""All addresses of this machine -> the one of them that a client on it can open."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered. `code` None: no Close came. `problem` says what kept the client from its
    work.
    """

    trial: Trial
    status: int | None = None
    code: int | None = None
    reason: str = ""
    messages: int = 0
    problem: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether it is the answer that the RFC asks for."""
        trial = self.trial
        if self.problem or self.status != trial.status:
            return False
        if self.status != HTTPStatus.SWITCHING_PROTOCOLS or (
            trial.may_just_end and self.code is None
        ):
            return True
        return (self.code, self.messages) == (trial.code, trial.messages)

    def as_json(self) -> dict[str, Any]:
        """What the page shows of it."""
        shown = {
            name: getattr(self, name)
            for name in ("status", "code", "reason", "messages", "problem")
        }
        return {**shown, "name": self.trial.name, "as_expected": self.as_expected}


def run(trial: Trial, address: Any, target: str, patience: float = PATIENCE) -> Outcome:
    """Commit the trial against the server that listens on `address`: (host, port, ...) or the path
    of a Unix socket.

    Blocks until it is answered, for a few times `patience` at most. What goes wrong is told in the
    outcome.
    """
    try:
        return talk(trial, address, target, patience, secure=False)
    except InvalidHandshake as error:
        return run_secure(
            trial, address, target, patience, f"no answer of a WebSocket server came: {error}"
        )
    except (OSError, EOFError) as error:
        return Outcome(trial, problem=no_whole_answer(error))


def run_secure(trial: Trial, address: Any, target: str, patience: float, otherwise: str) -> Outcome:
    """The same in TLS, as what came was no HTTP; `otherwise` is the problem where it is no TLS
    either.
    """
    try:
        return talk(trial, address, target, patience, secure=True)
    except (ssl.SSLError, InvalidHandshake):
        return Outcome(trial, problem=otherwise)
    except (OSError, EOFError) as error:
        return Outcome(trial, problem=no_whole_answer(error))


def no_whole_answer(error: Exception) -> str:
    return (
        f"the raw client got no whole answer ({error}); try it again, and look at the server's log"
    )


def talk(trial: Trial, address: Any, target: str, patience: float, secure: bool) -> Outcome:
    with (
        open_socket(address, patience) as plain,
        secured(plain, secure) as sock,
        sock.makefile("rb") as file,
    ):
        sock.sendall(trial.request(target, host_of(address)).to_bytes())
        status = read_response(file).status_code
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            return Outcome(trial, status)
        send_pieces(sock, trial.wire)
        close, messages = read_answer(file, until=trial.messages if trial.code is None else None)
        if close is None:
            return Outcome(trial, status, messages=messages)
        return Outcome(trial, status, close.code, close.reason, messages)


def open_socket(address: Any, patience: float) -> socket.socket:
    if isinstance(address, str):
        return connected(socket.socket(socket.AF_UNIX), address, patience)
    host, port = address[:2]
    sock = socket.create_connection((REACHABLE.get(host, host), port), patience)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connected(sock: socket.socket, path: str, patience: float) -> socket.socket:
    try:
        sock.settimeout(patience)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def secured(sock: socket.socket, secure: bool) -> socket.socket:
    """The socket with TLS around it. Whose certificate it is need not be checked: this server talks
    to itself.
    """
    if not secure:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def host_of(address: Any) -> str:
    """What to say in Host to reach this address."""
    if isinstance(address, str):
        return "localhost"
    return join_authority(REACHABLE.get(address[0], address[0]), address[1])


def send_pieces(sock: socket.socket, pieces: tuple[bytes, ...]) -> None:
    pause = threading.Event()
    for piece in pieces:
        sock.sendall(piece)
        pause.wait(PAUSE if len(pieces) > 1 else 0)


def read_answer(file: BinaryFile, until: int | None) -> tuple[Close | None, int]:
    """The Close of the server and the messages before it; None after `until` messages, or where the
    stream ends.
    """
    messages = 0
    try:
        for _ in range(MOST_FRAMES):
            if messages == until:
                break
            header = read_header(file, masked=False, rsv1_defined=True)
            payload = read_exactly(file, header.payload_length)
            if header.opcode == CLOSE:
                return Close.parse(payload), messages
            messages += header.fin and not is_control(header.opcode)
    except (EOFError, OSError, ConnectionFailure):
        pass  # no Close came: the outcome says so
    return None, messages


# The other way round


def provoke(
    trial: Trial, connection: Connection, ended: threading.Event, patience: float = PATIENCE
) -> Outcome:
    """Send the bytes of a trial to the peer, who must fail the connection (§7.1.7); `ended` is set
    when it has ended.

    §7.1.7 lets a client send a Close or just end TCP; both are right. Blocks for at most
    `patience`.
    """
    for piece in trial.wire:
        connection.send_raw(piece)
    if not ended.wait(patience):
        return Outcome(
            trial, problem="your browser puts up with it, and does not fail the connection"
        )
    code = None if connection.close_code == CloseCode.ABNORMAL_CLOSURE else connection.close_code
    return Outcome(trial, HTTPStatus.SWITCHING_PROTOCOLS, code, connection.close_reason or "")
