"""RFC 6455 §5.5, §5.6, §7.1: lines that a person types -> frames; what arrives -> lines that no peer can forge.

    main thread                                      receiving thread
    line -> parse_line -> Action -> Connection       Connection.recv -> Screen or Pipe

`Screen` is a terminal: a prompt, and what arrives in between. `Pipe` is for programs: payloads and nothing else.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import TextIO, TypeVar

from ..endpoint.connection import Connection
from ..endpoint.exceptions import OK_CODES, ConcurrencyError, ConnectionClosed
from ..protocol.close import State
from ..protocol.close_codes import LIBRARY_AND_PRIVATE, CloseCode
from ..protocol.http import quote
from .drawing import count, escape_words

MEANINGS = {
    CloseCode.NORMAL_CLOSURE: "normal closure: all is done",
    CloseCode.GOING_AWAY: "going away: the program or page stops",
    CloseCode.PROTOCOL_ERROR: "protocol error: a rule of the RFC was broken",
    CloseCode.UNSUPPORTED_DATA: "unsupported data: text or binary where only the other is taken",
    CloseCode.NO_STATUS_RCVD: "no code: the Close was empty",
    CloseCode.ABNORMAL_CLOSURE: "abnormal closure: no Close came",
    CloseCode.INVALID_DATA: "invalid data: such as text that is not UTF-8",
    CloseCode.POLICY_VIOLATION: "policy violation: legal, but not put up with",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension: the client cannot do without one that was not agreed on",
    CloseCode.INTERNAL_ERROR: "internal error: of the server",
    CloseCode.SERVICE_RESTART: "service restart: connect again in a while",
    CloseCode.TRY_AGAIN_LATER: "try again later: the server has too much to do",
    CloseCode.BAD_GATEWAY: "bad gateway: a server behind this one failed",
}
"""§7.4.1 and the registry of §11.7, in words."""

FIRST_PRIVATE = 4000

T = TypeVar("T")

TEXT_SHOWN = 1000
"""Characters of a message that a terminal shows."""

BYTES_SHOWN = 250


class Mistake(ValueError):
    """A line that cannot be obeyed: nothing is sent. The text says what to do instead."""


# What is typed


@dataclass(frozen=True, slots=True)
class Send:
    """One message: text, binary, or the fragments of a text."""

    message: str | bytes | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendPing:
    """`data` None leaves it to the connection to choose a payload."""

    data: str | None


@dataclass(frozen=True, slots=True)
class SendPong:
    data: str


@dataclass(frozen=True, slots=True)
class SendClose:
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class SendRaw:
    """Bytes for the wire as they are, so that rules can be broken."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Help:
    pass


Action = Send | SendPing | SendPong | SendClose | SendRaw | Help


def parse_line(line: str) -> Action:
    """What to do about a line. Mistake if that cannot be told, or cannot be sent."""
    if any("\ud800" <= character <= "\udfff" for character in line):
        raise Mistake("the line is not UTF-8, as text must be (§5.6): /binary HEX sends any bytes")
    if not line.startswith("/"):
        return Send(line)
    if line.startswith("//"):
        return Send(line[1:])
    word, _, rest = line.partition(" ")
    if word not in COMMANDS:
        raise Mistake(f"there is no command {quote(word)}: /help lists those there are, and a text begins with //")
    return COMMANDS[word].parse(rest)


def parse_ping(rest: str) -> SendPing:
    return SendPing(rest or None)


def parse_close(rest: str) -> SendClose:
    code, _, reason = rest.partition(" ")
    if not re.fullmatch("[0-9]{1,4}", code or str(CloseCode.NORMAL_CLOSURE.value)):
        raise Mistake(f"{quote(code)} is no close code: give a number of four digits, such as /close 1000 bye")
    return SendClose(int(code or CloseCode.NORMAL_CLOSURE), reason)


def parse_fragments(rest: str) -> Send:
    if not rest:
        raise Mistake("there is nothing to send: give the fragments with | between them, such as /fragment Hel | lo")
    return Send(tuple(re.split(r" ?\| ?", rest)))


