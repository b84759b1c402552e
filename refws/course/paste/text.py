"""Bytes of a file or of standard input -> the text that they are, without what pasting adds."""

from __future__ import annotations

import codecs
import re

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTROL = re.compile("[\0-\b\x0e-\x1a\x1c-\x1f\x7f]")
COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")
INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": "", "\ufeff": "", "\u2060": ""})
HAS_TEXT = re.compile(r"[\\\"']|HTTP/")
"""A sign of literals or heads: in them a space that does not break may be meant."""

LOG_PREFIX = re.compile(r"[EWIDV] \(\d+\) [^\s:]+: ")


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


def clean(text: str) -> str:
    """The text without colours, invisible characters, fences of Markdown and quoting.

    Lines keep their numbers.
    """
    text = COLOURS.sub("", text) or text
    if not HAS_TEXT.search(text):
        text = text.translate(INVISIBLE)
    lines = ["" if line.startswith("```") else line for line in text.split("\n")]
    for prefix in (re.compile("> ?"), LOG_PREFIX):
        filled = [line for line in lines if line.strip()]
        if filled and all(map(prefix.match, filled)):
            lines = [prefix.sub("", line, count=1) for line in lines]
    return "\n".join(lines)
