"""`python3 -m refws replay FILE`: RFC 6455 §5, a tape -> its explanation, or a capture file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from ..course.record.har import NOT_FRAMES, HarReader, lines_of
from ..course.record.lanes import Lanes, lane_of
from ..course.record.narration import Narration
from ..course.record.pcap import write_pcap
from ..course.record.recordings import Recording, open_recording
from ..course.record.tape import BadRecording, Entry, Gap, Opened, is_midway
from ..course.svg.sequence import MAX_LANES, Lane, draw_sequence
from ..course.text.characters import count
from ..course.text.style import Style
from ..course.text.terminal import is_of_output, make_printable, style_for
from .options import CommandLine, not_empty, whole_number

EPILOG = """\
Exit status: 0 if all is legal, 1 if a rule is broken or something is cut off, 2 for a bad command
line, a tape that cannot be read, or a capture without a WebSocket connection. A tape is text and
may be edited: each line has seconds, connection, sender, and bytes in hex. A capture is a file of
tcpdump or Wireshark, pcap or pcapng. A HAR file of DevTools has messages, not frames."""

PORT_HELP = "of a capture, the connections to servers on this port"

MAX_CONNECTION = 10**9 - 1

NUMBERS_SHOWN = 20
"""Numbers of connections that a message lists."""


class NoConnection(ValueError):
    """The tape has no connection with the number of --connection; the message lists its numbers."""


def main(arguments: list[str] | None = None) -> int:
    """Print the explanation, or write the capture. The exit status is explained in --help."""
    parser = command_line()
    options = parser.parse_args(arguments)
    for name, path in (("--pcap", options.pcap), ("--svg", options.svg)):
        if path and is_same_file(options.file, path):
            parser.error(f"{name} would write over the tape: give another file")
    if options.pcap and options.svg:
        parser.error("--pcap and --svg cannot be given together: run it twice")
    make_printable(sys.stdout)
    try:
        with (
            nullcontext(sys.stdin.buffer)
            if options.file == "-"
            else open(options.file, "rb") as file
        ):
            return replay(file, options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 1
    except BadRecording as error:
        problem = f"{options.file!r} {error.what}, {error}"
    except NoConnection as error:
        problem = f"{options.file!r} {error}"
    except OSError as error:
        if is_of_output(error):
            raise
        problem = what_to_do(error, options)
    sys.stdout.flush()
    print(f"refws: {problem}", file=sys.stderr)
    return 2


def command_line() -> CommandLine:
    """The options."""
    parser = CommandLine(
        prog="python3 -m refws replay",
        description="Explains what --record FILE, a capture program or DevTools has recorded.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    option = parser.add_argument
    option(
        "file",
        metavar="FILE",
        type=not_empty,
        help="the tape, capture or HAR; - for standard input",
    )
    option("--full", action="store_true", help="show each head and frame bit by bit, not as a line")
    option(
        "--connection",
        metavar="NUMBER",
        type=connection_number,
        help="only the connection with this number (default: all)",
    )
    option(
        "--keep-going",
        action="store_true",
        help="explain what follows a violation, too, which a receiver does not read",
    )
    option(
        "--port",
        metavar="PORT",
        type=server_port,
        help=f"{PORT_HELP} (default: the ones that begin with an opening handshake)",
    )
    option(
        "--pcap",
        metavar="FILE",
        type=not_empty,
        help="explain nothing, but write the bytes to a file that Wireshark opens",
    )
    option(
        "--svg",
        metavar="FILE",
        type=not_empty,
        help="print nothing, but draw the frames as a sequence diagram, for a slide",
    )
    return parser


def connection_number(text: str) -> int:
    return whole_number(text, "the number of a connection", 0, MAX_CONNECTION)


def server_port(text: str) -> int:
    return whole_number(text, "a port", 1, 65_535)


def is_same_file(one: str, other: str) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def what_to_do(error: OSError, options: argparse.Namespace) -> str:
    reason = error.strerror or str(error)
    if error.filename is not None and error.filename in (options.pcap, options.svg):
        return f"cannot write {error.filename!r}, {reason}: give a file in a directory of yours"
    return (
        f"cannot read {options.file!r}, {reason}: give a tape that --record has written, a "
        "capture, or - for standard input"
    )


def replay(file: BinaryIO, options: argparse.Namespace) -> int:
    """Explain or export the tape; the exit status. BadRecording or OSError if that fails."""
    reader = open_recording(file, options.port)
    if isinstance(reader, HarReader):
        return show_messages(reader, options)
    entries = chosen(reader, options.connection)
    if options.pcap:
        status = export(reader, entries, options.pcap)
    else:
        status = draw(entries, options) if options.svg else explain(entries, options)
    sys.stdout.flush()
    for note in reader.notes():
        print(f"refws: {note}", file=sys.stderr)
    return status if reader.found else 2


def chosen(entries: Iterable[Entry], number: int | None) -> Iterator[Entry]:
    """The entries of the connection with this number, all if it is None.

    NoConnection at the end of the entries if none has this number.
    """
    numbers: set[int] = set()
    for entry in entries:
        numbers.add(entry.connection)
        if number in (None, entry.connection):
            yield entry
    if number is not None and number not in numbers:
        raise NoConnection(f"has no connection {number}: {what_there_is(sorted(numbers))}")


def what_there_is(numbers: list[int]) -> str:
    if not numbers:
        return "it has none"
    more = f" and {len(numbers) - NUMBERS_SHOWN} more" if len(numbers) > NUMBERS_SHOWN else ""
    return f"give --connection one of {', '.join(map(str, numbers[:NUMBERS_SHOWN]))}{more}"


def show_messages(reader: HarReader, options: argparse.Namespace) -> int:
    """Print the messages of a HAR. BadRecording if a capture is wanted, or if it has none."""
    if options.pcap:
        raise BadRecording("is a HAR file", "it has messages, not frames: no capture can be made")
    print(f"read as: HAR of DevTools; {NOT_FRAMES}", flush=True)
    numbers, lanes = list[int](), list[Lane]()
    for log in reader:
        numbers.append(log.number)
        if options.connection not in (None, log.number):
            continue
        if options.svg:
            lanes.append(lane_of(log))
        else:
            print(*lines_of(log), sep="\n", flush=True)
    if options.connection not in (None, *numbers):
        raise NoConnection(f"has no connection {options.connection}: {what_there_is(numbers)}")
    if not numbers:
        raise BadRecording("is a HAR file", "it has no WebSocket messages: open DevTools first")
    if options.svg:
        picture = draw_sequence(lanes[:MAX_LANES], max(len(lanes) - MAX_LANES, 0))
        write_picture(options.svg, picture)
    return 0


def draw(entries: Iterable[Entry], options: argparse.Namespace) -> int:
    """Write the sequence diagram of the entries; the exit status. OSError if that fails."""
    lanes = Lanes(options.keep_going)
    for entry in entries:
        lanes.add(entry)
    lanes.finish()
    if lanes.lanes:
        write_picture(options.svg, draw_sequence(lanes.lanes, lanes.left_out))
    return int(lanes.broken)


def write_picture(path: str, picture: str) -> None:
    """Write an SVG file, and say so. OSError if that fails."""
    Path(path).write_text(picture, encoding="utf-8")
    print(f"a picture in {path!r}: open it with a browser, or put it on a slide")


def export(reader: Recording, entries: Iterable[Entry], path: str) -> int:
    """Write the capture; the exit status. OSError if that fails."""
    with open(path, "wb") as file:
        number = write_pcap(file, entries, reader.recorded)
        size = file.tell()
    print(f"{number} packets in {count(size)}: open it with Wireshark, or tshark -r")
    return 0


def explain(entries: Iterable[Entry], options: argparse.Namespace) -> int:
    """Print the explanation of the entries; 1 if anything is illegal or cut off, otherwise 0."""
    replay = Replay(options.full, style_for(sys.stdout), options.keep_going)
    for entry in entries:
        replay.narrate(entry)
    replay.finish()
    return int(replay.broken)


class Replay:
    """The narrations of the connections that have not ended, by their numbers."""

    def __init__(self, full: bool, style: Style, keep_going: bool) -> None:
        self.broken = False
        self._full = full
        self._style = style
        self._keep_going = keep_going
        self._seconds = 0.0
        self._open: dict[int, tuple[float, Narration]] = {}

    def narrate(self, entry: Entry) -> None:
        """Print the items that this entry completes."""
        self._seconds = entry.seconds
        if entry.connection not in self._open:
            self._open[entry.connection] = self._begin(entry)
        began, narration = self._open[entry.connection]
        if isinstance(entry, Opened):
            print(introduction(entry), flush=True)
        elif isinstance(entry, Gap):
            self._print(narration, narration.lose(entry.seconds - began, entry.sender, entry.size))
        else:
            self._print(narration, narration.feed(entry.seconds - began, entry.sender, entry.data))
        if narration.over:
            del self._open[entry.connection]

    def finish(self) -> None:
        """Print the items that are cut off in the connections that have not ended."""
        for began, narration in self._open.values():
            self._print(narration, narration.finish(self._seconds - began))

    def _begin(self, entry: Entry) -> tuple[float, Narration]:
        """After an `open` line the opening handshake is next; otherwise the first byte decides."""
        at_handshake = entry.at_handshake if isinstance(entry, Opened) else None
        name = f"#{entry.connection}"
        return entry.seconds, Narration(
            name, self._full, self._style, at_handshake, self._keep_going, is_midway(entry)
        )

    def _print(self, narration: Narration, texts: list[str]) -> None:
        for text in texts:
            print(text, flush=True)
        self.broken |= narration.broken


def introduction(opened: Opened) -> str:
    client, server = opened.client or "an unknown address", opened.server or "an unknown address"
    return f"#{opened.connection} client {client}, server {server}"
