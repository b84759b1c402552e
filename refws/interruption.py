"""Ctrl-C in a command -> exit status 130 without a traceback, from the first import on.

Python raises KeyboardInterrupt wherever it is, also in the middle of an import, and shows a
traceback. So `refws` imports this file first: until a command has begun, Ctrl-C ends the process at
once, and then the command's caller catches the exception. The start of Python itself, before the
first line of `refws`, cannot be reached. A program that imports `refws` keeps its own Ctrl-C; only
the traceback is left out where the exception has stopped a server, and nothing catches it.
"""

from __future__ import annotations

import os
import sys
from signal import SIGINT, default_int_handler, getsignal, signal
from types import FrameType, TracebackType

INTERRUPTED = 130
"""The exit status that shells use for a program that Ctrl-C has ended."""

NAMES = ("refws", "refws.exe", "refws-script.py")
"""The file of the installed command."""


def is_command(argv: list[str], orig_argv: list[str]) -> bool:
    """Whether the process is `python3 -m refws` or the installed command, and no other program.

    While `python -m` looks for a module, -m is in the place of its file.
    """
    if argv[:1] == ["-m"]:
        return orig_argv[-len(argv)] in ("refws", "-mrefws")
    return bool(argv) and os.path.basename(argv[0]) in NAMES


def end_at_once() -> None:
    """Let Ctrl-C end the process at once, unless someone else has decided what it does."""
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, exit_now)


def exit_now(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def raise_interruptions() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, which the caller of a command catches."""
    if getsignal(SIGINT) is exit_now:
        signal(SIGINT, default_int_handler)


def leave_out_traceback(interruption: KeyboardInterrupt) -> None:
    """Show no traceback of this exception, nor of another Ctrl-C while it is dealt with.

    The process still ends as any that Ctrl-C ends. A hook of the program's own is left alone.
    """
    if sys.excepthook is not sys.__excepthook__:
        return

    def show_others(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        again = isinstance(error, KeyboardInterrupt) and error.__context__ is interruption
        if error is not interruption and not again:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = show_others
