"""What programs that look on print -> the bytes that were sent, with their senders.

curl --trace and --trace-ascii, websocket-client with enableTrace(True), arduinoWebSockets with
DEBUG_ESP_PORT, and strace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...protocol.frame import Side
from . import dump_lines, strings
from .heads import CRLF, FIELD, START, describe, head_bytes, sender_of
from .senders import with_senders
from .values import BadPaste, Chunk, Pasted, Way, counted, shown

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
        return b"".join(block.data for block in dump_lines.read_blocks(dump, dump_lines.HEX))
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


# arduinoWebSockets, with DEBUG_ESP_PORT


SENT_HEAD = re.compile(r".*\[sendHeader\] handshake (?P<line>\S.*)")
RECEIVED_LINE = re.compile(r".*\[handleHeader\] RX: (?P<line>.*)")


def recognises_arduino(text: str) -> bool:
    lines = text.split("\n")
    return any(map(RECEIVED_LINE.fullmatch, lines)) or any(map(SENT_HEAD.fullmatch, lines))


def read_arduino(text: str) -> Pasted:
    """The head that was sent, up to an empty line, and the one whose lines were received."""
    heads: list[list[str]] = []
    sending = False
    for line in text.split("\n"):
        if match := SENT_HEAD.fullmatch(line.rstrip("\r")):
            heads.append([match["line"]])
            sending = True
        elif match := RECEIVED_LINE.fullmatch(line.rstrip("\r")):
            if START.fullmatch(match["line"]) or not heads:
                heads.append([])
            heads[-1].append(match["line"])
            sending = False
        elif sending and FIELD.fullmatch(line.strip()):
            heads[-1].append(line.strip())
        else:
            sending = False
    chunks = tuple(Chunk(head_bytes(lines), sender_of(lines[0])) for lines in heads)
    return Pasted(f"log of arduinoWebSockets, {describe(chunks)}", chunks)


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
ARDUINO = Way(recognises_arduino, read_arduino)
STRACE = Way(recognises_strace, read_strace)
