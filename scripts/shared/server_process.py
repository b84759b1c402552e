"""A server as a process of its own: started on a free port of 127.0.0.1, and always stopped."""

import contextlib
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import BinaryIO

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_TIMEOUT_S = 15
STOP_TIMEOUT_S = 10


class ServerFailed(Exception):
    """The server did not start or ended by itself; the text has the end of its output."""


def free_port() -> int:
    """A port below the ones that systems give to clients, so that none of these takes it."""
    while True:
        port = random.randrange(10_000, 32_768)
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port


def refws_command(*options: str) -> list[str]:
    """How refws is started here; {port} is filled in later."""
    return [
        sys.executable,
        "-m",
        "refws",
        "--host",
        HOST,
        "--port",
        "{port}",
        "--log-level",
        "warning",
        *options,
    ]


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once it accepts connections; ServerFailed if it does not within 15 s."""
    arguments = [argument.replace("{port}", str(port)) for argument in command]
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise ServerFailed(
                f"cannot start {arguments[0]}: {error.strerror}; check the command"
            ) from error
        try:
            wait_until_accepting(process, port, output)
            yield process
        finally:
            stop(process)


def wait_until_accepting(process: subprocess.Popen[bytes], port: int, output: BinaryIO) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(
                f"the server ended with status {process.returncode}:\n{last_words(output)}"
            )
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port), 1).close()
            return
        time.sleep(0.02)
    raise ServerFailed(
        f"nothing accepts on port {port} after {START_TIMEOUT_S} s:\n{last_words(output)}"
    )


def last_words(output: BinaryIO) -> str:
    output.seek(0)
    return output.read()[-2000:].decode(errors="backslashreplace").strip()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process: SIGTERM, then, 10 s later, SIGKILL."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_on_sigterm() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that no server keeps running."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
