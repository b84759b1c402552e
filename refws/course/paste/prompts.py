"""Lines with a prompt: what was typed into a shell or a debugger, before what it printed."""

from __future__ import annotations

import re

from .values import shown

PROMPT = re.compile(
    r"\s*(?:\$ (?=[A-Za-z./])|[\w.-]+@[\w.-]+[: ][^$#\n]{0,80}[$#] |>>> |In \[\d+\]: "
    r"|PS [A-Za-z]:[^>\n]{0,80}> ?|[A-Z]:\\[^>\n]{0,80}>"
    r"|iex\(\d+\)> |\d+> (?=[A-Za-z])|irb\([^)\n]*\):\d+(?::\d+)?[>*] |\[\d+\] pry\(.{1,40}\)> "
    r"|php > |\((?:gdb|lldb|byebug|Pdb)\) |\w+=[#>] |mysql> |\d+:\d+> |-d (?=[0-9A-Fa-f:]+$))\S.*"
)
"""Of a shell, Python, PowerShell, cmd.exe, iex, erl, irb, pry, PHP, debuggers, psql, and DEBUG"""

BYTES = re.compile(r"[0-9A-Fa-f]{2}|[\"'\\][^\s]|b['\"]|[\[{(<]\s*-?\d")


SHORTEST = 5
"""Characters of what was printed, if it is bytes and not their number."""


def without_commands(text: str) -> tuple[str, list[str]]:
    """The lines without the ones that were typed, if others may have bytes, and a note."""
    lines = text.split("\n")
    typed = [line.strip() for line in lines if PROMPT.fullmatch(line)]
    rest = "\n".join("" if PROMPT.fullmatch(line) else line for line in lines)
    if not typed or len(rest.strip()) < SHORTEST or not BYTES.search(rest):
        return text, []
    return rest, [f"left out, because it was typed: {shown(typed[0])}"]
