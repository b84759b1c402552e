"""RFC 9112: the heads of a handshake as text, alone or in the log of a client -> the bytes sent.

A request and a response may follow each other. `curl -v` and the log of `websockets` mark who sent
each line with > and <.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise

from ...protocol.frame import Side
from .values import BadPaste, Chunk, Pasted, Way, counted, shown

REQUEST = r"[A-Z]+ \S+ HTTP/\d(?:\.\d)?"
RESPONSE = r"HTTP/\d(?:\.\d)? \d{3}\b[^\n]*"
START = re.compile(rf"(?:{REQUEST}|{RESPONSE})\s*")
FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*:.*|[ \t]+\S.*")
HEADER = re.compile(
    r"(?:host|upgrade|connection|origin|accept|cookie|pragma|[A-Za-z]\w{0,20}-[\w-]{1,40}): .*\s*",
    re.IGNORECASE,
)
"""A line of a head that is nothing else."""

CRLF = "\r\n"
WHOLE_URL = re.compile(r"GET wss?://[^/\s]+(/\S*)? (?=HTTP/)")
LINE_END = r"\r\n"
QUOTED = re.compile(r"""\s*[\[(]?\s*[bB]?(["'])(.*)\1[,\])]*\s*""")
TITLE = re.compile(
    r"\W*(?:(?:the )?(?:http|server|client|raw)?[ -]?(?:request|response|answer|reply|sends?|server"
    r"|client|received|sent|headers?)\b[^:]*:?)\W*|[-=*#]{3,}.*",
    re.IGNORECASE,
)
"""A title of the next head, which is no header line of this one."""

FROM_PASTING = (
    "LF alone ends each line: pasting does that, so CR LF is put in its place; on the wire it must "
    "be CR LF (RFC 9112 §2.2), and --form raw judges the line ends, too"
)
LAST_LINE_ADDED = "an empty line is added at the end of the head, where the text ends"


# Heads alone


def recognises(text: str) -> bool:
    """A first line of a head, with a header line after it; or only header lines, which lack it."""
    lines = tidied(text)[0].strip().split("\n")
    if START.fullmatch(lines[0]) is not None:
        return True
    return any(
        START.fullmatch(line) and FIELD.fullmatch(after) for line, after in pairwise(lines)
    ) or all(HEADER.fullmatch(line.strip()) for line in lines)


def read(text: str) -> Pasted:
    """A request, a response, or several of them, and what is around them left out."""
    text, tidying = tidied(text)
    lines = text.split("\n")
    if not HEADER.fullmatch(lines[0]):
        while len(lines) > 1 and not START.fullmatch(lines[0]):
            tidying += [lines.pop(0).strip()]
    pasted = not any(line.endswith("\r") for line in lines)
    has_url = pasted and any(map(WHOLE_URL.match, lines))
    if has_url:
        lines = [WHOLE_URL.sub(lambda match: f"GET {match[1] or '/'} ", line) for line in lines]
    starts = [index for index, line in enumerate(lines) if is_start(line, lines[index - 1 : index])]
    if not starts or starts[0] != 0:
        raise BadPaste(
            1,
            f"{shown(lines[0].strip())} is no request line and no status line: begin with one, "
            "such as GET / HTTP/1.1",
        )
    chunks, notes = [], [FROM_PASTING] if pasted else []
    for first, last in zip(starts, [*starts[1:], len(lines)], strict=True):
        kept = without_prose(lines[first:last]) if pasted else lines[first:last]
        tidying += [line.strip() for line in lines[first + len(kept) : last]]
        kept += [""] * (last - first - len(kept) and 2)
        section = "\n".join(kept) + "\n" * (last < len(lines))
        data, note = wire_of(section, pasted)
        chunks.append(Chunk(data, sender_of(section)))
        notes += [note] if note and note not in notes else []
    description = describe(chunks)
    if chunks[0].sender is Side.SERVER and len(chunks) > 1:
        chunks.sort(key=lambda chunk: chunk.sender is Side.SERVER)
        notes.append("the request is taken first, because it was sent first")
    if has_url:
        notes.append("the path is taken of the URL, which DevTools shows there (§4.1 item 2)")
    if left_out := [line for line in tidying if line]:
        notes.append(f"left out around the heads: {', '.join(map(shown, left_out[:3]))}")
    return Pasted(description, tuple(chunks), tuple(notes))


def tidied(text: str) -> tuple[str, list[str]]:
    """The lines without an indent, without quotes around each, and without line ends as escapes.

    Wireshark prints the line ends as escapes, and lines of its own, which are also returned.
    """
    text = textwrap.dedent(text.lstrip("\r\n"))
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    if filled and all(map(QUOTED.fullmatch, filled)):
        return "\n".join(QUOTED.sub(r"\2", line) for line in lines), []
    if any(line.rstrip().endswith(LINE_END) and START.match(line.strip()) for line in lines):
        kept = [line.strip() for line in lines if line.rstrip().endswith(LINE_END)]
        own = [line.strip() for line in lines if not line.rstrip().endswith(LINE_END)]
        return "\n".join(line.removesuffix(LINE_END) for line in kept) + "\n", own
    return text, []


def without_prose(lines: list[str]) -> list[str]:
    """The lines of a head without a title of the next one, and without what people say after it.

    A body may follow a response that is not 101.
    """
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    head = lines[:end]
    while len(head) > 1 and TITLE.fullmatch(head[-1]):
        head.pop()
    has_body = lines[0].startswith("HTTP/") and " 101" not in lines[0]
    return lines if has_body and len(head) == end else head


def is_start(line: str, before: Sequence[str]) -> bool:
    """A first line of a head: the first of the text, after an empty line, or a response."""
    return START.fullmatch(line) is not None and (
        not before or not before[0].strip() or line.startswith("HTTP/") or " HTTP/1.1" in line
    )


def sender_of(first_line: str) -> Side:
    return Side.SERVER if first_line.startswith("HTTP/") else Side.CLIENT


def wire_of(text: str, pasted: bool) -> tuple[bytes, str]:
    """The bytes of a head and its body, and what was added."""
    if not pasted:
        return to_bytes(text), ""
    head, empty, body = (text if text.endswith("\n") else text + "\n").partition("\n\n")
    note = "" if empty else LAST_LINE_ADDED
    fields = [line.rstrip() for line in head.rstrip("\n").split("\n")]
    return to_bytes(CRLF.join(fields) + CRLF + CRLF + (body if body.strip() else "")), note


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def describe(chunks: Sequence[Chunk]) -> str:
    names = {Side.CLIENT: "request", Side.SERVER: "response"}
    return "HTTP " + " and ".join(names[chunk.sender] for chunk in chunks if chunk.sender)


# Logs whose lines begin with > and <


LOGGED = re.compile(rf"(?P<before>|.*?[\s:])(?P<mark>[<>]) (?P<first>{REQUEST}|{RESPONSE})\s*")

CURL_LINE = re.compile(r"([<>])(?: (.*?))?\s*")
LOG_LINE = re.compile(r".*?[\s:]([<>])(?: (.*?))?\s*")


def recognises_log(text: str) -> bool:
    return any(LOGGED.fullmatch(line) for line in text.split("\n"))


def read_log(text: str) -> Pasted:
    """The heads that `curl -v`, or the log of `websockets`, prints after > and <."""
    found = next(filter(None, map(LOGGED.fullmatch, text.split("\n"))), None)
    if found is None:
        raise BadPaste(1, "no head after > or <: give the output of curl -v from its request on")
    pattern = LOG_LINE if found["before"] else CURL_LINE
    client = (
        found["mark"]
        if sender_of(found["first"]) is Side.CLIENT
        else "<>".replace(found["mark"], "")
    )
    heads: list[tuple[str, list[str]]] = []
    inside, other = False, 0
    for line in text.split("\n"):
        match = pattern.fullmatch(line)
        content = match[2] or "" if match else ""
        if match and START.fullmatch(content):
            heads.append((match[1], [content]))
            inside = True
        elif match and inside and match[1] == heads[-1][0] and FIELD.fullmatch(content):
            heads[-1][1].append(content)
        elif match and not content:
            inside = False
        else:
            inside = inside and not match
            other += bool(line.strip()) and not line.startswith(("*", "{ [", "} ["))
    chunks = tuple(
        Chunk(head_bytes(lines), Side.CLIENT if mark == client else Side.SERVER)
        for mark, lines in heads
    )
    notes = (f"{counted(other, 'other line')} not read: only the heads",) if other else ()
    name = "log with > and <" if found["before"] else "curl -v"
    return Pasted(f"{name}, {describe(chunks)}", chunks, notes)


def head_bytes(lines: Sequence[str]) -> bytes:
    return to_bytes("".join(line.rstrip() + CRLF for line in lines) + CRLF)


# The forms

HEADS = Way(recognises, read)
LOG = Way(recognises_log, read_log)
