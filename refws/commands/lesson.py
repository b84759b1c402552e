"""`python3 -m refws lesson [N]`: the steps of the first lesson, or one of them, as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import fill

from ..course.lesson import INTRODUCTION, SERVER, STEPS, Step
from ..course.text.characters import WIDTH
from ..course.text.terminal import make_printable
from .options import CommandLine, whole_number


def main(arguments: list[str] | None = None) -> int:
    """Print the step that `arguments` name, or the introduction and all steps. Always 0."""
    options = command_line().parse_args(arguments)
    make_printable(sys.stdout)
    numbers = range(1, len(STEPS) + 1) if options.step is None else [options.step]
    if options.step is None:
        print(f"{fill(INTRODUCTION, WIDTH)}\n\n  $ {SERVER}\n")
    print("\n\n".join("\n".join(step_lines(number, STEPS[number - 1])) for number in numbers))
    return 0


def command_line() -> CommandLine:
    parser = CommandLine(
        prog="python3 -m refws lesson",
        description=f"Prints a first lesson in WebSocket: {len(STEPS)} steps, each with a command.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "step", metavar="N", nargs="?", type=step_number, help="the number of a step (default: all)"
    )
    return parser


def step_number(text: str) -> int:
    return whole_number(text, "the number of a step", 1, len(STEPS))


def step_lines(number: int, step: Step) -> Iterator[str]:
    """A step as lines; a command is never wrapped, so that it can be copied."""
    yield f"{number}. {step.title} ({step.section})"
    yield from fill(step.text, WIDTH, break_long_words=False, break_on_hyphens=False).splitlines()
    yield ""
    yield f"  $ {step.command}"
    yield from (f"  {line}" for line in step.output.splitlines())
    if step.live:
        yield f"  $ {step.live}"
