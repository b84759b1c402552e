"""RFC 6455 §5: the options --trace and --record -> the trace of each connection.

Modules of the course are imported only if an option needs them, so that a server starts faster.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from collections.abc import Callable
from logging import Logger, getLogger
from typing import TYPE_CHECKING

from ..endpoint.traces import ChooseTrace
from .options import CommandLine, not_empty

if TYPE_CHECKING:
    from ..course.record.recorder import Recorder

LOGGER = getLogger("refws")


def add_trace_options(parser: CommandLine) -> None:
    """--trace, --trace=full, --record FILE, --record-secrets and --record-overwrite."""
    option = parser.add_argument
    option(
        "--trace",
        action="store_const",
        const="lines",
        help="show a line for every head and frame that arrives or leaves",
    )
    option(
        "--trace=full",
        dest="trace",
        action="store_const",
        const="full",
        help="show every head and frame bit by bit",
    )
    option(
        "--record",
        metavar="FILE",
        type=not_empty,
        help="write all bytes to a tape, which `python3 -m refws replay FILE` explains again",
    )
    option(
        "--record-secrets",
        action="store_true",
        help="write queries, cookies and passwords too; without it they become **** on the tape",
    )
    option(
        "--record-overwrite",
        action="store_true",
        help="replace a tape that is already there, with the first connection",
    )


def choose_trace(
    parser: CommandLine,
    options: argparse.Namespace,
    show: Callable[[str], None] | None = None,
    page: ChooseTrace | None = None,
    logger: Logger = LOGGER,
) -> list[ChooseTrace]:
    """The argument `trace` of `serve` or `connect`: a function for each option given, and `page`.

    Lines of text go to `show`, or to standard output if it is None. A tape that cannot be written
    ends the process with status 2.
    """
    check_trace_options(parser, options, has_output=show is not None or sys.stdout is not None)
    choices = [live_trace(options, show, logger)] if options.trace else []
    choices += [recording(parser, options, logger).choose] if options.record else []
    choices += [page] if page is not None else []
    return choices


def check_trace_options(parser: CommandLine, options: argparse.Namespace, has_output: bool) -> None:
    """End the process with status 2 if these options need others, or an output."""
    if options.record_secrets and not options.record:
        parser.error("--record-secrets needs --record FILE, the tape to write them to")
    if options.record_overwrite and not options.record:
        parser.error("--record-overwrite needs --record FILE, the tape to replace")
    if options.trace and not has_output:
        parser.error("--trace needs standard output, which is closed")


def live_trace(
    options: argparse.Namespace, show: Callable[[str], None] | None, logger: Logger
) -> ChooseTrace:
    """The trace of --trace. It has colours only on a terminal, and never through `show`."""
    from ..course.record.live import Live
    from ..course.record.output import Output
    from ..course.text.terminal import style_for

    full = options.trace == "full"
    if show is not None:
        return Live(line_by_line(show), full, logger=logger).choose
    return Live(Output(sys.stdout).show, full, style_for(sys.stdout), logger).choose


def line_by_line(show: Callable[[str], None]) -> Callable[[str], None]:
    def show_lines(text: str) -> None:
        for line in text.splitlines():
            show(line)

    return show_lines


def recording(parser: CommandLine, options: argparse.Namespace, logger: Logger) -> Recorder:
    """The tape of --record. It is open until the process ends, which it does here if it fails."""
    from ..course.record.recorder import Recorder

    if not options.record_overwrite and has_content(options.record):
        parser.error(
            f"{options.record!r} is there already, and recording would replace it: give "
            "--record another file, or add --record-overwrite"
        )
    try:
        recorder = Recorder(options.record, not options.record_secrets, logger)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        parser.error(
            f"cannot write the tape {options.record!r}, {reason}: give a file in a directory "
            "of yours"
        )
    atexit.register(recorder.close)
    return recorder


def has_content(path: str) -> bool:
    """Whether this is a file, no pipe or device, that is not empty."""
    return os.path.isfile(path) and os.path.getsize(path) > 0
