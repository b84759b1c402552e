"""What all command lines share: errors in one line, defaults, and text -> values of options."""

from __future__ import annotations

import argparse
import itertools
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ..course.text.characters import escape_words
from ..endpoint.settings import Settings
from ..protocol.http import is_token
from ..protocol.origin_form import check_one_origin, parse_pattern

DEFAULTS = Settings()
"""The limits and times of a connection, unless an option changes them."""

MAX_MESSAGE_SIZE = 2**63 - 1
"""The most bytes in the payload of a frame (§5.2)."""

MAX_CONNECTIONS = 1_000_000

MAX_SECONDS = 86_400
"""The seconds of a day."""


class CommandLine(argparse.ArgumentParser):
    """A parser that ends the process at a bad option, with status 2 and one line that explains.

    `elsewhere` has options of other programs, and what to write here instead; `too_many` says what
    to do with an argument for which there is no place, `missing` what to write for a missing one.
    """

    elsewhere: Mapping[str, str] = {}
    too_many = "leave it out"
    missing = "give one"

    def parse_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Name an option that does not exist first: argparse takes its value for an argument."""
        args = sys.argv[1:] if args is None else list(args)
        is_value = False
        for word in itertools.takewhile("--".__ne__, args):
            if not is_value and (is_option(word) or word in self.elsewhere):
                self._check_option(word)
            option = None if is_value else self._option_string_actions.get(word)
            is_value = option is not None and option.nargs is None
        return super().parse_args(args, namespace)

    def print_help(self, file: Any = None) -> None:
        """It may have a character, such as §, that the encoding of standard output does not."""
        from ..course.text.terminal import make_printable

        make_printable(sys.stdout)
        super().print_help(file)

    def _check_option(self, word: str) -> None:
        known = self._option_string_actions
        name, equals, _ = word.partition("=")
        if word in known or (name in known and not (equals and known[name].nargs == 0)):
            return
        if name in known:
            others = [f" or {option}" for option in known if option.startswith(f"{name}=")]
            self.error(f"there is no option {word!r}: write {name}{''.join(others)}")
        if word[:2] not in known or known[word[:2]].nargs == 0:
            self.error(f"there is no option {name!r}{self._instead(name)}")

    def _instead(self, name: str) -> str:
        from difflib import get_close_matches

        letter = name[:2]  # of -n1 or -vv; of a long option it is --, which is in no table
        if name in self.elsewhere or letter in self.elsewhere:
            return f": {self.elsewhere.get(name) or self.elsewhere[letter]}"
        known = {option.lstrip("-"): option for option in self._option_string_actions}
        nearest = get_close_matches(name.lstrip("-"), known, n=1, cutoff=0.7)
        return f": did you mean {known[nearest[0]]}?" if nearest else ""

    def error(self, message: str) -> NoReturn:
        in_plain_words = {
            r"unrecognized arguments: ([^\0]*)": rf"there is no place for \1: {self.too_many}",
            r"the following arguments are required: (.*)": rf"\1 is missing: {self.missing}",
            r"argument (?:\S+/)?(\S+): expected one argument": rf"\1 needs a value{JOINED}",
        }
        for pattern, instead in in_plain_words.items():
            message = re.sub(pattern, instead, message)
        self.exit(2, f"refws: {escape_words(message)}; see {self.prog} --help\n")


def is_option(word: str) -> bool:
    """Whether the word is in the form of an option: -1 is a number, and - often standard input."""
    return re.match("-[^0-9. ]", word) is not None and " " not in word.partition("=")[0]


JOINED = r"; one that begins with - is joined with =, as in \1=-value"
"""How argparse wants a value that looks like an option."""


def pem_problem(error: OSError, options: str) -> str:
    """One line: the PEM file that cannot be used, the reason, and what to give to these options."""
    if error.filename is None:
        return str(error)
    reason = error.strerror
    return f"cannot read {error.filename!r}, {reason}: give {options} PEM files that you may read"


def not_empty(text: str) -> str:
    if text:
        return text
    raise argparse.ArgumentTypeError("it is empty: give a value, or leave the option out")


def port(text: str) -> int:
    return whole_number(text, "a TCP port", 0, 65_535)


def message_size(text: str) -> int:
    return whole_number(text, "a size in bytes", 1, MAX_MESSAGE_SIZE)


def connection_count(text: str) -> int:
    return whole_number(text, "a number of connections", 1, MAX_CONNECTIONS)


def header_line_count(text: str) -> int:
    return whole_number(text, "a number of header lines", 1, MAX_MESSAGE_SIZE)


def add_ping_interval(parser: CommandLine) -> None:
    """--ping-interval: the heartbeat of this side (§5.5.2)."""
    parser.add_argument(
        "--ping-interval",
        metavar="SECONDS",
        type=seconds_or_off,
        default=DEFAULTS.ping_interval,
        help="time from one Ping to the next, in seconds; 0 sends no Pings (default: %(default)s)",
    )


def add_trust_options(parser: CommandLine) -> None:
    """--insecure and --ca: which servers to trust over TLS."""
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="with wss://, accept any certificate, and so any server",
    )
    parser.add_argument(
        "--ca",
        metavar="FILE",
        type=not_empty,
        help="with wss://, trust the CAs in this PEM file (default: the system's CAs)",
    )


def add_head_options(parser: CommandLine) -> None:
    """--max-line-size, --max-header-lines, --max-head-size: limits of the opening handshake."""
    option = parser.add_argument
    option(
        "--max-line-size",
        metavar="BYTES",
        type=message_size,
        default=DEFAULTS.max_line_size,
        help="longest line of the opening handshake to accept, in bytes (default: %(default)s)",
    )
    option(
        "--max-header-lines",
        metavar="NUMBER",
        type=header_line_count,
        default=DEFAULTS.max_header_lines,
        help="most header lines of the opening handshake to accept (default: %(default)s)",
    )
    option(
        "--max-head-size",
        metavar="BYTES",
        type=message_size,
        default=DEFAULTS.max_head_size,
        help="largest opening handshake to accept, in bytes (default: %(default)s)",
    )


def fragment_count(text: str) -> int | None:
    return whole_number(text, "a number of fragments", 0, MAX_MESSAGE_SIZE) or None


def whole_number(text: str, meaning: str, lowest: int, highest: int) -> int:
    if re.fullmatch("[0-9]{1,19}", text) and lowest <= int(text) <= highest:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is not {meaning}: give a whole number from {lowest} to {highest}"
    )


def seconds(text: str, or_off: str = "") -> float:
    value = number(text)
    if 0 < value <= MAX_SECONDS:
        return value
    expected = f"give seconds above 0 and at most {MAX_SECONDS} (a day){or_off}"
    raise argparse.ArgumentTypeError(f"{text!r} is not a time: {expected}")


def seconds_or_off(text: str) -> float | None:
    return None if number(text) == 0 else seconds(text, ", or 0 for off")


def number(text: str) -> float:
    """The number in `text`; NaN, which is in no range, if it is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def origin(text: str) -> str:
    """A value for the `origins` of `serve`."""
    try:
        parse_pattern(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def own_origin(text: str) -> str:
    """A value for the `origin` of `connect`: an origin, no pattern of several."""
    try:
        return check_one_origin(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def subprotocol(text: str) -> str:
    if is_token(text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a subprotocol: give letters, digits and signs such as . - _"
    )
