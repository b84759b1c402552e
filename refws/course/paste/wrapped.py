"""Digits in quotes, in brackets, after a label or in a call that decodes them -> the digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .values import shown

QUOTED = re.compile(r"""\s*[bBxX]?(["'`])((?:\\x(?=(?:[0-9A-Fa-f]{2}){3}))?[^"'`\\]*)\1[\s;,]*""")
DIGITS = r"(?:(?:0x)?[0-9A-Fa-f]{1,2}|[0-9]{3}|[01]{8}|0b[01]{1,8})"
LIST_OF_QUOTED = re.compile(
    rf"""[\s\[({{]*(["']){DIGITS}\1(?:\s*(?:,\s*)?\1{DIGITS}\1)+[\s,\])}};]*"""
)
"""['81', '05'], ['129', '5'], '10000001' '00000101': strings of digits."""

EACH_IN_BRACKETS = re.compile(r"\s*(?:[\[<{(][0-9A-Fa-f]{2}[\]>})]\s*){2,}")
"""[81][05], as tools for serial lines print them."""

BRACKETS = re.compile(r"\s*[\[({<](?P<inside>[^\[\](){}<>]*)[\])}>][\s;,]*")
LABEL = re.compile(
    r"^[ \t]*(?:\[Length: \d+\]|Data \(\d+ bytes?\))$"  # the details of Wireshark
    r"|^[ \t]*+(?=[^:=\n]*[G-WYZg-wyz])[A-Za-z\"'\[<(][\w .\[\]()\"'<>#/-]{0,80}?"
    r"[ \t]*(?:(?::|=>?)(?:[ \t]+|(?=[\"'`\[{(<]))|==[ \t]+|:$)"
    r"|^[ \t]*(?:\(\d+\)|\d+ bytes?:|string\(\d+\)(?= \"))[ \t]+"  # (7), 7 bytes:, string(14) ""
    r"|^[ \t]*(?:\[(?=[^\[\]\n]*[G-WYZg-wyz])[^\[\]\n]*\]|-+>|<-+|>{2,}|<{2,}|=+>)[ \t]+"
    r"|^\d+-element [\w{}, ]+:$",
    re.MULTILINE,
)
"""A word before the digits of a line, with a letter that is no hex digit: received: 81 05."""

REMARK = re.compile(
    r"(?:(?<![ \t])[ \t]+|(?<=\]))\((?=[^()\n]*[G-WYZg-wyz])(?![^()\n]*\bmore\b)[^()\n]*\)[ \t]*$",
    re.MULTILINE,
)
"""A remark after the digits of a line, as in the RFC: 0x81 0x05 ... (contains "Hello")."""

LITERAL = r"""b?(?P<quote>["'])(?P<inside>[^"'\\]*)(?P=quote)"""


def calls(names: str, encoding: str) -> tuple[re.Pattern[str], ...]:
    """Calls that decode a literal: by the name of the function, or by their second argument."""
    return (
        re.compile(rf"[\w.:\s=$]{{0,80}}?(?:{names})[\w.]{{0,40}}\(\s*{LITERAL}\s*\)[\s;]*"),
        re.compile(rf"[\w.:\s=$]{{0,80}}\(\s*{LITERAL}\s*,\s*[\"']{encoding}[\"']\s*\)[\s;]*"),
    )


FROM_HEX = calls("hex|Hex|HEX", "hex")
"""bytes.fromhex("81 05"), unhexlify(b"8105"), hex.DecodeString("8105"), Buffer.from("81", "hex")"""

FROM_BASE64 = calls("64|atob", "base64")

LONGEST_DOTS = 60
DOTS = re.compile(
    r"\s*(?:[\[(<]\s*)?(?:(?:\.{2,}|…|etc\b\.?|and so on|truncated|snip\w*)\s*(?P<part>[\[(]\s*)?"
    r"(?:(?:and )?\+?\s*(?P<count>\d+) (?:more (?:bytes?|items?)|bytes? more|more))?"
    r"(?(part)\s*[\])]))"
    r"\s*[\])>]?\s*$",
    re.IGNORECASE,
)

QUOTES_LEFT_OUT = "the quotes are left out; --form string takes the characters as bytes"


def unwrap(text: str, ways: Sequence[re.Pattern[str]]) -> tuple[str, list[str]]:
    """What is inside, and notes on what is left out."""
    for call in ways:
        if match := call.fullmatch(text.strip()):
            return match["inside"], []
    notes = []
    left_out = [match[0].strip().rstrip(":= ") for match in LABEL.finditer(text)]
    left_out += [match[0].strip() for match in REMARK.finditer(text)]
    if left_out:
        text = REMARK.sub("", LABEL.sub("", text))
        notes.append(f"left out: {', '.join(map(shown, dict.fromkeys(left_out)))}")
    if EACH_IN_BRACKETS.fullmatch(text):
        text = re.sub(r"[\[\]<>{}()]", " ", text)
    if LIST_OF_QUOTED.fullmatch(text):
        notes.append(QUOTES_LEFT_OUT)
        text = re.sub(r"[\"'\[\](){}]", " ", text)
    while match := QUOTED.fullmatch(text) or BRACKETS.fullmatch(text):
        if match.re is QUOTED:
            notes.append(QUOTES_LEFT_OUT)
            text = match[2]
        else:
            text = match["inside"]
    return text, notes


def without_dots(text: str) -> tuple[str, str]:
    """The text without dots at its end, and what they say is missing."""
    text = text.rstrip()
    match = DOTS.search(text, max(len(text) - LONGEST_DOTS, 0))
    if match is None:
        return text, ""
    end = match[0].strip()
    more = f"leaves out {match['count']} bytes" if match["count"] else f"ends in {end}"
    return text[: match.start()], f"the text {more}"


def is_call(text: str) -> bool:
    """Whether the text is a call that decodes a literal, so that the literal is no bytes yet."""
    return any(call.fullmatch(text.strip()) for call in (*FROM_HEX, *FROM_BASE64))
