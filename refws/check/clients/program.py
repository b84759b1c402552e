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
from tempfile import TemporaryFile
from typing import IO

URL = "{url}"

MAX_OUTPUT = 16 * 1024
"""Bytes at the end of what a command prints that are kept."""


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


@dataclass(frozen=True, slots=True)
class Program:
    """A running command."""

    process: subprocess.Popen[bytes]
    printed: IO[bytes]

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
        """The end of what it has printed."""
        size = self.printed.seek(0, os.SEEK_END)
        self.printed.seek(max(0, size - MAX_OUTPUT))
        return self.printed.read().decode("utf-8", "replace")


@contextmanager
def started(words: list[str], url: str) -> Iterator[Program]:
    """The command with this URL, killed at the end. BadCommand if it cannot be started."""
    command = [word.replace(URL, url) for word in words]
    with TemporaryFile() as printed:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            what = f"{command[0]!r} cannot be started: {error.strerror}"
            raise BadCommand(f"{what}; give the path of a program that can be run") from None
        try:
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
