"""A program in a pseudo-terminal -> what its user sees; a session in a text -> the same, played."""

import codecs
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path
from textwrap import dedent
from time import monotonic

PROJECT = Path(__file__).parent.parent
DEADLINE_S = 10
"""Seconds that a test waits for what a program shows; a process needs some of them to start."""

QUIET_S = 0.5
"""Seconds without output after which the program gets a signal; `_read` says why."""

COLUMNS = 160
PROMPT = "> "
COMMAND_PROMPT = "$ "

WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Makes standard input its controlling terminal, where Ctrl-C works, then runs the program."""

CONTROL_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
MODES = ("h", "l")


class Screen:
    """All lines that were ever shown, for the few control characters that a line editor uses."""

    def __init__(self):
        self.lines = [""]
        self.column = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def feed(self, data):
        self._rest += self._decoder.decode(data)
        while self._rest:
            if self._rest[0] != "\x1b":
                self._take(self._rest[0])
                self._rest = self._rest[1:]
            elif sequence := CONTROL_SEQUENCE.match(self._rest):
                self._obey(*sequence.groups())
                self._rest = self._rest[sequence.end() :]
            else:
                assert len(self._rest) < 10, f"not a control sequence: {self._rest[:10]!r}"
                return

    def _take(self, character):
        if character == "\n":
            self.lines.append("")
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column -= 1
        elif character != "\a":
            assert character.isprintable(), f"{character!r} on the screen"
            line = self.lines[-1].ljust(self.column)
            self.lines[-1] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1

    def _obey(self, number, letter):
        if letter == "K":
            self.lines[-1] = self.lines[-1][: self.column]
        else:
            assert letter in MODES, f"control sequence with {number}{letter}"


class PseudoTerminal:
    """A Python program whose terminal this is. `with` ends the program and closes the terminal."""

    def __init__(self, *arguments, state=os.devnull):
        """`state` is where the program may keep files; by default nothing can be kept there."""
        self.screen = Screen()
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, COLUMNS))
        settings = {"TERM": "xterm", "INPUTRC": os.devnull, "XDG_STATE_HOME": str(state)}
        variables = {**os.environ, **settings}
        command = [sys.executable, "-c", WITH_TERMINAL, *arguments]
        ends = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=variables, start_new_session=True, **ends
        )
        os.close(slave)
        self._too_long = threading.Timer(3 * DEADLINE_S, self.process.kill)
        self._too_long.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._too_long.cancel()
        self._too_long.join()
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def modes(self):
        """The settings that a line editor changes, such as whether typed characters are shown."""
        return termios.tcgetattr(self._master)[:4]

    def type(self, characters):
        os.write(self._master, characters.encode())

    def wait_for(self, is_shown):
        """Read until `is_shown`, a function of the text on the screen, returns True."""
        deadline = monotonic() + DEADLINE_S
        while not is_shown(self.screen.text):
            more = self._read() and monotonic() < deadline
            assert more, f"this is all that is shown:\n{self.screen.text}"

    def wait_for_end(self):
        """The exit status, once all that the program has written is on the screen."""
        deadline = monotonic() + DEADLINE_S
        while self._read() and monotonic() < deadline:
            pass
        return self.process.wait(DEADLINE_S)

    def _read(self):
        """Show the next output on the screen; False at its end.

        If there is none for `QUIET_S`, send SIGWINCH, which changes nothing: a signal that arrives
        just before readline begins to wait is noticed by Python only when another one follows.
        """
        if not select.select([self._master], [], [], QUIET_S)[0]:
            self.process.send_signal(signal.SIGWINCH)
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False  # Linux says so where the other end is closed
        self.screen.feed(data)
        return bool(data)


# Sessions in a text


def play(block, port):
    """What the screen shows when the command and the lines of the block are typed.

    The command is after "$ python3", each line after "> ". A line is typed when all above it is
    shown. Port 8080 of the block becomes `port` in the command, and 8080 again in the result.
    """
    played = []
    for command, lines in sessions(dedent(block)):
        words = command.removeprefix("python3 ").replace(":8080", f":{port}").split()
        with PseudoTerminal(*words) as terminal:
            for number, line in enumerate(lines):
                if line.startswith(PROMPT):
                    expected = normal("\n".join([*lines[:number], PROMPT.rstrip()]))
                    terminal.wait_for(
                        lambda text, expected=expected: as_in_block(text, port) == expected
                    )
                    terminal.type(line.removeprefix(PROMPT) + "\n")
            terminal.wait_for_end()
        played += [COMMAND_PROMPT + command, terminal.screen.text.replace(f":{port}", ":8080")]
    return "\n".join(played)


def as_in_block(text, port):
    return normal(text.replace(f":{port}", ":8080"))


def sessions(block):
    """(command, the lines after it) of each session in the block."""
    parts = re.split(rf"^{re.escape(COMMAND_PROMPT)}", block.strip("\n"), flags=re.MULTILINE)
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts if part]


def normal(text):
    """The text with every time as 0.0 ms, without its indentation and its blank lines."""
    return "\n".join(
        re.sub(r"\b\d+\.\d ms", "0.0 ms", line)
        for line in dedent(text).splitlines()
        if line.strip()
    )