def parse_raw(rest: str) -> SendRaw:
    if not rest:
        raise Mistake("there is nothing to send: give bytes in hex, such as /raw 81 00, an unmasked empty text")
    return SendRaw(parse_hex(rest))


def parse_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Mistake(f"{quote(text)} is not hex: give two digits for each byte, such as 01 fe ff") from None


@dataclass(frozen=True, slots=True)
class Command:
    """A word after which the rest of the line is not text to be sent."""

    arguments: str
    effect: str
    parse: Callable[[str], Action]


COMMANDS = {
    "/ping": Command("[TEXT]", "send a Ping; its Pong is shown with the time it took", parse_ping),
    "/pong": Command("[TEXT]", "send a Pong that nobody asked for", SendPong),
    "/close": Command("[CODE [REASON]]", "close the connection; CODE is 1000 unless given", parse_close),
    "/binary": Command("HEX", "send a binary message", lambda rest: Send(parse_hex(rest))),
    "/fragment": Command("A | B | C", "send a text message in fragments; an empty one ends it", parse_fragments),
    "/raw": Command("HEX", "send bytes as they are, to break the rules", parse_raw),
    "/help": Command("", "show this", lambda rest: Help()),
}


def help_lines() -> list[str]:
    """Every kind of line, and what it does."""
    usages = {f"{word} {command.arguments}": command.effect for word, command in COMMANDS.items()}
    usages = {"TEXT": "send a text message", "//TEXT": "send a text message that begins with /", **usages}
    return [f"  {usage:<23} {effect}" for usage, effect in usages.items()]


# What is shown


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
    if code in MEANINGS:
        return f"{code} ({MEANINGS[CloseCode(code)]})"
    whose = "the application" if code >= FIRST_PRIVATE else "a library"
    return f"{code} (a code of {whose}, §7.4.2)" if code in LIBRARY_AND_PRIVATE else str(code)


def describe_end(end: ConnectionClosed, asked: int | None) -> list[str]:
    """How the connection came to its end, and why; `asked` is the code that we closed it with, None if we did not."""
    if end.rcvd is not None:
        how, code, why = "closed" if asked else "closed by the server", end.rcvd.code, end.rcvd.reason
    elif end.sent is not None and end.sent.code != asked:
        how, code, why = "failed", end.sent.code, end.cause or end.sent.reason
        why += "; --max-message-size raises the limit" if code == CloseCode.MESSAGE_TOO_BIG else ""
    else:
        how, code, why = "ended", CloseCode.ABNORMAL_CLOSURE, end.cause or "the server's log may say why"
    return [f"{how} with {describe_code(code)}", *([f"reason: {why}"] if why else [])]


def ended_well(end: ConnectionClosed, asked: int | None) -> bool:
    """Whether a Close came, with a code that says that nothing went wrong, or that we asked for."""
    return end.rcvd is not None and end.rcvd.code in {*OK_CODES, asked}


# Where it is shown


