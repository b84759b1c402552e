"""The servers to measure: our own, the ones to compare with, and any from the command line."""

import argparse
import dataclasses
import shlex
import sys

from scripts.bench.load import Scenario
from scripts.shared import client_wire as wire
from scripts.shared import server_process

BARE = "bare"
REFWS, REFWS_6 = "refws", "refws-6"
WEBSOCKETS = "websockets"
TAKEN = (BARE, REFWS, REFWS_6, WEBSOCKETS)


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a server listens; `command` starts it, and is None if it was started elsewhere."""

    name: str
    host: str
    port: int
    path: str
    command: tuple[str, ...] | None

    def path_for(self, scenario: Scenario) -> str:
        return self.path.format(opcode=scenario.opcode, payload_length=scenario.payload_length)


def bare_server() -> Server:
    command = (sys.executable, "-m", "scripts.bench.bare_loop", "{port}")
    return Server(
        BARE, server_process.HOST, server_process.free_port(), "/{opcode}/{payload_length}", command
    )


def refws_server() -> Server:
    command = server_process.refws_command("--max-message-size", str(2 * 1024 * 1024))
    return Server(REFWS, server_process.HOST, server_process.free_port(), "/echo", tuple(command))


def deflate_servers() -> list[Server]:
    """refws with its own level and with that of `websockets`; `websockets`. PeerUnavailable."""
    port = server_process.free_port()
    python, *program = peer_command(WEBSOCKETS, port)
    commands = {
        REFWS: (python, *server_process.refws_command("--deflate")[1:]),
        REFWS_6: (python, "-m", "scripts.bench.deflate_echo", "{port}", "6"),
    }
    ours = [
        Server(name, server_process.HOST, server_process.free_port(), "/echo", command)
        for name, command in commands.items()
    ]
    return [*ours, Server(WEBSOCKETS, server_process.HOST, port, "/echo", (python, *program))]


class PeerUnavailable(Exception):
    """The package to compare with cannot be installed here; the text says what to do."""


def peer_command(name: str, port: int) -> list[str]:
    """The command of a peer's echo server, in an environment that is made on the first call."""
    sys.path.insert(0, str(server_process.ROOT / "conformance"))
    import environment
    import peers

    try:
        server = next(peer for peer in peers.PEERS if peer.name == name).server()
    except environment.Unavailable as error:
        raise PeerUnavailable(f"{name} is not available: {error}") from error
    return [str(word) for word in server.command(port)]


def parse_server(text: str) -> Server:
    """NAME=ws://HOST:PORT/PATH, or NAME=COMMAND with {port} for the port of its endpoint /echo."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise argparse.ArgumentTypeError(
            f"{text!r}: write NAME=ws://HOST:PORT/PATH or NAME=COMMAND with {{port}}"
        )
    if name in TAKEN:
        raise argparse.ArgumentTypeError(
            f"{text!r}: write another name, as this script uses {', '.join(TAKEN)} itself"
        )
    if value.startswith("ws:"):
        return Server(name, *wire.parse_address(value), command=None)
    if "{port}" not in value:
        raise argparse.ArgumentTypeError(
            f"{text!r}: the command needs {{port}} where the port number goes"
        )
    return Server(
        name, server_process.HOST, server_process.free_port(), "/echo", tuple(shlex.split(value))
    )
