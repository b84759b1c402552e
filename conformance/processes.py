"""Child processes that never outlive the run, and the one place where a run waits for Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType

TERMINATE_S = 5.0
POLL_S = 0.1

_interrupted = False


class CommandFailed(Exception):
    """A command ended with an error or took too long; says what it has printed last."""


def hear_signals() -> None:
    """Let SIGINT and SIGTERM end the next `pause` with KeyboardInterrupt.

    They end nothing else, so no process is started and then lost.
    """
    signal.signal(signal.SIGINT, _note_signal)
    signal.signal(signal.SIGTERM, _note_signal)


def _note_signal(number: int, frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True


def pause() -> None:
    """Wait. KeyboardInterrupt, once, after a signal."""
    global _interrupted
    time.sleep(POLL_S)
    if _interrupted:
        _interrupted = False
        raise KeyboardInterrupt


class Process:
    """A command in a session of its own, its output in a log file; a `with` block ends both."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, *, directory: Path | None = None
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                list(map(str, command)),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def status(self) -> int | None:
        """The exit status (minus the signal's number after a signal), None while it runs."""
        return self._popen.poll()

    def stop(self) -> None:
        """Ask the whole session to end, and kill it after 5 s."""
        self._signal(signal.SIGTERM)
        try:
            self._popen.wait(TERMINATE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._popen.wait()

    def _signal(self, number: int) -> None:
        if self.status is None:  # until then no other process can have this id
            os.killpg(self._popen.pid, number)

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log, indented."""
        text = self.log.read_text("utf-8", "replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in text) or "    (it printed nothing)"


def run(command: Sequence[str | Path], log: Path, timeout: float) -> None:
    """Run the command to its end, at most `timeout` seconds. CommandFailed."""
    deadline = time.monotonic() + timeout
    with Process(command, log) as process:
        while process.status is None and time.monotonic() < deadline:
            pause()
        if process.status != 0:
            what = (
                f"took more than {timeout:.0f} s"
                if process.status is None
                else f"ended with {process.status}"
            )
            raise CommandFailed(f"{' '.join(map(str, command))} {what}:\n{process.tail()}")


def wait_for_end(process: Process, timeout: float) -> None:
    """Return when the process has ended, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while process.status is None and time.monotonic() < deadline:
        pause()


def free_port() -> int:
    """A port below the ones that systems give to clients, so that none of these takes it."""
    while True:
        port = random.randrange(10_000, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_for_port(server: Process, port: int, timeout: float) -> None:
    """Return when the server accepts connections. CommandFailed if it ends or takes too long."""
    deadline = time.monotonic() + timeout
    while not _accepts(port):
        if server.status is not None:
            raise CommandFailed(
                f"the server ended with status {server.status} before it listened:\n{server.tail()}"
            )
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"the server does not listen on port {port} after {timeout:.0f} s:\n{server.tail()}"
            )
        pause()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
