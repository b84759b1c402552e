"""`python3 -m refws explain`: RFC 6455 §5, bytes in any form -> each frame and its verdict."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader

from ..course.explain.conversation import Conversation
from ..course.explain.values import Item, Legal, NotRead
from ..course.paste import source, table
from ..course.paste.plausible import guess_sender
from ..course.paste.source import Source
from ..course.paste.values import BadPaste, CannotRead, Chunk
from ..course.record.recordings import is_capture_or_har, look
from ..course.record.tape import BadRecording
from ..course.svg.frame_picture import MAX_ITEMS, draw_frames
from ..course.text.characters import fold, fold_lines
from ..course.text.drawing import draw, draw_line
from ..course.text.terminal import is_of_output, make_printable, style_for, text_width
from ..protocol.deflate.negotiation import ANY_OFFER, NAME, Parameters, check_answer
from ..protocol.errors import HandshakeError
from ..protocol.extensions import parse_extensions
from ..protocol.frame import Side
from .options import CommandLine, fragment_count, message_size, not_empty
from .replay import PORT_HELP, replay, server_port, write_picture

EXAMPLES = """examples:
  python3 -m refws explain 81 85 37 fa 21 3d 7f 9f 4d 51 58
  python3 -m refws explain --deflate --from server c1 07 f2 48 cd c9 c9 07 00
  python3 -m refws explain --brief --file bytes.bin

bytes may be pasted in any form, which is recognised and named in the first
line; --form NAME insists on one:
{forms}

exit status: 0 if all is legal, 1 if a rule is broken or a frame cut off,
2 for a bad command line, a text that cannot be read, or no bytes at all"""


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
        with opened(options) as given:
            if isinstance(given, BufferedReader):
                return replay(given, options_of_replay(options))
            printer.begin(given)
            for chunk in given.chunks:
                printer.feed(chunk)
    except KeyboardInterrupt:
        pass
    except BadRecording as error:
        problem = f"{options.file!r} {error.what}, {error}"
    except CannotRead as error:
        problem = str(error)
        if isinstance(error, BadPaste) and error.before:
            printer.feed(Chunk(error.before))
    except BrokenPipeError:
        raise
    except OSError as error:
        if is_of_output(error):
            raise
        problem = what_to_do(error, options)
    printer.finish()
    if not problem and not printer.received:
        problem = (
            "no bytes to explain: give some in hex, such as 81 05 48 65 6c 6c 6f, or --file FILE"
        )
    if options.svg and printer.drawn:
        try:
            write_picture(options.svg, draw_frames(printer.drawn, printer.count))
        except OSError as error:
            problem = what_to_do(error, options)
    if problem:
        print(f"refws: {problem}", file=sys.stderr)
        return 2
    return printer.status


def what_to_do(error: OSError, options: argparse.Namespace) -> str:
    if options.svg is not None and error.filename == options.svg:
        return (
            f"cannot write {options.svg!r}, {error.strerror}: give a file in a directory of yours"
        )
    return (
        f"cannot read {options.file!r}, {error.strerror}: give a file of frames, or "
        "- for standard input"
    )


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Source | BufferedReader]:
    """What the command line gives; a capture or HAR as it is. CannotRead or OSError on failure."""
    if options.bytes not in ([], ["-"]):
        yield source.from_text(" ".join(options.bytes), options.form)
    elif options.file is None:
        if sys.stdin.isatty():
            print("Paste bytes in any form; Ctrl-D ends.", file=sys.stderr)
        yield source.from_lines(sys.stdin.buffer, options.form)
    else:
        sender = None if options.sender is None else Side(options.sender)
        with (
            nullcontext(sys.stdin.buffer)
            if options.file == "-"
            else open(options.file, "rb") as file
        ):
            start, again = look(file)
            if options.form is None and is_capture_or_har(start):
                yield again
            else:
                yield source.from_file(again, options.form, sender)


def options_of_replay(options: argparse.Namespace) -> argparse.Namespace:
    """CannotRead if an option is given that recorded connections have no use for."""
    unused = options.sender, options.deflate, options.max_message_size, options.max_fragments
    if any(value is not None for value in unused):
        raise CannotRead(
            "the file shows who sent what, and what was agreed on: leave out --from, --deflate, "
            "--max-message-size and --max-fragments"
        )
    return argparse.Namespace(
        port=options.port,
        connection=None,
        pcap=None,
        svg=options.svg,
        full=not options.brief,
        keep_going=not options.stop,
    )


# Options


def command_line() -> CommandLine:
    """The options."""
    parser = CommandLine(
        prog="python3 -m refws explain",
        description=fold_lines(
            "Shows what the bytes of WebSocket frames say, bit by bit, and which rule of RFC 6455 "
            "they break.",
            text_width(),
        ),
        epilog=fold_lines(EXAMPLES.format(forms=list_of_forms()), text_width()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    option = parser.add_argument
    option(
        "bytes",
        metavar="BYTES",
        nargs="*",
        help=(
            "bytes in hex, grouped in any way, or in another form; -, or none and no --file: "
            "text from standard input"
        ),
    )
    option(
        "--file",
        metavar="FILE",
        help="read this file: raw bytes, text, a network capture, or a HAR; - for standard input",
    )
    option("--port", metavar="PORT", type=server_port, help=f"{PORT_HELP}, as for replay")
    option(
        "--form",
        choices=(*table.NAMES, source.RAW),
        metavar="NAME",
        help="the form of the bytes, if it is not recognised",
    )
    option("--hex", dest="form", action="store_const", const="hex", help="the same as --form hex")
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
    option(
        "--svg",
        metavar="FILE",
        type=not_empty,
        help="draw the frames as in the figure of §5.2, filled in, for a slide; print nothing",
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
    first of the bytes. A space before a negative number shows that it is no option.
    """
    result: list[str] = []
    for argument in arguments:
        if result[-1:] == ["--deflate"]:
            if argument.startswith(NAME):
                result[-1] = f"--deflate={argument}"
                continue
            result[-1] = f"--deflate={NAME}"
        result.append(f" {argument}" if re.match("-[0-9]", argument) else argument)
    return [*result[:-1], f"--deflate={NAME}"] if result[-1:] == ["--deflate"] else result


