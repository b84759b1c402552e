"""RFC 6455 §7.4: messages and the end -> lines in a terminal or a pipe, which no peer can forge.

`Screen` is a terminal: it has a prompt, and shows messages above it. `Pipe` is for programs:
standard output has only messages, so that a program can read them.
"""

from __future__ import annotations

import re
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from types import ModuleType
from typing import IO, AnyStr, TextIO

from ...course.text.characters import count, escape_words
from ...endpoint.exceptions import OK_CODES, ConnectionClosed
from ...protocol.close_codes import LIBRARY_AND_PRIVATE, CloseCode
from .advice import in_options
from .json_text import indented
from .output import Form, as_line

FIRST_PRIVATE = 4000


NO_LENGTH = re.compile(r"\b[0-9]{10,} bytes")
"""What no message has: bytes that were read as a length, and are none."""


TEXT_SHOWN = 1000
"""Characters of a message that a terminal shows."""


BYTES_SHOWN = 250
"""Bytes of a binary message that a terminal shows."""


LINES_SHOWN = 100
"""Lines of JSON that a terminal shows."""


def message_lines(message: str | bytes) -> list[str]:
    """What a terminal shows of a message: one line, or JSON with a line for each member."""
    members = indented(message) if isinstance(message, str) else None
    if members is None or not isinstance(message, str):
        return [describe_message(message)]
    more = ["  ... and more"] if len(members) > LINES_SHOWN else []
    shown = [f"  {line}" for line in members[:LINES_SHOWN]]
    return [f"< text, {count(len(message.encode()))}, JSON:", *shown, *more]


def describe_message(message: str | bytes) -> str:
    """Type, size and the start of the payload, in one line."""
    if isinstance(message, str):
        shown, more = message[:TEXT_SHOWN], len(message) > TEXT_SHOWN
        kind, size = "text", len(message.encode())
    else:
        shown, more = message[:BYTES_SHOWN].hex(" "), len(message) > BYTES_SHOWN
        kind, size = "binary", len(message)
    return f"< {kind}, {count(size)}: {shown}".rstrip(" ") + (" ... and more" if more else "")


def describe_pong(data: str | None, seconds: float) -> str:
    after = f"< pong after {seconds * 1000:.1f} ms"
    return after if data is None else f"{after}: {data}"


def describe_code(code: int) -> str:
    """The code and what it means (§7.4)."""
    if code in tuple(CloseCode):
        return f"{code} ({CloseCode(code).meaning})"
    whose = "the application" if code >= FIRST_PRIVATE else "a library"
    return f"{code} (a code of {whose}, §7.4.2)" if code in LIBRARY_AND_PRIVATE else str(code)


def describe_end(end: ConnectionClosed, asked: int | None, hint: str = "") -> list[str]:
    """How the connection ended, and why. `asked` is the code that we closed it with, or None.

    `hint` says what a mistake of the server looks like; a limit is not to blame then.
    """
    if end.rcvd is not None:
        how, code, why = (
            "closed" if asked else "closed by the server",
            end.rcvd.code,
            end.rcvd.reason,
        )
    elif end.sent is not None and end.sent.code != asked:
        how, code, why = "failed", end.sent.code, in_options(end.cause or end.sent.reason)
        if hint:
            why = why.partition(", or a higher --max-message-size")[0]
        elif code == CloseCode.MESSAGE_TOO_BIG and not ("--" in why or NO_LENGTH.search(why)):
            why += "; --max-message-size raises the limit"
    else:
        how, code, why = (
            "ended",
            CloseCode.ABNORMAL_CLOSURE,
            end.cause or "the server's log may say why",
        )
    reasons = [f"reason: {why}"] if why else []
    hints = [f"hint: {hint}"] if hint and end.rcvd is None else []
    return [f"{how} with {describe_code(code)}", *reasons, *hints]


def ended_well(end: ConnectionClosed, asked: int | None) -> bool:
    """Whether the peer sent a Close with a code for success, or with the code that we sent."""
    return end.rcvd is not None and end.rcvd.code in {*OK_CODES, asked}


