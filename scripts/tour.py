"""The tour: each function of the protocol and the endpoint that one echo needs, in the order in
which they first run. Or the places that name a section.

    python3 scripts/tour.py               a table for each thread of the server
    python3 scripts/tour.py --refusal     how a broken rule is answered: an unmasked frame
    python3 scripts/tour.py 5.4 7.1.7     every place that names one of these sections
    python3 scripts/tour.py --markdown    a row for each file, as in README.md
    python3 scripts/tour.py --budget      only the sums; exit status 1 if they are above the budget

A client opens a connection, sends one masked text message, takes its echo, and closes. The tour
begins with a server that listens and ends before it stops. A function counts with its docstring,
its decorators and the functions inside it, and is listed once, in the first thread of these: the
accepting one, the connection's, the timers'. What a module runs when it is imported does not count.

The client of --refusal sends its text message without a mask. Listed is only what the connection's
thread runs for it, from the frame's header to the Close with 1002 and the end of TCP.

A section is written as 5.4, §5.4 or "§4.2.1 item 3", one of RFC 7692 as 7692-7.2.1 or "RFC 7692
7.2.1". Its subsections count, too. The places are listed in the order of the map of refws, which
begins with the protocol; * marks what the tour passes. Exit status 1 if no place names a section.
"""

from __future__ import annotations

import argparse
import ast
import functools
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from refws import CloseCode, Connection, serve
from refws.endpoint.server import Server
from scripts.shared import client_wire as wire
from scripts.shared.sections import (
    Section,
    all_places,
    as_list,
    hint,
    parse_section,
    rfc_of,
    sections_in,
)

PROJECT = Path(__file__).resolve().parents[1]

MAX_LINES = 1410
MAX_FUNCTIONS = 165
"""The budget: the tour must be readable in an afternoon, so growth of the core is a decision."""

FLOORS = (PROJECT / "refws" / "protocol", PROJECT / "refws" / "endpoint")
ACCEPTING, CONNECTION, TIMERS = THREADS = (
    "The thread that accepts",
    "The connection's thread",
    "The timers' thread",
)
REFUSAL = "The connection's thread, from an unmasked frame to the end of TCP"
NO_SECTION = "–"
"""For functions that the RFC says nothing about, such as threads and timers."""

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Function:
    """A function or method at the top of a file of refws, with everything inside it."""

    name: str
    file: str
    section: str
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        return self.last_line - self.first_line + 1


# The functions of a file


@functools.cache
def functions_of(path: Path) -> tuple[Function, ...]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(PROJECT).as_posix()
    return tuple(find_functions(module, file, "", [ast.get_docstring(module) or ""]))


def find_functions(
    node: ast.Module | ast.ClassDef, file: str, prefix: str, docstrings: list[str]
) -> Iterator[Function]:
    """The functions of a module or class; `docstrings` are those around them, innermost first."""
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            inner = [ast.get_docstring(child) or "", *docstrings]
            yield from find_functions(child, file, f"{prefix}{child.name}.", inner)
        elif isinstance(child, ast.FunctionDef):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            section = section_of([ast.get_docstring(child) or "", *docstrings])
            assert child.end_lineno is not None
            yield Function(prefix + child.name, file, section, first, child.end_lineno)


def section_of(docstrings: list[str]) -> str:
    """The first section in the first docstring that names one; the RFC too, unless it is 6455."""
    default = rfc_of(docstrings[-1])
    for docstring in docstrings:
        if found := next(sections_in(docstring, default), None):
            return str(found.whole)
    return NO_SECTION


def function_with(code: CodeType) -> Function | None:
    """The function that this code belongs to; None for other code than ours, and for modules."""
    path = Path(code.co_filename)
    if not any(floor in path.parents for floor in FLOORS):
        return None
    line = code.co_firstlineno
    return next(
        (one for one in functions_of(path) if one.first_line <= line <= one.last_line), None
    )


# One echo, and one refusal


