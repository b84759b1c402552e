"""`python3 -m refws lesson [N]`: the steps of the first lesson, or one of them, as text.

The answers to the questions are not next to them, so that a reader can think first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ..course.lesson import INTRODUCTION, SERVER, STEPS, Step
from ..course.text.characters import fold, fold_lines
from ..course.text.terminal import make_printable, text_width
from .options import CommandLine, whole_number

ANSWERS = "python3 -m refws lesson --answers"


def main(arguments: list[str] | None = None) -> int:
    """Print the step that `arguments` name, or the introduction and all steps. Always 0."""
    options = command_line().parse_args(arguments)
    make_printable(sys.stdout)
    numbers = range(1, len(STEPS) + 1) if options.step is None else [options.step]
    lines = answer_lines if options.answers else step_lines
    if options.step is None and not options.answers:
        print(f"{fold_lines(INTRODUCTION, text_width())}\n\n  $ {SERVER}\n")
    print("\n\n".join("\n".join(lines(number, STEPS[number - 1])) for number in numbers))
    if not options.answers:
        print(fold_lines(f"\n{ANSWERS} shows the answers.", text_width()))
    return 0


def command_line() -> CommandLine:
    parser = CommandLine(
        prog="python3 -m refws lesson",
        description=(
            f"Prints a first lesson in WebSocket: {len(STEPS)} steps, each with a command and a "
            "question."
        ),
        allow_abbrev=False,
    )
    parser.add_argument(
        "step", metavar="N", nargs="?", type=step_number, help="the number of a step (default: all)"
    )
    parser.add_argument(
        "--answers", action="store_true", help="print the questions with their answers instead"
    )
    return parser


def step_number(text: str) -> int:
    return whole_number(text, "the number of a step", 1, len(STEPS))


def step_lines(number: int, step: Step) -> Iterator[str]:
    """A step as lines; a command is never wrapped, so that it can be copied."""
    yield from wrapped(heading(number, step))
    yield from wrapped(step.text)
    yield ""
    yield from shown(step.command, step.output)
    if step.live:
        yield from shown(step.live, step.live_output)
    yield ""
    yield from wrapped(f"Question: {step.question}")


def answer_lines(number: int, step: Step) -> Iterator[str]:
    """The question of a step, and its answer."""
    yield from wrapped(heading(number, step))
    yield from wrapped(f"Question: {step.question}")
    yield from wrapped(f"Answer: {step.answer}")


def heading(number: int, step: Step) -> str:
    return f"{number}. {step.title} ({step.section})"


def shown(command: str, output: str) -> Iterator[str]:
    yield f"  $ {command}"
    yield from (f"  {line}".rstrip() for line in output.splitlines())


def wrapped(text: str) -> list[str]:
    return fold(text, text_width())