def deflate(text: str) -> Parameters:
    """The parameters, written as in the server's answer of an opening handshake."""
    try:
        agreed = check_answer(parse_extensions([text]), [ANY_OFFER])
    except HandshakeError as error:
        raise argparse.ArgumentTypeError(f"{error.faults[0]}") from None
    assert agreed is not None
    return agreed


def list_of_forms() -> str:
    """A line for each form: its names, and what it looks like."""
    rows = [(form.name, form.example) for form in table.FORMS]
    rows.append((source.RAW, "the bytes of a file, as they are"))
    return "\n".join(f"  {name:17} {example}" for name, example in rows)


# Output


class Printer:
    """Prints items as the bytes arrive; `status` is the exit status so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.sender = None if options.sender is None else Side(options.sender)
        self.brief: bool = options.brief
        self.style = style_for(sys.stdout)
        self.status = 0
        self.received = 0
        self.count = 0
        self.drawn: list[Item] = []
        """The first items, if they are to be drawn and not printed; `count` counts them all."""
        self._options = options
        self._first = b""
        self._given: Source | None = None
        self._conversation = self._new_conversation(None)

    def _new_conversation(self, at_handshake: bool | None) -> Conversation:
        return Conversation(
            deflate=self._options.deflate,
            at_handshake=at_handshake,
            keep_going=not self._options.stop,
            max_size=self._options.max_message_size,
            max_fragments=self._options.max_fragments,
        )

    def begin(self, given: Source) -> None:
        """Take note of how the bytes are read; it is printed before the first of them."""
        self._conversation = self._new_conversation(given.begins_with_heads)
        self._given = given

    def _say_how_it_is_read(self, given: Source) -> None:
        """Always, except for plain hex and raw bytes in brief."""
        if not self.brief or given.notes or given.form not in ("hex", source.RAW):
            print(f"read as: {given.description}", *given.notes, sep="\n  note: ", flush=True)
            if not self.brief:
                print()

    def feed(self, chunk: Chunk) -> None:
        """Print the items that these bytes complete. The first two bytes show the sender."""
        if self._given is not None and chunk.data and not self.received:
            self._say_how_it_is_read(self._given)
        self.received += len(chunk.data)
        data, sender = chunk.data, chunk.sender or self.sender
        if sender is None:
            self._first += data
            if len(self._first) < 2:
                return
            data, sender = self._choose_sender()
        self._print(self._conversation.feed(sender, data))

    def finish(self) -> None:
        """Print the item that is cut off, if there is one."""
        if self._first:
            data, sender = self._choose_sender()
            self._print(self._conversation.feed(sender, data))
        self._print(self._conversation.finish())
        if self._given is not None and self._given.cut_off:
            print(f"cut off: {self._given.cut_off}")
            self.status = 1

    def _choose_sender(self) -> tuple[bytes, Side]:
        """The first bytes, after the sender was guessed from them, and printed."""
        data, self._first = self._first, b""
        self.sender, why = guess_sender(data)
        if not self.brief:
            text = f"From the {self.sender.value}, because {why}; --from says otherwise."
            print(*fold(text, self.style.columns), "", sep="\n")
        return data, self.sender

    def _print(self, items: list[Item]) -> None:
        for item in items:
            self.count += 1
            if self._options.svg:
                self.drawn += [item] if self.count <= MAX_ITEMS else []
            else:
                text = draw_line if self.brief else draw
                print(text(item, self.style) + ("" if self.brief else "\n"), flush=True)
            if isinstance(item, NotRead) or not isinstance(item.verdict, Legal):
                self.status = 1
