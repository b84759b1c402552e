"""`python3 -m refws explain`: RFC 6455 §5, hex or a file -> each frame's meaning and verdict."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import BinaryIO

from ..course.explain.conversation import Conversation
from ..course.explain.handshake import is_start_of_head
from ..course.explain.values import Item, Legal, NotRead
from ..course.text.drawing import Style, draw, draw_line
from ..course.text.terminal import make_printable, uses_color
from ..protocol.deflate.negotiation import ANY_OFFER, NAME, Parameters, check_answer
from ..protocol.errors import HandshakeError
from ..protocol.extensions import parse_extensions
from ..protocol.frame import MASK, Side
from .options import CommandLine, fragment_count, message_size

CHUNK_SIZE = 64 * 1024
"""Bytes of a file that are read at once."""

PREFIX = re.compile(r"0x|\\x", re.IGNORECASE)
SEPARATORS = re.compile(r"[\s:,;|_-]+")
HEX_TEXT = re.compile(rb"[0-9A-Fa-fxX\\\s:,;|_-]*[0-9A-Fa-f][0-9A-Fa-fxX\\\s:,;|_-]*")
NOT_HEX = re.compile("[^0-9A-Fa-f]")

EXAMPLES = """examples:
  python3 -m refws explain 81 85 37 fa 21 3d 7f 9f 4d 51 58
  python3 -m refws explain --deflate --from server c1 07 f2 48 cd c9 c9 07 00
  python3 -m refws explain --brief --file tape.bin

exit status: 0 if all is legal, 1 if a rule is broken or a frame cut off,
2 for a bad command line, bad hex, or no bytes at all"""


class BadHex(ValueError):
    """The text is not bytes in hex; the message says why, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Print the explanation. The exit status is explained in --help."""
    options = command_line().parse_args(
        with_values(sys.argv[1:] if arguments is None else arguments)
    )
    make_printable(sys.stdout)
    printer = Printer(options)
    try:
        return run(printer, options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return printer.status


def run(printer: Printer, options: argparse.Namespace) -> int:
    problem = ""
    try:
        for data in read_chunks(options):
            printer.feed(data)
    except KeyboardInterrupt:
        pass
    except BadHex as error:
        problem = str(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = (
            f"cannot read {options.file!r}, {error.strerror}: give a file of frames, or "
            "- for standard input"
        )
    printer.finish()
    if not problem and not printer.received:
        problem = (
            "no bytes to explain: give some in hex, such as 81 05 48 65 6c 6c 6f, or --file FILE"
        )
    if problem:
        print(f"refws: {problem}", file=sys.stderr)
        return 2
    return printer.status


# Options


def command_line() -> CommandLine:
    """The options."""
    parser = CommandLine(
        prog="python3 -m refws explain",
        description=(
            "Shows what the bytes of WebSocket frames say, bit by bit, and which rule\n"
            "of RFC 6455 they break."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    option = parser.add_argument
    option(
        "bytes",
        metavar="HEX",
        nargs="*",
        help=(
            "bytes in hex, grouped in any way; without any and without --file, lines of hex "
            "from standard input"
        ),
    )
    option(
        "--file",
        metavar="FILE",
        help="read frames from this file, as bytes or as hex text; - for standard input",
    )
    option("--hex", action="store_true", help="read the file as hex text in any case")
    option(
        "--from",
        dest="sender",
        choices=[side.value for side in Side],
        metavar="client|server",
        help=(
            "who sent the bytes (default: the client if the first frame is masked, otherwise "
            "the server)"
        ),
    )
    option(
        "--deflate",
        metavar="PARAMETERS",
        type=deflate,
        help=f'permessage-deflate is in use; "{NAME}; client_max_window_bits=10" gives parameters',
    )
    option("--brief", action="store_true", help="one line for each frame")
    option("--stop", action="store_true", help="stop at the first violation, as a receiver does")
    option(
        "--max-message-size",
        metavar="BYTES",
        type=message_size,
        help="largest message that the receiver accepts, in bytes (default: no limit)",
    )
    option(
        "--max-fragments",
        metavar="NUMBER",
        type=fragment_count,
        help="most fragments of a message that the receiver accepts (default: no limit)",
    )
    return parser


def with_values(arguments: Iterable[str]) -> list[str]:
    """The arguments; each `--deflate` gets a value: the next word, if it begins with the name.

    `--deflate` may have no value. An option of argparse with an optional value would then take the
    first of the bytes.
    """
    result: list[str] = []
    for argument in arguments:
        if result[-1:] == ["--deflate"]:
            if argument.startswith(NAME):
                result[-1] = f"--deflate={argument}"
                continue
            result[-1] = f"--deflate={NAME}"
        result.append(argument)
    return [*result[:-1], f"--deflate={NAME}"] if result[-1:] == ["--deflate"] else result


def deflate(text: str) -> Parameters:
    """The parameters, written as in the server's answer of an opening handshake."""
    try:
        agreed = check_answer(parse_extensions([text]), [ANY_OFFER])
    except HandshakeError as error:
        raise argparse.ArgumentTypeError(f"{error.faults[0]}") from None
    assert agreed is not None
    return agreed


