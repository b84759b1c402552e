"""Bytes of a file or of standard input -> the text that they are, without what pasting adds."""

from __future__ import annotations

import codecs
import html
import re

from .values import shown

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTROL = re.compile("[\0-\b\x0e-\x1a\x1c-\x1f\x7f]")
COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")
INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": "", "\ufeff": "", "\u2060": "", "\u00ad": ""})
TYPED = {
    **{0xFF01 + at: 0x21 + at for at in range(94)},  # the wide forms of ASCII
    **dict.fromkeys(range(0x2010, 0x2016), "-"),
    0x2212: "-",
    0x3000: " ",
    0x00D7: "x",
}
"""What keyboards and word processors put in the place of ASCII."""

HAS_TEXT = re.compile(r"[\\\"']|HTTP/")
"""A sign of literals or heads: in them a space that does not break may be meant."""

QUOTES = {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'"}
TYPED_QUOTE = re.compile(rf"\s*[bB]?[{''.join(QUOTES)}]")

TAG = re.compile(r"</?(?:pre|code|p|div|span|br|samp|tt|td|tr|table|tbody)\b[^<>]*>", re.IGNORECASE)
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});")
BEGINS_IN_HTML = re.compile(
    rf"\s*(?:{TAG.pattern}|[bB]?(?:&quot;|&#39;|&#x27;|&lt;))", re.IGNORECASE
)

FENCE = re.compile(r"\s*(?:```|~~~)")
QUOTED_LINE = re.compile("(?:> ?)+")
DATE = r"\d{4}[-/]\d\d[-/]\d\d"
LOG_PREFIXES = tuple(
    map(
        re.compile,
        (
            r"[EWIDV] \([\d:.]+\) [^\s:]+: ",  # ESP-IDF
            r"\[ *\d+\]\[[EWIDV]\]\[[^\]\n]*\] \w+\(\): ?",  # Arduino for ESP32
            rf"\[{DATE} [\d:]+\] [A-Z]+: ?",  # libwebsockets
            r"\S+\.c:\d+: \|\d\| ",  # Mbed TLS
            r"\d\d:\d\d:\d\d(?:[.,]\d{3,6})? -> ?",  # the serial monitor of Arduino
            rf"\[?(?:{DATE}[ T])\d\d:\d\d:\d\d(?:[.,:]\d+)?Z?\]? ",
            r"\[?\d\d:\d\d:\d\d[.,]\d{3,6}\]? ",
            r" *[*\u2022] +(?=\S)",  # the bullets of a list
            r" *\[\d+\] +(?=(?:0x)?[0-9A-Fa-f]{2}\b)(?![0-9A-Fa-f]{2}[ -][^\n]* {3}[^\n]*\S)",  # R
        ),
    )
)


def decode(data: bytes, cut: bool = False) -> str | None:
    """The text, or None if these bytes are no text; `cut` says that more bytes follow."""
    encoding = next(
        (name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8"
    )
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=not cut)
    except UnicodeDecodeError:
        return None
    return None if CONTROL.search(COLOURS.sub("", text)) else text


def clean(text: str) -> tuple[str, list[str]]:
    """The text without what pasting adds, and notes on what might be a part of it.

    What pasting adds: colours, invisible characters, fences of Markdown, quoting, HTML, the
    characters of word processors, and the time in front of each line of a log. Lines keep their
    numbers.
    """
    text = COLOURS.sub("", text) or text
    text, notes = without_html(text)
    if (first := TYPED_QUOTE.match(text)) and not re.search("[\"']", text):
        kind = QUOTES[first[0][-1]]
        text = re.sub(f"[{''.join(q for q in QUOTES if QUOTES[q] == kind)}]", kind, text)
        notes.append(f"the quotes of a word processor are taken as {kind}")
    if not HAS_TEXT.search(text):
        text = text.translate(INVISIBLE).translate(TYPED)
    lines, prose = without_fences(text.split("\n"))
    if prose:
        notes.append(f"left out around the fences of Markdown: {shown(prose)}")
    lines = without_prefix(lines, QUOTED_LINE)[0]
    for pattern in LOG_PREFIXES:
        lines, prefix = without_prefix(lines, pattern)
        if prefix:
            notes.append(f"left out in front of each line: {shown(prefix)}")
    return "\n".join(lines), notes


def without_fences(lines: list[str]) -> tuple[list[str], str]:
    """What is between fences, and the first line around them; all lines if there are none."""
    count = sum(FENCE.match(line) is not None for line in lines)
    is_inside, inside, outside = count == 1, list[str](), ""
    for line in lines:
        if FENCE.match(line):
            is_inside = not is_inside or count == 1
            inside.append("")
        elif is_inside or not count:
            inside.append(line)
        else:
            inside.append("")
            outside = outside or line.strip()
    return inside, outside


def without_html(text: str) -> tuple[str, list[str]]:
    """The text that a browser shows, if this is the source of a page."""
    if not (BEGINS_IN_HTML.match(text) or (ENTITY.search(text) and not HAS_TEXT.search(text))):
        return text, []
    shown_text = html.unescape(TAG.sub(" ", text))
    return shown_text, ["tags and entities of HTML are taken as what a browser shows"]


def without_prefix(lines: list[str], pattern: re.Pattern[str]) -> tuple[list[str], str]:
    """The lines without what all of them begin with, and the first that was left out."""
    filled = [line for line in lines if line.strip()]
    if not filled or not all(map(pattern.match, filled)):
        return lines, ""
    first = pattern.match(filled[0])
    return [pattern.sub("", line, count=1) for line in lines], first[0] if first else ""