class Recording:
    """The code that runs in each thread, in the order in which it first runs."""

    def __init__(self, talk: Callable[[str, int], None]) -> None:
        """`talk` is what the client does, with the host and port of the server."""
        self.talk = talk
        self.codes: dict[int, dict[CodeType, None]] = {}
        self.connection: threading.Thread | None = None

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """For `setprofile`."""
        if event == "call":
            self.codes.setdefault(threading.get_ident(), {}).setdefault(frame.f_code)

    def handle(self, connection: Connection) -> None:
        """The handler of the server."""
        self.connection = threading.current_thread()
        for message in connection:
            connection.send(message)

    def run(self) -> None:
        """Run the server in this thread and the client in another one."""
        with serve(self.handle, port=0, logger=silent_logger()) as server:
            client = Client(server, self)
            threading.setprofile(self.note)
            client.start()
            sys.setprofile(self.note)
            server.serve_forever()
            sys.setprofile(None)
            threading.setprofile(None)
        client.join()
        if client.error is not None:
            raise client.error
        self.codes.pop(client.ident or 0, None)

    def functions(self) -> dict[str, list[Function]]:
        """The functions by the name of their thread."""
        assert self.connection is not None
        names = {threading.get_ident(): ACCEPTING, self.connection.ident: CONNECTION}
        found: dict[str, list[Function]] = {thread: [] for thread in THREADS}
        for ident, codes in self.codes.items():
            found[names.get(ident, TIMERS)] += filter(None, map(function_with, codes))
        listed: set[Function] = set()
        for thread, functions in found.items():
            found[thread] = [one for one in dict.fromkeys(functions) if one not in listed]
            listed.update(functions)
        return found


class Refusal(Recording):
    """The code that runs in the connection's thread, from the handler's first receive to the end.

    The handler's last receive ends TCP before it raises, so nothing is missing after it.
    """

    def handle(self, connection: Connection) -> None:
        self.codes[threading.get_ident()] = {}
        try:
            super().handle(connection)
        finally:
            sys.setprofile(None)

    def functions(self) -> dict[str, list[Function]]:
        """Also those that the accepting thread has run before."""
        assert self.connection is not None
        codes = self.codes[self.connection.ident or 0]
        return {REFUSAL: list(dict.fromkeys(filter(None, map(function_with, codes))))}


class Client(threading.Thread):
    """The other end, on a plain socket: no function of refws runs in it but the server's stop."""

    def __init__(self, server: Server, recording: Recording) -> None:
        super().__init__(name="the client of the tour")
        self.server = server
        self.recording = recording
        self.error: BaseException | None = None

    def run(self) -> None:
        sys.setprofile(None)
        try:
            self.recording.talk(*self.server.address)
            wait_until(self.is_over)
        except BaseException as error:
            self.error = error
        finally:
            self.server.stop()

    def is_over(self) -> bool:
        """Whether the connection's thread has ended and all others wait."""
        connection = self.recording.connection
        if connection is None or connection.is_alive():
            return False
        mine = (threading.main_thread(), self)
        others = [thread for thread in threading.enumerate() if thread not in mine]
        frames = sys._current_frames()
        return all(is_waiting(frames.get(thread.ident or 0)) for thread in others)


def talk(host: str, port: int) -> None:
    """What keeps the rules: a message, its echo, the closing handshake."""
    close = (1000).to_bytes(2, "big")
    with wire.open_websocket(host, port, "/", TIMEOUT_S) as connection:
        connection.sendall(wire.client_frame(wire.TEXT, b"hello"))
        expect(connection, wire.server_frame(wire.TEXT, b"hello"))
        connection.sendall(wire.client_frame(wire.CLOSE, close))
        expect(connection, wire.server_frame(wire.CLOSE, close))
        expect(connection, b"")


def break_a_rule(host: str, port: int) -> None:
    """§5.1: a client's frame without a mask, which the server must answer with 1002 and the end."""
    with wire.open_websocket(host, port, "/", TIMEOUT_S) as connection:
        connection.sendall(wire.server_frame(wire.TEXT, b"hello"))
        head = wire.read_exactly(connection, 2)
        code = int.from_bytes(wire.read_exactly(connection, head[1])[:2], "big")
        if (head[0], code) != (wire.FIN | wire.CLOSE, CloseCode.PROTOCOL_ERROR):
            raise wire.WireError(f"expected a Close with 1002, got {head.hex(' ')} with {code}")
        expect(connection, b"")


def expect(connection: socket.socket, expected: bytes) -> None:
    """WireError unless these bytes come next; no bytes mean the end of the stream."""
    got = wire.read_exactly(connection, len(expected)) if expected else connection.recv(1)
    if got != expected:
        raise wire.WireError(f"expected {expected.hex(' ')}, got {got.hex(' ')}")


