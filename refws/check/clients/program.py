"""A command that is a client under test: started once for each case, with the URL of the case.

    --command 'node client.js {url}'

The command is cut into words like a shell does it, but no shell runs it. It may end when it wants;
after its case it is killed, with all processes that it has started.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO

URL = "{url}"

MAX_OUTPUT = 16 * 1024
"""Bytes at the end of what a command prints that are kept."""

READ_SIZE = 64 * 1024

LAST_WORDS = 5.0
"""Seconds after its end for which what it has printed is awaited."""


class BadCommand(ValueError):
    """A command that cannot be started; the message says what to do."""


def words_of(command: str) -> list[str]:
    """The words of the command. BadCommand if there are none, or if no word has {url}."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadCommand(f"{command!r}: {error}; put quotes in pairs") from None
    if not any(URL in word for word in words[1:]):
        example = f"'python3 client.py {URL}'"
        raise BadCommand(f"{command!r} has no {URL} after its first word; write it as {example}")
    return words


class Printed(Thread):
    """Reads what a command prints, and keeps the end: a file would fill the disk.

    It ends with the last process that may print there, so it is never waited for without a limit.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(name="check output", daemon=True)
        self._pipe = pipe
        self.end = b""  # written by this thread, each time another value

    def run(self) -> None:
        with self._pipe:
            while data := os.read(self._pipe.fileno(), READ_SIZE):
                self.end = (self.end + data)[-MAX_OUTPUT:]


@dataclass(frozen=True, slots=True)
class Program:
    """A running command."""

    process: subprocess.Popen[bytes]
    printed: Printed

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self.process.poll()

    def wait(self, seconds: float) -> bool:
        """Whether it ends within that time."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.status is not None

    def output(self) -> str:
        """The end of what it has printed, once it has ended. Blocks for LAST_WORDS at most."""
        self.printed.join(LAST_WORDS)
        return self.printed.end.decode("utf-8", "replace")


@contextmanager
def started(words: list[str], url: str) -> Iterator[Program]:
    """The command with this URL, killed at the end. BadCommand if it cannot be started."""
    command = [word.replace(URL, url) for word in words]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        what = f"{command[0]!r} cannot be started: {error.strerror}"
        raise BadCommand(f"{what}; give the path of a program that can be run") from None
    assert process.stdout is not None
    printed = Printed(process.stdout)
    try:
        printed.start()
        yield Program(process, printed)
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it has started, which are a group of processes of their own."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