class Display(ABC):
    """Where lines come from, and where what arrives goes. Lines may be shown by any thread."""

    failure: OSError | None = None
    """Why nothing can be shown any more; no exception tells it, as it may come up in any thread."""

    mistaken = False
    """Whether a line could not be obeyed, and nobody sat there to correct it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @abstractmethod
    def read_line(self) -> str | None:
        """The next line, None at the end of input. OSError if there is no reading it."""

    @abstractmethod
    def show_message(self, message: str | bytes) -> None:
        """A message of the peer."""

    @abstractmethod
    def show(self, line: str) -> None:
        """Anything else that is worth a line."""

    @abstractmethod
    def show_mistake(self, text: str) -> None:
        """Why nothing was sent."""

    @abstractmethod
    def show_end(self, lines: list[str], expected: bool) -> None:
        """How the connection ended; `expected` if that is how it was closed from here."""

    def finish(self) -> None:
        """Nothing will be shown or read any more."""

    def _write(self, file: TextIO | None, text: str) -> None:
        """All of `text` at once; noted in `failure` if that does not work."""
        with self._lock:
            try:
                if file is not None and self.failure is None:
                    file.write(text)
                    file.flush()
            except OSError as error:
                self.failure = error


class Pipe(Display):
    """No terminal: payloads go to standard output, one a line, everything else to standard error."""

    def read_line(self) -> str | None:
        line = sys.stdin.readline() if sys.stdin is not None else ""
        return line.removesuffix("\n") if line else None

    def show_message(self, message: str | bytes) -> None:
        line = message if isinstance(message, str) else message.hex()
        self._write(sys.stdout, escape_words(line) + "\n")

    def show(self, line: str) -> None:
        self._write(sys.stderr, escape_words(line) + "\n")

    def show_mistake(self, text: str) -> None:
        self.mistaken = True
        self.show(f"refws: nothing was sent: {text}")

    def show_end(self, lines: list[str], expected: bool) -> None:
        if not expected:
            self.show(f"refws: {', '.join(lines)}")


class Screen(Display):
    """A terminal. What arrives while a line is typed goes above it, and prompt and line are shown again.

    The lock is held until the prompt is out: readline writes it in pieces, and calls the hook behind the last of them.
    The hook is no function of Python, because in one a signal could raise, and readline would swallow the exception.
    """

    PROMPT = "> "
    ERASE = "\r\x1b[K"

    def __init__(self, readline: ModuleType | None) -> None:
        super().__init__()
        self._readline = readline
        self._reading = False
        self._has_hook = hasattr(readline, "set_pre_input_hook") and "libedit" not in str(readline.__doc__)
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
        self.show(describe_message(message))

    def show(self, line: str) -> None:
        with self._lock:
            typed = self.PROMPT + self._typed() if self._reading else ""
            self._write(sys.stdout, f"{self.ERASE}{escape_words(line)}\n{typed}")

    def show_mistake(self, text: str) -> None:
        self.show(f"nothing was sent: {text}")

    def show_end(self, lines: list[str], expected: bool) -> None:
        self._reading = False
        for line in lines:
            self.show(line)

    def finish(self) -> None:
        self._write(sys.stdout, self.ERASE)

    def _typed(self) -> str:
        """The line as far as it is typed; only readline knows it before its end."""
        return "" if self._readline is None else str(self._readline.get_line_buffer())


def is_terminal(file: TextIO | None) -> bool:
    return file is not None and file.isatty()


def choose_display() -> Display:
    """A screen if input and output are terminals, and then with history and editing, where Python has readline."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return Pipe()
    try:
        import readline
    except ImportError:
        return Screen(None)
    return Screen(readline)


# The session

