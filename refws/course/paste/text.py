"""Bytes of a file or of standard input -> the text that they are, without what pasting adds."""

from __future__ import annotations

import codecs
import re

from . import markup, prefixes, prompts

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTROL = re.compile("[\0-\b\x0e-\x1a\x1c-\x1f\x7f]")
COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")


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

    What pasting adds: colours, HTML, the characters of word processors, fences and quoting of
    Markdown, lines with a prompt, and what loggers put in front of each line. Lines keep their
    numbers.
    """
    text = COLOURS.sub("", text) or text
    notes: list[str] = []
    for step in (markup.without_html, markup.without_typography, markup.without_fences):
        text, added = step(text)
        notes += added
    text = markup.without_quoting(text)
    for step in (markup.without_prose, prompts.without_commands, prefixes.without_prefixes):
        text, added = step(text)
        notes += added
    return text, notes
