"""`python3 -m refws lab NAME`: an attack, step by step, with the defence against it on a switch."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from select import select
from textwrap import indent

from ..course.labs.labs import LABS
from ..course.labs.readings import Reading, lines
from ..course.labs.serving import serving_pages
from ..course.labs.stage import Run
from ..course.labs.story import Lab, Step
from ..course.labs.texts.english import ENGLISH
from ..course.labs.wires import explained, lines_of
from ..course.text.characters import WIDTH, fold_lines
from ..course.text.terminal import make_printable, style_for, text_width
from .options import CommandLine, port

WORDS = ENGLISH.words
INDENT = " " * 4
EXIT_STATUS = (
    "exit status: 0 if every step came out as the switch says, 1 if one did not, 2 for a bad "
    "command line"
)
LOOK = 0.2
"""Seconds between two looks while nothing happens; after each a Ctrl-C is noticed."""


def main(arguments: list[str] | None = None) -> int:
    """0 if every step came out as the switch says, 1 if one did not, 2 for a bad command line."""
    parser = command_line()
    options = parser.parse_args(arguments)
    make_printable(sys.stdout)
    if options.list:
        show(lab_list())
        return 0
    if options.browser is not None and options.name is None:
        return show_pages(options.browser, "/lab/")
    if options.name not in LABS:
        parser.error(unknown_lab(options.name))
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
            f"labs, in the order in which to take them:\n{lab_list()}"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=fold_lines(EXIT_STATUS, text_width()),
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


def unknown_lab(name: str | None) -> str:
    """One line: that no lab has this name, and which names there are."""
    labs = f"give {', '.join(LABS)}; --list says what each one shows"
    if name is None:
        return f"no lab is named: {labs}"
    nearest = get_close_matches(name.lower(), LABS, n=1)
    return f"there is no lab {name!r}: {f'did you mean {nearest[0]}? Or ' if nearest else ''}{labs}"


def lab_list() -> str:
    """Some lines for each lab: its name, its settings, and what one sees."""
    columns = text_width()
    seen = " " * (17 if columns == WIDTH else 4)
    lines: list[str] = []
    for name, lab in LABS.items():
        settings = "|".join(lab.defences)
        lines.append(f"  {name:<15}{lab.section:<14}{lab.minutes:>3} min   --defence {settings}")
        lines.append(seen + ENGLISH.labs[name].seen)
    return fold_lines("\n".join(lines), columns)


class Player:
    """Plays one lab and prints it.

    A reading is printed by the thread that takes it, while the one that plays waits for the step.
    """

    def __init__(self, lab: Lab, defence: str, options: argparse.Namespace) -> None:
        self._lab = lab
        self._text = ENGLISH.labs[lab.name]
        self._defence = defence
        self._headless: bool = options.headless
        self._waits: bool = options.step
        style = style_for(sys.stdout)
        self._width = style.width
        columns = None if style.columns is None else style.width - len(INDENT)
        self._style = replace(style, columns=columns)  # of the bytes, which are indented
        self._begun: list[str] = []
        """The names of the steps whose story is printed."""
        self._addresses = False
        """Whether a story has an address that a browser can open while the lab is played."""

    def play(self) -> int:
        """The exit status. Everything that the lab has started has ended afterwards."""
        self._fill(WORDS.warning)
        self._fill(f"{self._text.title} ({self._lab.section})")
        self._fill(f"{WORDS.switch}: {self._defence}: {self._text.switch[self._defence]}.")
        run = Run(self._lab, self._defence)
        try:
            return self._play(run)
        finally:
            run.end()

    def _play(self, run: Run) -> int:
        """Another thread plays, so that a Ctrl-C ends the lab from outside, in any wait."""
        missed, cast = 0, run.cast
        if not self._headless:
            cast.readings.follow(self._measured)
        for step in run:
            missed += not step.came_out
            self._tell(step)
        if run.error is not None:
            print(f"refws: {WORDS.why(run.error)}", file=sys.stderr)
            return 1
        self._end(missed)
        if self._lab.stays and not self._headless:
            with suppress(KeyboardInterrupt):
                self._fill(f"\n{WORDS.stays}")
                cast.log.follow(self._fill)
                while not cast.ending.wait(LOOK):
                    pass  # a Ctrl-C just before the wait does not end the wait
        return 1 if missed else 0

    def _end(self, missed: int) -> None:
        words = WORDS.some_did_not.format(count=missed) if missed else WORDS.all_came_out
        if self._headless:
            self._fill(words)
            return
        self._fill(f"\n{words}\n\n{self._text.lesson}")
        if self._addresses and not self._waits and not self._lab.stays:
            self._fill(f"\n{WORDS.addresses_ended}")
        others = [setting for setting in self._lab.defences if setting != self._defence]
        if others:
            self._fill(f"\n{WORDS.other_settings}")
        for setting in others:
            self._fill(f"  python3 -m refws lab {self._lab.name} --defence {setting}")

    def _begin(self, name: str, facts: Mapping[str, str]) -> None:
        """Title and story of a step."""
        self._begun.append(name)
        text = self._text.steps[name]
        story = text.story.format_map(facts)
        self._addresses = self._addresses or "http://" in story
        self._fill(f"\n{len(self._begun)}. {text.title}\n\n{story}")

    def _measured(self, reading: Reading) -> None:
        """A line as it comes; before the first one of a step, what its columns are."""
        if reading.step not in self._begun:
            self._begin(reading.step, reading.facts)
            self._fill(f"\n{self._text.steps[reading.step].measured} {WORDS.bars}\n")
        self._print(lines(reading, self._width))

    def _tell(self, step: Step) -> None:
        text = self._text.steps[step.name]
        verdict = WORDS.as_expected if step.came_out else WORDS.not_as_expected
        if self._headless:
            self._begun.append(step.name)
            self._print(f"{len(self._begun)}. {text.title}: {verdict}")
            return
        if step.name not in self._begun:
            self._begin(step.name, step.facts)
        for crossed, items in explained(step.crossed):
            lines = "\n".join(lines_of(crossed, items, self._style))
            self._print(f"\n  {crossed.way}:\n{indent(lines, INDENT)}")
        outcome = text.outcome_of(self._defence).format_map(step.facts)
        self._fill(f"\n{verdict}: {outcome}")
        if self._waits:
            self._wait()

    def _wait(self) -> None:
        """Wait for Enter. At the end of the input there is nothing to wait for from now on."""
        self._print(f"\n[{WORDS.press_enter}] ", end="")
        if not takes_line():
            self._waits = False
            self._fill(f"\n{WORDS.no_more_input}")

    def _fill(self, text: str) -> None:
        self._print(fold_lines(text, self._width))

    def _print(self, text: str, end: str = "\n") -> None:
        show(text, end)


def show(text: str, end: str = "\n") -> None:
    """Print at once. An output that no one reads is left; the servers of a lab have none."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def takes_line() -> bool:
    """Wait for Enter; False at the end of the input.

    A Ctrl-C just before a read is noticed only after it, so that a terminal is not read before
    there is a line. A program may be started without a standard input.
    """
    if sys.stdin is None:
        return False
    while os.name == "posix" and sys.stdin.isatty() and not select([sys.stdin], [], [], LOOK)[0]:
        pass
    return bool(sys.stdin.readline())


# In a browser


def show_pages(port: int, path: str) -> int:
    """Serve the pages to this machine until Ctrl-C; 2 if the port cannot be used."""
    try:
        with serving_pages(port) as server, suppress(KeyboardInterrupt):
            show(f"{WORDS.warning}\nhttp://127.0.0.1:{server.socket.getsockname()[1]}{path}")
            server.serve_forever()
    except OSError as error:
        advice = "give another --browser PORT, or none for a free one"
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"refws: cannot listen on port {port}, {reason}: {advice}", file=sys.stderr)
        return 2
    return 0