WAKE: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""Tells the main thread, which waits for a line, that there is nothing more to wait for. None on Windows."""

WAKE_INTERVAL = 0.05
"""Seconds from one `WAKE` to the next: one that comes just before the wait begins is lost."""


class _Stopped(BaseException):
    """The main thread is to wait no longer: a signal, or the connection has ended."""


class Session:
    """An open connection between a display and a server. To be run in the main thread, as signals go there.

    At the end of the input in a pipe, answers that are on their way still come: the Pong to a last Ping is behind them
    all if the server answers in order. `wait` is for servers that do not: seconds to listen on after it.
    """

    def __init__(self, connection: Connection, display: Display, wait: float = 0) -> None:
        self._connection = connection
        self._display = display
        self._wait_seconds = wait
        self._asked: int | None = None
        self._end: ConnectionClosed | None = None
        self._received = 0
        self._pings: list[tuple[threading.Event, threading.Thread]] = []
        self._waiting = False
        self._interrupted = False
        self._over = threading.Event()
        self._left = threading.Event()

    def run(self) -> int:
        """Send and show until the connection has ended. The exit status: 0 if it ended well and all lines were obeyed.

        The first SIGINT or SIGTERM closes with 1001, the second is left to the system, which ends the process.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        if WAKE is not None:
            signal.signal(WAKE, self._wake_up)
        receiver = threading.Thread(target=self._receive, name="refws-receiver")
        receiver.start()
        code = self._follow_input()
        self._left.set()
        if self._interrupted:
            self._display.show(f"closing with {code.value}; once more ends it at once")
        self._close(code)
        receiver.join()
        for _, waiter in self._pings:
            waiter.join()
        self._display.finish()
        return self._status()

    def _status(self) -> int:
        fine = self._end is not None and ended_well(self._end, self._asked)
        return 0 if fine and not self._display.mistaken and self._display.failure is None else 1

    # The main thread

    def _follow_input(self) -> CloseCode:
        """Obey the lines until their end, or that of the connection; the code to close with."""
        try:
            while (line := self._wait(self._display.read_line)) is not None:
                self._obey(line)
            if isinstance(self._display, Pipe):
                self._wait(self._wait_for_answers)
            return CloseCode.NORMAL_CLOSURE
        except OSError as error:
            self._display.show_mistake(f"the input cannot be read, {error.strerror}")
        except (_Stopped, ConnectionClosed):
            pass
        return CloseCode.GOING_AWAY

    def _wait(self, function: Callable[[], T]) -> T:
        """What it returns. _Stopped if there is nothing to wait for, or not any more."""
        try:
            self._waiting = True
            if self._over.is_set() or self._interrupted or self._display.failure is not None:
                raise _Stopped
            return function()
        finally:
            self._waiting = False

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._interrupted = True
        self._wake_up(number, frame)

    def _wake_up(self, number: int, frame: FrameType | None) -> None:
        if self._waiting:
            self._waiting = False
            raise _Stopped

    def _obey(self, line: str) -> None:
        try:
            self._act(parse_line(line))
        except (ValueError, ConcurrencyError) as error:
            self._display.show_mistake(str(error))

    def _act(self, action: Action) -> None:
        """ValueError or ConcurrencyError for what cannot be sent, ConnectionClosed or _Stopped once nothing can."""
        match action:
            case Send(message):
                self._connection.send(message)
            case SendPing(data):
                self._ping(data)
            case SendPong(data):
                self._connection.pong(data)
            case SendClose(code, reason):
                self._close(code, reason)
                raise _Stopped
            case SendRaw(data):
                self._connection.send_raw(data)
            case Help():
                for text in help_lines():
                    self._display.show(text)

    def _close(self, code: int, reason: str = "") -> None:
        """ValueError for what must not be in a Close, and then nothing has happened."""
        if self._connection.state is not State.OPEN:
            return
        self._asked = code
        try:
            self._connection.close(code, reason)
        except ValueError:
            self._asked = None
            raise

    def _ping(self, data: str | None) -> None:
        before = self._connection.latency
        answered = self._connection.ping(data)
        waiter = threading.Thread(target=self._show_pong, args=(answered, data, before), name="refws-pong")
        self._pings.append((answered, waiter))
        waiter.start()

    def _show_pong(self, answered: threading.Event, data: str | None, latency_before: float) -> None:
        """In a thread of its own, which ends with the connection at the latest: that sets the event, too."""
        answered.wait()
        latency = self._connection.latency
        if latency != latency_before:
            self._display.show(describe_pong(data, latency))

    def _wait_for_answers(self) -> None:
        """Until a last Ping is answered; or, as it may never be, until nothing has come for `close_timeout` seconds."""
        answered, received = self._connection.ping(), self._received
        while not answered.wait(self._connection.settings.close_timeout) and self._received > received:
            received = self._received
        for pong, waiter in self._pings:
            if pong.is_set():
                waiter.join()
        self._over.wait(self._wait_seconds)

    # The receiving thread

    def _receive(self) -> None:
        try:
            while self._display.failure is None:
                message = self._connection.recv()
                self._received += 1
                self._display.show_message(message)
            self._connection.close(CloseCode.GOING_AWAY)
        except ConnectionClosed as end:
            self._end = end
            expected = self._asked is not None and ended_well(end, self._asked)
            self._display.show_end(describe_end(end, self._asked), expected)
        finally:
            self._over.set()
            self._wake_main_thread()

    def _wake_main_thread(self) -> None:
        main = threading.main_thread().ident
        while WAKE is not None and main is not None and not self._left.wait(WAKE_INTERVAL):
            signal.pthread_kill(main, WAKE)