class Display(ABC):
    """Reads the user's lines and shows what arrives. Any thread may call the show methods."""

    failure: OSError | None = None
    """Why output failed. It is not raised, because the thread that writes may have to go on."""

    had_input_error = False
    """Whether a line in a pipe could not be obeyed; at a terminal the user can correct it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @abstractmethod
    def read_line(self) -> str | None:
        """The next line, None at the end of the input. OSError if it cannot be read."""

    @abstractmethod
    def show_message(self, message: str | bytes) -> None:
        """Show a message of the peer."""

    @abstractmethod
    def show(self, line: str) -> None:
        """Show a line about anything else."""

    @abstractmethod
    def show_input_error(self, text: str) -> None:
        """Show why nothing was sent for a line."""

    @abstractmethod
    def show_end(self, lines: list[str], expected: bool) -> None:
        """Show how the connection ended. `expected` says that the user has closed it this way."""

    @abstractmethod
    def finish(self) -> None:
        """Clean up standard output before the program ends."""

    def _write(self, file: IO[AnyStr] | None, text: AnyStr) -> None:
        """Write all of `text`, and flush. Keep an error in `failure`; after that write nothing."""
        with self._lock:
            try:
                if file is not None and self.failure is None:
                    file.write(text)
                    file.flush()
            except OSError as error:
                self.failure = error


class Pipe(Display):
    """Messages go to standard output, in this form; everything else goes to standard error."""

    def __init__(self, form: Form = as_line) -> None:
        super().__init__()
        self._form = form

    def read_line(self) -> str | None:
        line = sys.stdin.readline() if sys.stdin is not None else ""
        return line.removesuffix("\n") if line else None

    def show_message(self, message: str | bytes) -> None:
        data = self._form(message)
        if isinstance(data, str):
            self._write(sys.stdout, data)
        elif sys.stdout is not None:
            self._write(sys.stdout.buffer, data)

    def show(self, line: str) -> None:
        self._write(sys.stderr, escape_words(line) + "\n")

    def show_input_error(self, text: str) -> None:
        self.had_input_error = True
        self.show(f"refws: nothing was sent: {text}")

    def show_end(self, lines: list[str], expected: bool) -> None:
        if not expected:
            self.show(f"refws: {', '.join(lines)}")

    def finish(self) -> None:
        """There is nothing to clean up: every line has its end."""


class Screen(Display):
    """A terminal: what arrives is shown above the prompt and the line that is being typed.

    The lock is held until the prompt is written: readline writes it in parts, and calls the hook
    after the last one. The hook is a C method, `release`, because a signal could raise an exception
    in a Python function, and readline would drop that exception.
    """

    PROMPT = "> "
    ERASE = "\r\x1b[K"

    def __init__(self, readline: ModuleType | None, quiet: bool = False) -> None:
        super().__init__()
        self.readline = readline
        self._quiet = quiet
        self._reading = False
        self._has_hook = hasattr(readline, "set_pre_input_hook") and "libedit" not in str(
            readline.__doc__
        )
        if readline is not None and self._has_hook:
            readline.set_pre_input_hook(self._lock.release)

    def read_line(self) -> str | None:
        self._write(sys.stdout, self.ERASE)
        try:
            if self._has_hook:
                self._lock.acquire()
            self._reading = True
            return input(self.PROMPT)
        except EOFError:
            return None
        finally:
            self._reading = False
            with suppress(RuntimeError):  # the hook has released it
                self._lock.release()

    def show_message(self, message: str | bytes) -> None:
        self._show(message_lines(message))

    def show(self, line: str) -> None:
        self._show([line])

    def _show(self, lines: list[str]) -> None:
        with self._lock:
            typed = self.PROMPT + self._typed() if self._reading else ""
            shown = "".join(f"{escape_words(line)}\n" for line in lines)
            self._write(sys.stdout, f"{self.ERASE}{shown}{typed}")

    def show_input_error(self, text: str) -> None:
        self.show(f"nothing was sent: {text}")

    def show_end(self, lines: list[str], expected: bool) -> None:
        self._reading = False
        for line in lines if not (self._quiet and expected) else ():
            self.show(line)

    def finish(self) -> None:
        """Erase the prompt."""
        self._write(sys.stdout, self.ERASE)

    def _typed(self) -> str:
        """What has been typed of the line; "" without readline, because it is then unknown."""
        return "" if self.readline is None else str(self.readline.get_line_buffer())


def is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


def choose_display(form: Form | None = None, quiet: bool = False) -> Display:
    """A Screen if input and output are terminals, otherwise a Pipe; a `form` is only for pipes.

    The import of readline gives `input` history and editing; some builds of Python do not have it.
    """
    if form or not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return Pipe(form or as_line)
    try:
        import readline
    except ImportError:
        return Screen(None, quiet)
    return Screen(readline, quiet)
