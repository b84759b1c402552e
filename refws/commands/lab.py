"""`python3 -m refws lab NAME`: an attack, step by step, with the defence against it on a switch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from textwrap import fill

from ..course.labs.cast import Cast
from ..course.labs.labs import LABS
from ..course.labs.serving import serving_pages
from ..course.labs.story import Lab, Step
from ..course.labs.texts.english import ENGLISH
from ..course.labs.wires import lines_of
from ..course.text.characters import WIDTH
from ..course.text.drawing import Style
from ..course.text.terminal import make_printable, uses_color
from .options import CommandLine, port

WORDS = ENGLISH.words


def main(arguments: list[str] | None = None) -> int:
    """0 if every step came out as the switch says, 1 if one did not, 2 for a bad command line."""
    parser = command_line()
    options = parser.parse_args(arguments)
    make_printable(sys.stdout)
    if options.list:
        print("\n".join(list_lines()))
        return 0
    if options.browser is not None and options.name is None:
        return show_pages(options.browser, "/lab/")
    if options.name not in LABS:
        what = "no lab is named" if options.name is None else f"there is no lab {options.name!r}"
        parser.error(f"{what}: give {', '.join(LABS)}; --list says what each one shows")
    lab = LABS[options.name]
    defence = options.defence or lab.defences[0]
    if defence not in lab.defences:
        settings = " or ".join(lab.defences)
        parser.error(f"{lab.name} has no --defence {options.defence!r}: give {settings}")
    if options.browser is not None:
        return show_pages(options.browser, f"/lab/{lab.name}/{defence}/1")
    return Player(lab, defence, options).play()


def command_line() -> CommandLine:
    parser = CommandLine(
        prog="python3 -m refws lab",
        description=(
            "Plays an attack on this machine, step by step, with the defence on or off.\n\n"
            "labs, in the order in which to take them:\n" + "\n".join(list_lines())
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit status: 0 if every step came out as the switch says, 1 if one did not, 2 for "
        "a bad command line",
        allow_abbrev=False,
    )
    option = parser.add_argument
    option("name", metavar="NAME", nargs="?", help="the lab")
    option("--list", action="store_true", help="list the labs, and end")
    option(
        "--defence",
        metavar="SETTING",
        help="the setting of the switch, such as on (the default of most labs) or off",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--step", action="store_true", help="wait for Enter after each step")
    pace.add_argument(
        "--headless", action="store_true", help="a line for each step, and no wait; for scripts"
    )
    pace.add_argument(
        "--browser",
        metavar="PORT",
        nargs="?",
        type=port,
        const=0,
        help="show the labs as pages at this port, or at a free one, until Ctrl-C",
    )
    return parser


def list_lines() -> Iterator[str]:
    """A line or two for each lab: its name, its settings, and what one sees."""
    for name, lab in LABS.items():
        settings = "|".join(lab.defences)
        yield f"  {name:<15}{lab.section:<14}{lab.minutes:>3} min   --defence {settings}"
        yield fill(
            ENGLISH.labs[name].seen, WIDTH, initial_indent=" " * 17, subsequent_indent=" " * 17
        )


class Player:
    """Plays one lab and prints it."""

    def __init__(self, lab: Lab, defence: str, options: argparse.Namespace) -> None:
        self._lab = lab
        self._text = ENGLISH.labs[lab.name]
        self._defence = defence
        self._headless: bool = options.headless
        self._waits: bool = options.step and sys.stdin.isatty()
        self._style = Style(uses_color(sys.stdout))

    def play(self) -> int:
        """The exit status. Everything that the lab has started has ended afterwards."""
        missed = 0
        print(WORDS.warning)
        print(f"{self._text.title} ({self._lab.section})")
        print(filled(f"{WORDS.switch}: {self._defence}: {self._text.switch[self._defence]}."))
        try:
            with Cast(self._defence) as cast:
                for number, step in enumerate(self._lab.play(cast), 1):
                    missed += not step.came_out
                    self._tell(number, step)
                self._end(missed)
                if self._lab.stays and not self._headless:
                    with suppress(KeyboardInterrupt):
                        print(f"\n{WORDS.stays}", flush=True)
                        cast.ending.wait()
        except (OSError, EOFError) as error:
            words = WORDS.failed.format(error=error or type(error).__name__)
            print(f"refws: {words}", file=sys.stderr)
            return 1
        return 1 if missed else 0

    def _end(self, missed: int) -> None:
        words = WORDS.some_did_not.format(count=missed) if missed else WORDS.all_came_out
        print(words if self._headless else f"\n{words}")
        if not self._headless:
            print(f"\n{filled(self._text.lesson)}", flush=True)

    def _tell(self, number: int, step: Step) -> None:
        text = self._text.steps[step.name]
        verdict = WORDS.as_expected if step.came_out else WORDS.not_as_expected
        if self._headless:
            print(f"{number}. {text.title}: {verdict}", flush=True)
            return
        print(f"\n{number}. {text.title}\n\n{filled(text.story.format_map(step.facts))}")
        for crossed in step.crossed:
            lines = "\n".join(f"    {line}".rstrip() for line in lines_of(crossed, self._style))
            print(f"\n  {crossed.way}:\n{lines}")
        outcome = text.outcome_of(self._defence).format_map(step.facts)
        print(f"\n{filled(f'{verdict}: {outcome}')}", flush=True)
        if self._waits:
            input(f"\n[{WORDS.press_enter}] ")


def filled(text: str) -> str:
    """The text with lines of at most WIDTH columns; its own line ends stay."""
    return "\n".join(fill(line, WIDTH) for line in text.split("\n"))


# In a browser


def show_pages(port: int, path: str) -> int:
    """Serve the pages to this machine until Ctrl-C; 2 if the port cannot be used."""
    try:
        with serving_pages(port) as server, suppress(KeyboardInterrupt):
            print(WORDS.warning)
            print(f"http://127.0.0.1:{server.socket.getsockname()[1]}{path}", flush=True)
            server.serve_forever()
    except OSError as error:
        advice = "give another --browser PORT, or none for a free one"
        print(f"refws: cannot listen on port {port}, {error.strerror}: {advice}", file=sys.stderr)
        return 2
    return 0