# Bytes


def read_chunks(options: argparse.Namespace) -> Iterator[bytes]:
    """The bytes to explain, as they arrive. BadHex or OSError if they cannot be read."""
    if options.bytes:
        yield from unhex([" ".join(options.bytes)])
    elif options.file is None:
        if sys.stdin.isatty():
            print("Frames in hex, a line at a time; Ctrl-D ends.", file=sys.stderr)
        yield from unhex(line.decode("ascii", "replace") for line in sys.stdin.buffer)
    else:
        with (
            nullcontext(sys.stdin.buffer)
            if options.file == "-"
            else open(options.file, "rb") as file
        ):
            yield from read_file(file, options.hex)


def read_file(file: BinaryIO, is_hex: bool) -> Iterator[bytes]:
    """The bytes of a file; if its first chunk is hex text, the bytes that the text means."""
    chunk = file.read1(CHUNK_SIZE) if hasattr(file, "read1") else file.read(CHUNK_SIZE)
    if is_hex or HEX_TEXT.fullmatch(chunk):
        yield from unhex((chunk + file.read()).decode("ascii", "replace").splitlines())
        return
    while chunk:
        yield chunk
        chunk = file.read(CHUNK_SIZE)


def unhex(lines: Iterable[str]) -> Iterator[bytes]:
    """The bytes of each line; a # begins a comment. BadHex if a line is not hex."""
    for number, line in enumerate(lines, 1):
        words = PREFIX.sub(" ", line.partition("#")[0])
        yield b"".join(unhex_word(word, number) for word in SEPARATORS.split(words) if word)


def unhex_word(word: str, number: int) -> bytes:
    shown = ascii(word[:20]) + ("..." if len(word) > 20 else "")
    if wrong := NOT_HEX.search(word):
        advice = "give two digits, 0 to 9 and a to f, for each byte"
        raise BadHex(f"line {number}: {wrong[0]!a} in {shown} is no hex digit: {advice}")
    if len(word) % 2:
        raise BadHex(
            f"line {number}: {shown} has an odd number of digits, {len(word)}: give two for "
            "each byte"
        )
    return bytes.fromhex(word)


# Output


class Printer:
    """Prints items as the bytes arrive; `status` is the exit status so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.sender = None if options.sender is None else Side(options.sender)
        self.brief: bool = options.brief
        self.style = Style(uses_color(sys.stdout))
        self.status = 0
        self.received = 0
        self._first = b""
        self._conversation = Conversation(
            deflate=options.deflate,
            keep_going=not options.stop,
            max_size=options.max_message_size,
            max_fragments=options.max_fragments,
        )

    def feed(self, data: bytes) -> None:
        """Print the items that these bytes complete. The first two bytes show the sender."""
        self.received += len(data)
        if self.sender is None:
            self._first += data
            if len(self._first) < 2:
                return
            data = self._choose_sender()
        assert self.sender is not None
        self._print(self._conversation.feed(self.sender, data))

    def finish(self) -> None:
        """Print the item that is cut off, if there is one."""
        if self._first:
            self._print(self._conversation.feed(Side.CLIENT, self._choose_sender()))
        self._print(self._conversation.finish())

    def _choose_sender(self) -> bytes:
        """The first bytes, after the sender was guessed from them, and printed."""
        data, self._first = self._first, b""
        self.sender, why = guess_sender(data)
        if not self.brief:
            print(f"From the {self.sender.value}, because {why}; --from says otherwise.\n")
        return data

    def _print(self, items: list[Item]) -> None:
        for item in items:
            print(
                draw_line(item, self.style) if self.brief else draw(item, self.style) + "\n",
                flush=True,
            )
            if isinstance(item, NotRead) or not isinstance(item.verdict, Legal):
                self.status = 1


def guess_sender(data: bytes) -> tuple[Side, str]:
    """The side that seems to have sent these bytes, and why."""
    if is_start_of_head(data):
        request = data[:1] == b"G"
        return (
            (Side.CLIENT, "it begins with a request")
            if request
            else (Side.SERVER, "it begins with a response")
        )
    if len(data) < 2:
        return Side.CLIENT, "nothing shows the sender"
    masked = data[1] & MASK
    return (
        (Side.CLIENT, "the first frame is masked")
        if masked
        else (Side.SERVER, "the first frame is not masked")
    )