def is_waiting(frame: FrameType | None) -> bool:
    code = frame and frame.f_code
    return code is not None and (code.co_filename, code.co_name) == (threading.__file__, "wait")


def silent_logger() -> logging.Logger:
    """The server's warning about a broken rule must not be between the lines of the table."""
    logger = logging.getLogger("refws.tour")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"the server's threads were not done after {TIMEOUT_S:g} s")
        time.sleep(0.01)


# The places that name a section


def print_places(sections: list[Section]) -> int:
    """The exit status: 1 if no place names one of the sections."""
    recording = Recording(talk)
    recording.run()
    passed = passed_places(recording.functions())
    status = 0
    for section in sections:
        if found := [place for place in all_places() if place.names(section)]:
            print(as_list(section, found, passed))
        else:
            print(f"tour: {hint(section)}", file=sys.stderr)
            status = 1
    return status


def passed_places(tour: dict[str, list[Function]]) -> set[tuple[str, str]]:
    """(file, name) of each function of the tour, of the classes around it and of its file."""
    passed = set()
    for one in (one for functions in tour.values() for one in functions):
        words = one.name.split(".")
        passed |= {(one.file, ".".join(words[:length])) for length in range(len(words) + 1)}
    return passed


# What is printed


def as_text(tour: dict[str, list[Function]]) -> str:
    rows = [row(one) for functions in tour.values() for one in functions]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    blocks = []
    for thread, functions in tour.items():
        lines = ["  ".join(map(str.ljust, row(one), widths)).rstrip() for one in functions]
        blocks.append("\n".join([thread, "", *(f"    {line}" for line in lines)]))
    return "\n\n".join([*blocks, sums(tour)])


def as_markdown(tour: dict[str, list[Function]]) -> str:
    """A row for each file, in the order in which they first run, in any thread."""
    files: dict[str, list[Function]] = {}
    for functions in tour.values():
        for one in functions:
            files.setdefault(one.file, []).append(one)
    rows = [markdown_row(file, functions) for file, functions in files.items()]
    head = ["| file | functions, in the order in which they first run |", "| --- | --- |"]
    return "\n".join([*head, *rows, "", sums(tour)])


def markdown_row(file: str, functions: list[Function]) -> str:
    names = ", ".join(f"`{one.name}`" for one in functions)
    name, subject = file.removeprefix("refws/"), subject_of(PROJECT / file)
    return f"| [{name}]({file})<br>{subject} | {names} |"


def subject_of(path: Path) -> str:
    """The first paragraph of a file's docstring, with its sections but not RFC 6455."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return paragraph.removeprefix("RFC 6455 ").rstrip(".")


def row(function: Function) -> tuple[str, str, str, str]:
    return function.name, function.file, function.section, str(function.lines)


def sums(tour: dict[str, list[Function]]) -> str:
    found = [one for functions in tour.values() for one in functions]
    files = {one.file for one in found}
    lines = sum(one.lines for one in found)
    return f"In all {len(found)} functions with {lines:,} lines, in {len(files)} files."


def budget_broken(tour: dict[str, list[Function]]) -> list[str]:
    """The sums that are above the budget, in words."""
    found = [one for functions in tour.values() for one in functions]
    sizes = {
        "functions": (len(found), MAX_FUNCTIONS),
        "lines": (sum(one.lines for one in found), MAX_LINES),
    }
    return [
        f"the tour has {size:,} {what}, the budget is {most:,}"
        for what, (size, most) in sizes.items()
        if size > most
    ]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sections",
        metavar="SECTION",
        nargs="*",
        type=parse_section,
        help="such as 5.4 or 7692-7.2.1",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--refusal", action="store_true", help="the way of a broken rule")
    which.add_argument("--markdown", action="store_true", help="the table of README.md")
    which.add_argument("--budget", action="store_true", help="only the sums, judged")
    options = parser.parse_args(argv)
    if options.sections:
        if options.refusal or options.markdown or options.budget:
            parser.error("sections and an option: give one of the two")
        return print_places(options.sections)
    recording = Refusal(break_a_rule) if options.refusal else Recording(talk)
    recording.run()
    tour = recording.functions()
    if not options.budget:
        print(as_markdown(tour) if options.markdown else as_text(tour))
        return 0
    print(sums(tour))
    broken = budget_broken(tour)
    for line in broken:
        print(f"tour: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `| head` ends it without an error
    sys.exit(main())
