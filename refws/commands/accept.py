"""`python3 -m refws accept KEY [ACCEPT]`: RFC 6455 §4.2.2 item 5.4, a key -> its Accept."""

from __future__ import annotations

import re
import sys

from ..course.explain.handshake import accept_steps, what_is_wrong_with
from ..course.explain.values import AcceptSteps
from ..course.text.characters import escape, fold
from ..course.text.drawing import draw_accept
from ..course.text.style import Style
from ..course.text.terminal import columns_of, make_printable
from ..protocol.client.mistakes import find_mistake
from .options import CommandLine


def main(arguments: list[str] | None = None) -> int:
    """Print the computation. The exit status is explained in --help."""
    options = command_line().parse_args(arguments)
    make_printable(sys.stdout)
    key, notes = value_of("Sec-WebSocket-Key", options.key)
    key, more_notes = without_quotes(key)
    notes += more_notes
    if not key.isascii():
        print(
            f'wrong key: "{escape(key)}" is not ASCII, so it cannot be in a header; '
            "nothing is computed"
        )
        return 1
    steps = accept_steps(key)
    faults = faults_of_key(steps)
    if options.accept is not None:
        accept, more_notes = value_of("Sec-WebSocket-Accept", options.accept)
        notes += more_notes
        faults += faults_of_accept(steps, accept)
    columns = columns_of(sys.stdout)
    lines = (*notes, *draw_accept(steps, Style(columns=columns).width), *faults)
    print(*(part for line in lines for part in fold(line, columns)), sep="\n")
    return 1 if faults else 0


def value_of(name: str, given: str) -> tuple[str, list[str]]:
    """The value if the whole header line is given, and a line that says so."""
    line = re.fullmatch(rf"\s*[\"']?{name}[\"']?\s*:\s*(.*?)[\s,]*", given, re.IGNORECASE)
    return (line[1], [f" the whole line: the value of {name} is taken"]) if line else (given, [])


def without_quotes(key: str) -> tuple[str, list[str]]:
    """The key in the quotation marks of a program or a word processor, and a line that says so."""
    quoted = re.fullmatch(r"\s*(?:b?([\"'`])(.*)\1|[“„‘](.*)[”’“])[\s,;]*", key)
    if quoted is None:
        return key, []
    return quoted[2] or quoted[3] or "", [" the quotation marks: the key inside them is taken"]


def command_line() -> CommandLine:
    parser = CommandLine(
        prog="python3 -m refws accept",
        description=(
            "Computes Sec-WebSocket-Accept from Sec-WebSocket-Key, step by step (RFC "
            "6455 section 4.2.2)."
        ),
        epilog=(
            "Exit status: 0 if all is right, 1 for a wrong key or Accept, 2 for a bad command line."
        ),
        allow_abbrev=False,
    )
    parser.add_argument(
        "key",
        metavar="KEY",
        help="the value of Sec-WebSocket-Key, such as dGhlIHNhbXBsZSBub25jZQ==",
    )
    parser.add_argument(
        "accept",
        metavar="ACCEPT",
        nargs="?",
        help="a Sec-WebSocket-Accept to compare with",
    )
    return parser


def faults_of_key(steps: AcceptSteps) -> list[str]:
    """A line that says what is wrong with the key; [] if it is right."""
    wrong = what_is_wrong_with(steps.key)
    return [f"wrong key, §4.2.1 item 5: {wrong}"] if wrong else []


def faults_of_accept(steps: AcceptSteps, accept: str) -> list[str]:
    """A line that says what is wrong with the given Accept; [] if it is right."""
    if accept == steps.accept:
        return []
    mistake = find_mistake(steps.key, accept)
    return [
        f'wrong Accept, §4.1 response item 4: "{escape(accept)}"{f", {mistake}" if mistake else ""}'
    ]
