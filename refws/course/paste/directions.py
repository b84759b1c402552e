"""Logs whose lines say who sends: "TX: 81 05", "<-- 81 05", socat, ngrep, Autobahn -> their parts.

A part begins where a line names a direction. Its bytes are after that name, or in the lines after
it, in any form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...protocol.frame import Side
from .values import shown

WORDS = {
    "client": r"client\s?(?:-+>|=>|→|to)\s?server|c\s?-+>\s?s|client|browser|request|c(?=:)",
    "server": r"server\s?(?:-+>|=>|→|to)\s?client|s\s?-+>\s?c|server|response|s(?=:)",
    "out": r"tx|sending|sends?|sent|outgoing|out|write|wrote|upstream|upload|-+>|=+>|>{1,3}|[→↑⬆]",
    "in": r"rx|receiving|receives?|received|recv|incoming|in|read|downstream|download|<-+|<=+"
    r"|<{1,3}|[←↓⬇]",
}
"""Who speaks -> what names it; the first two are sides, the others are relative to a program."""

LONGEST_NAME = 200
"""Characters of a line before its bytes."""

SIDES = {side.value: side for side in Side}

NAMED = re.compile(
    r"\s*(?:\d{3} |\d{1,3}[.)] )?\[?(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in WORDS.items())
    + r")(?P<end>\]?(?=[\s:=(]|$)\]?)(?P<rest>.*)",
    re.IGNORECASE,
)
PROSE = re.compile(
    r"(?i:.*?\b(?P<word>client|browser|server|send|sent|sends|get|receive|received)\b.*?:(?P<rest>.*))"
)
NGREP = re.compile(r"[TU](?: [\d/:. ]+)? (?P<source>\S+) -> \S+(?: \[\w+\])?(?: #\d+)?\s*")
ENDS = re.compile(r"\s*(?P<source>\S+:\d+)\s*(?:-+>|→|=>)\s*\S+:\d+\s*(?::\s*(?P<rest>.*))?")
"""127.0.0.1:50000 -> 127.0.0.1:8080: the bytes of its first end."""

MARKS = "*#_ "
"""What Markdown puts around a heading, or a word."""

NO_PART = re.compile(r"(?:--+|#+|(?:interface|filter|match): .*|-----.*)?")
AFTER_NAME = re.compile(
    r"|.*:|(?:sends?|replie[sd]|answer(?:s|ed)?|says|said|gets|got|receive[sd]?|responds?)\b[^\d]*"
)
"""The end of a line whose bytes are in the lines after it."""

SOCAT = re.compile(r"\s*\d{4}/\d\d/\d\d [\d:.]+\s+length=\d+ .*")
EVENT_OF_AUTOBAHN = re.compile(r"\d{3} (?:[TR]X FRAME|[A-Z]{3,}) .*")

BYTES = re.compile(
    r"(?:0x|\\x)?[0-9A-Fa-f]{2}(?:[\s,:;-]|[0-9A-Fa-f]{2}|$)|[bB]?[\"'][^\"']*\\|[\[{(<]+\s*-?\d"
    r"|<Buffer|\\[x0-9]|-?\d{1,3}[\s,]|(?:[A-Za-z0-9+/]{4}){2,}={0,2}$"
)
"""How bytes begin, in any form."""


@dataclass(slots=True)
class Part:
    """What one side sent at once: the lines of its bytes, the first in line `number`."""

    speaker: str
    number: int
    lines: list[str] = field(default_factory=list)
    inline: bool = False


def recognises(text: str) -> bool:
    """Two speakers with bytes; or one whose bytes are in the lines after its name."""
    parts = split(text)[0]
    speakers = {part.speaker for part in parts}
    return len(speakers) > 1 or any(not part.inline for part in parts)


def split(text: str) -> tuple[list[Part], list[str]]:
    """The parts with bytes, and the lines that belong to none."""
    parts: list[Part] = []
    others: list[str] = []
    inside: Part | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if EVENT_OF_AUTOBAHN.fullmatch(line):
            inside = None
            others.append(line.strip())
        elif part := part_of(line, number):
            inside = part
            parts.append(part)
        elif NO_PART.fullmatch(line.strip()):
            if inside is not None and inside.lines:
                inside.lines.append("")
        elif inside is not None and BYTES.match(line.strip()):
            inside.lines.append(line)
        else:
            others.append(line.strip())
    return [part for part in parts if any(map(str.strip, part.lines))], others


def part_of(line: str, number: int) -> Part | None:
    """The part that begins in this line."""
    if ngrep := NGREP.fullmatch(line):
        return Part(ngrep["source"], number + 1)
    if ends := ENDS.fullmatch(line):
        if inline := bytes_in(ends["rest"] or ""):
            return Part(ends["source"], number, [inline], inline=True)
        return None if ends["rest"] else Part(ends["source"], number + 1)
    if match := NAMED.fullmatch(line.strip(MARKS)):
        speaker = next(name for name in WORDS if match[name])
        if SOCAT.fullmatch(match["rest"]):
            return Part(speaker, number + 1)
        if inline := bytes_in(match["rest"]):
            return Part(speaker, number, [inline], inline=True)
        if AFTER_NAME.fullmatch(match["rest"].strip()):
            return Part(speaker, number + 1)
    if prose := PROSE.fullmatch(line[:LONGEST_NAME].strip(MARKS)):
        return part_in_prose(line, prose, number)
    return None


def part_in_prose(line: str, prose: re.Match[str], number: int) -> Part | None:
    """The part that a sentence announces, which names a side or a direction before its colon."""
    if inline := bytes_in(line[line.index(":") :]):
        return Part(prose["word"].lower(), number, [inline], inline=True)
    return None if prose["rest"].strip() else Part(prose["word"].lower(), number + 1)


def names_direction(line: str) -> bool:
    """Whether a line names who sends the bytes in the lines after it."""
    part = part_of(line, 0)
    return part is not None and not part.inline


BEFORE_BYTES = re.compile(r"\s*(?:\(\d+\)\s*:?\s+|(?:<{2,3}|>{2,3}|-+>|<-+)\s+)?")
"""How many bytes there are, or an arrow after a word."""


def bytes_in(rest: str) -> str:
    """What looks like bytes at the end of a line: after a colon or an equals sign, or all of it."""
    ends = re.finditer(r"[:=]\s+|\)\s+|(?:<{2,3}|>{2,3}|-+>|<-+)\s+", rest[:LONGEST_NAME])
    starts = [match.end() for match in (BEFORE_BYTES.match(rest), *ends) if match]
    candidates = (rest[start:].strip() for start in starts)
    return next((text for text in candidates if text and BYTES.match(text)), "")


def notes_on(others: Sequence[str]) -> list[str]:
    if not others:
        return []
    count = "1 other line is" if len(others) == 1 else f"{len(others)} other lines are"
    return [f"{count} not read: {shown(others[0])}"]
