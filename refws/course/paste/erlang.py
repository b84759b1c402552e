"""Binaries of Erlang and Elixir -> their bytes: <<129,5,"Hello">>, also in parts and in bits."""

from __future__ import annotations

import re

from .numbers import DOTS, value_of
from .strings import unescape
from .values import SHOWN, BadPaste, Chunk, Pasted, Way, counted, line_of, shown

JOINED = re.compile(r">>[\s,\[\]]*<<(?!\s*>>)")
"""Between two binaries of a list, which is sent as one: [<<129,5>>, <<"Hello">>]."""

CONCATENATED = re.compile(r'>>(?P<space>\s*)<>\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?=<<))')
"""<> of Elixir joins two binaries, or a binary and a string."""

LIST_BEFORE = re.compile(r"\[(?:\s*(?:[0-9]+|\"[^\"]*\")\s*,)+[\s\[]*$")
LIST_AFTER = re.compile(r"\s*\]?\s*,[\s\[]*(?:\"[^\"]*\"|[0-9]+)\s*[,\]]")
"""A number or a string beside a binary, in the same list."""

SEGMENT = re.compile(
    rf"\s*(?P<value>(?:(?P<base>[0-9]{{1,2}})#(?P<digits>[0-9A-Za-z]+)|(?P<number>0[xX][0-9A-Fa-f]+|-?[0-9]+)"
    rf'|"(?P<string>(?:[^"\\]|\\.)*)"|(?P<dots>{DOTS}))(?::(?P<size>[0-9]{{1,3}}))?'
    r"(?:/(?:utf8|binary|integer|big))?)\s*(?P<end>,|$)",
    re.DOTALL,
)
BYTE = 8


def recognises(text: str) -> bool:
    return re.search(r"<<\s*(?:[0-9]|\"[^\"]*\"\s*[,>])", text) is not None


def read(text: str) -> Pasted:
    """The first binary, and the ones that are in a list with it: numbers, and strings in UTF-8."""
    text = joined(text)
    start, end = text.find("<<") + 2, text.find(">>")
    if start < 2 or end < start:
        raise BadPaste(line_of(text, len(text.rstrip())), "no whole binary: give it from << to >>")
    before, after = text[: start - 2], text[end + 2 :]
    if re.match(r"\s*<>", after) or re.search(r"<>\s*$", before):
        raise BadPaste(line_of(text, end), "<> joins a binary and what is none: give all bytes")
    if LIST_BEFORE.search(before) or LIST_AFTER.match(after):
        raise BadPaste(line_of(text, end), "a list that has more than binaries: give <<...>>")
    data, cut_off = read_segments(text[start:end].rstrip(), line_of(text, start))
    around = f"{before} {after}".strip(" \t\r\n.,;[]")
    notes = (f"what is around << and >> is not read: {shown(around)}",) if around else ()
    description = f"Erlang or Elixir binary, {counted(len(data), 'byte')}"
    return Pasted(description, (Chunk(data),), notes, cut_off)


def joined(text: str) -> str:
    """The text with binaries that are sent as one put together, in the same lines."""
    while match := CONCATENATED.search(text):
        space, string = match["space"], match["string"]
        joint = f",{space}{string}>>" if string else f">>,{space}"
        text = text[: match.start()] + joint + text[match.end() :]
    return JOINED.sub(lambda match: "," + re.sub(r"[^\n]", " ", match[0])[1:], text)


def read_segments(inside: str, line: int) -> tuple[bytes, str]:
    """The bytes of what is between << and >>, and what the text says is missing."""
    digits, cut_off, position = "", "", 0
    while position < len(inside):
        match = SEGMENT.match(inside, position)
        line += inside.count("\n", position, match.start("value") if match else position)
        if match is None or cut_off:
            seen = shown(inside[position : position + 2 * SHOWN].strip())
            raise BadPaste(
                line, f"{seen} is no segment of bytes: give numbers and strings, with commas"
            )
        line += inside.count("\n", match.start("value"), match.end())
        position = match.end()
        if match["dots"]:
            cut_off = "the text ends in ..."
        else:
            digits += bits_of(match, line)
    if len(digits) % BYTE:
        raise BadPaste(line, f"{len(digits)} bits are no whole bytes: give all segments")
    return int(digits or "0", 2).to_bytes(len(digits) // BYTE), cut_off


def bits_of(segment: re.Match[str], line: int) -> str:
    """The binary digits of a segment; a number has 8 bits, if it does not say how many."""
    if segment["string"] is not None:
        return "".join(f"{byte:08b}" for byte in unescape(segment["string"], line, False, []))
    size, value = int(segment["size"] or BYTE), value_of_segment(segment, line)
    if not -(2**size) // 2 <= value < 2**size:
        fits = f"0 to {2**size - 1}" if size < BYTE else "0 to 255, or from -128 to 127"
        what = "byte" if size == BYTE else f"number of {counted(size, 'bit')}"
        raise BadPaste(line, f"{value} is no {what}: give numbers from {fits}")
    return f"{value % 2**size:0{size}b}" if size else ""


def value_of_segment(match: re.Match[str], line: int) -> int:
    if match["number"]:
        return value_of(match["number"])
    try:
        return int(match["digits"], int(match["base"]))
    except ValueError:
        raise BadPaste(line, f"{match['base']}#{match['digits']} is no number") from None


# The forms

ERLANG = Way(recognises, read)
