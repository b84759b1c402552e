"""RFC 9112: the heads of a handshake as text, alone or in the logs of clients -> the bytes sent.

A request and a response may follow each other. Logs of curl (-v, --trace, --trace-ascii), of
`websockets` and of websocket-client mark who sent each line; the last has raw frames, too.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from ...protocol.frame import Side
from . import dumps, strings
from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, shown

REQUEST = r"[A-Z]+ \S+ HTTP/\d(?:\.\d)?"
RESPONSE = r"HTTP/\d(?:\.\d)? \d{3}\b[^\n]*"
START = re.compile(rf"(?:{REQUEST}|{RESPONSE})\s*")
FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*:.*|[ \t]+\S.*")
HEADER = re.compile(
    r"(?:host|upgrade|connection|origin|accept|cookie|pragma|[\w-]+-[\w-]+): .*\s*",
    re.IGNORECASE,
)
"""A line of a head that is nothing else."""

CRLF = "\r\n"

FROM_PASTING = (
    "LF alone ends each line: pasting does that, so CR LF is put in its place; on the wire it must "
    "be CR LF (RFC 9112 §2.2), and --form raw judges the line ends, too"
)
LAST_LINE_ADDED = "an empty line is added at the end of the head, where the text ends"


# Heads alone


def recognises(text: str) -> bool:
    """A first line of a head; or only header lines, which lack it."""
    lines = text.strip().split("\n")
    return START.fullmatch(lines[0]) is not None or all(
        HEADER.fullmatch(line.strip()) for line in lines
    )


def read(text: str) -> Pasted:
    """A request, a response, or several of them."""
    lines = textwrap.dedent(text.lstrip("\r\n")).split("\n")
    pasted = not any(line.endswith("\r") for line in lines)
    starts = [index for index, line in enumerate(lines) if is_start(line, lines[index - 1 : index])]
    if not starts or starts[0] != 0:
        raise BadPaste(
            1,
            f"{shown(lines[0].strip())} is no request line and no status line: begin with one, "
            "such as GET / HTTP/1.1",
        )
    chunks, notes = [], [FROM_PASTING] if pasted else []
    for first, last in zip(starts, [*starts[1:], len(lines)], strict=True):
        section = "\n".join(lines[first:last]) + "\n" * (last < len(lines))
        data, note = wire_of(section, pasted)
        chunks.append(Chunk(data, sender_of(section)))
        notes += [note] if note and note not in notes else []
    description = describe(chunks)
    if chunks[0].sender is Side.SERVER and len(chunks) > 1:
        chunks.sort(key=lambda chunk: chunk.sender is Side.SERVER)
        notes.append("the request is taken first, because it was sent first")
    return Pasted(description, tuple(chunks), tuple(notes))


def is_start(line: str, before: Sequence[str]) -> bool:
    """A first line of a head: the first of the text, after an empty line, or a response."""
    return START.fullmatch(line) is not None and (
        not before or not before[0].strip() or line.startswith("HTTP/")
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


# curl --trace and --trace-ascii


SECTION = re.compile(
    r"(?:[\d:.]+ )?(?:\[[^\]]*\] )?(?P<arrow>=>|<=|==) (?P<verb>Send|Recv|Info)(?::.*)?"
    r"(?P<tls> SSL)?(?: (?P<kind>header|data))?(?:, (?P<size>\d+) bytes \(0x[0-9a-f]+\))?\s*"
)
TRACED = re.compile(r"(?P<offset>[0-9a-f]{4,8}): (?P<body>.*)")
HEX_CELLS = re.compile(r"(?:[0-9a-f]{2} )+")


def recognises_trace(text: str) -> bool:
    return any(match["kind"] for match in filter(None, map(SECTION.fullmatch, text.split("\n"))))


def read_trace(text: str) -> Pasted:
    """The bytes of each "=> Send" and "<= Recv"; what is TLS itself is left out."""
    sections: list[tuple[int, re.Match[str], list[str]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if match := SECTION.fullmatch(line):
            sections.append((number, match, []))
        elif TRACED.fullmatch(line):
            if not sections:
                raise BadPaste(number, "bytes before any => Send or <= Recv: give that line, too")
            sections[-1][2].append(line)
        elif line.strip() and not (sections and sections[-1][1]["arrow"] == "=="):
            raise BadPaste(number, f"{shown(line)} is no line of curl --trace: leave it out")
    chunks: list[Chunk] = []
    for number, match, lines in sections:
        if not match["kind"] or not match["size"] or match["tls"]:
            continue
        if match["kind"] == "data" and lines and not is_hex(lines, int(match["size"])):
            cut_off = (
                f"line {number + 1} and after: --trace-ascii prints only characters, use --trace"
            )
            return Pasted("curl --trace-ascii, the heads", tuple(chunks), (), cut_off)
        sender = Side.CLIENT if match["arrow"] == "=>" else Side.SERVER
        chunks.append(Chunk(section_bytes(number, int(match["size"]), lines), sender))
    return Pasted(f"curl --trace, {counted(len(chunks), 'part')}", tuple(chunks))


def is_hex(lines: Sequence[str], size: int) -> bool:
    """Whether the first line has as many cells of hex as it must have."""
    first = TRACED.fullmatch(lines[0]) if lines else None
    cells = HEX_CELLS.match(first["body"]) if first else None
    return cells is not None and len(cells[0]) // 3 >= min(size, 16)


def section_bytes(number: int, size: int, lines: Sequence[str]) -> bytes:
    """The bytes of a section whose first line, `number`, announces `size` of them."""
    if not lines:
        raise BadPaste(number, f"{counted(size, 'byte')} announced, and no line of them: give all")
    if is_hex(lines, size):
        dump = "\n" * number + "\n".join([*lines, f"{size:04x}:"])
        return b"".join(block.data for block in dumps.read_blocks(dump, dumps.HEX))
    return text_bytes(number, size, lines)


def text_bytes(number: int, size: int, lines: Sequence[str]) -> bytes:
    """--trace-ascii: an offset that is 2 more than the characters shows CR LF at their end."""
    found = [TRACED.fullmatch(line) for line in lines]
    starts = [int(match["offset"], 16) for match in found if match]
    data = b""
    for match, start, after in zip(found, starts, [*starts[1:], size], strict=True):
        number += 1
        body = match["body"].encode() if match else b""
        line_end = {0: b"", 2: CRLF.encode()}.get(after - start - len(body))
        if line_end is None:
            raise BadPaste(
                number,
                f"{counted(len(body), 'byte')}, and by the offsets it must be {after - start}",
            )
        data += body + line_end
    return data


# websocket-client, with enableTrace(True)


HEADER_BLOCK = re.compile(r"--- (request|response) header ---")
RAW = re.compile(
    r""".*?(send|\+\+Sent raw|\+\+Rcv raw): ?(?P<literal>b?(?P<quote>['"]).*(?P=quote))["\s]*"""
)


def recognises_client_trace(text: str) -> bool:
    return HEADER_BLOCK.search(text) is not None or any(map(RAW.fullmatch, text.split("\n")))


def read_client_trace(text: str) -> Pasted:
    """Heads between lines of dashes, and literals after "send:", "++Sent raw:", "++Rcv raw:"."""
    chunks: list[Chunk] = []
    head: list[str] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if HEADER_BLOCK.search(line):
            head = []
        elif head is not None and "-----" in line:
            if head:
                chunks.append(Chunk(head_bytes(head), sender_of(head[0])))
            head = None
        elif head is not None:
            head += [line.strip()] if line.strip() else []
        elif raw := RAW.fullmatch(line.rstrip("\r")):
            data = strings.read("\n" * (number - 1) + raw["literal"]).data
            chunks.append(Chunk(data, Side.SERVER if "Rcv" in raw[1] else Side.CLIENT))
    if head:
        chunks.append(Chunk(head_bytes(head), sender_of(head[0])))
    return Pasted(f"trace of websocket-client, {counted(len(chunks), 'part')}", tuple(chunks))


# strace


CALL = re.compile(
    r"""(?P<before>.*?)\b(?P<call>read|recv|recvfrom|write|send|sendto)\((?P<fd>\d+)[^,"]*, """
    r"""(?P<literal>"(?:[^"\\]|\\.)*")(?P<dots>\.\.\.)?"""
    r"""(?P<rest>, [^"]*\)\s+= (?P<result>-?\d+).*)?"""
)


def recognises_strace(text: str) -> bool:
    return any(CALL.fullmatch(line.rstrip("\r")) for line in text.split("\n"))


def read_strace(text: str) -> Pasted:
    """The data of read, recv, write and send: octal escapes, as strace prints them."""
    spoken: list[tuple[str, bytes]] = []
    cut_off, other = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        match = CALL.fullmatch(line.rstrip("\r"))
        if match is None:
            other += bool(line.strip())
            continue
        if cut_off:
            raise BadPaste(number, "a call after one that is cut off: use strace -s 65536")
        data = strings.read("\n" * (number - 1) + match["literal"]).data
        result = int(match["result"] or len(data))
        if match["dots"]:
            cut_off = (
                f"strace leaves out {counted(result - len(data), 'byte')}: use strace -s 65536"
            )
        elif result != len(data):
            raise BadPaste(
                number,
                f"{counted(len(data), 'byte')}, and strace says {result}: give the whole line",
            )
        spoken.append(("in" if match["call"].startswith("re") else "out", data))
    chunks, note = with_senders(spoken)
    notes = [note] if note else []
    notes += [f"{counted(other, 'other line')} not read"] if other else []
    return Pasted(f"strace, {counted(len(chunks), 'call')}", chunks, tuple(notes), cut_off)


# The forms

TRACE = Way(recognises_trace, read_trace)
CLIENT_TRACE = Way(recognises_client_trace, read_client_trace)
STRACE = Way(recognises_strace, read_strace)
HEADS = Way(recognises, read)
LOG = Way(recognises_log, read_log)
