"""What HTML, Markdown and word processors add to a text, and what they put in place of ASCII."""

from __future__ import annotations

import html
import re

from .directions import names_direction
from .values import shown

# Word processors and keyboards

INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": "", "\ufeff": "", "\u2060": "", "\u00ad": ""})
TYPED = {
    **{0xFF01 + at: 0x21 + at for at in range(94)},  # the wide forms of ASCII
    **dict.fromkeys(range(0x2010, 0x2016), "-"),
    0x2212: "-",
    0x3000: " ",
    0x00D7: "x",
}
"""What keyboards and word processors put in the place of ASCII."""

BOXES = str.maketrans(
    {
        **dict.fromkeys("│┃║", "|"),
        "┊": " ",
        **dict.fromkeys("─━═", "-"),
        **dict.fromkeys("┌┬┐└┴┘├┼┤╭╮╰╯╔╦╗╚╩╝", "+"),
    }
)
"""The lines of boxes that tools such as hexyl draw around the columns of a dump."""

HAS_TEXT = re.compile(r"[\\\"']|HTTP/")
"""A sign of literals or heads: in them a space that does not break may be meant."""

QUOTES = {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'"}
TYPED_QUOTE = re.compile(rf"\s*[bB]?[{''.join(QUOTES)}]")


def without_typography(text: str) -> tuple[str, list[str]]:
    """The text in the characters of ASCII that were meant."""
    notes = []
    if (first := TYPED_QUOTE.match(text)) and not re.search("[\"']", text):
        kind = QUOTES[first[0][-1]]
        text = re.sub(f"[{''.join(q for q in QUOTES if QUOTES[q] == kind)}]", kind, text)
        notes.append(f"the quotes of a word processor are taken as {kind}")
    in_boxes = text.translate(BOXES)
    if in_boxes == text and not HAS_TEXT.search(text):
        return text.translate(INVISIBLE).translate(TYPED), notes
    return in_boxes, notes


# HTML

TAG = re.compile(r"</?(?:pre|code|p|div|span|br|samp|tt|td|tr|table|tbody)\b[^<>]*>", re.IGNORECASE)
TAG_AT_START = re.compile(rf"^(?:{TAG.pattern})+", re.IGNORECASE | re.MULTILINE)
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});")
BEGINS_IN_HTML = re.compile(
    rf"\s*(?:{TAG.pattern}|[bB]?(?:&quot;|&#39;|&#x27;|&lt;))", re.IGNORECASE
)


def without_html(text: str) -> tuple[str, list[str]]:
    """The text that a browser shows, if this is the source of a page."""
    has_html = TAG.search(text) or ENTITY.search(text)
    if not (BEGINS_IN_HTML.match(text) or (has_html and not HAS_TEXT.search(text))):
        return text, []
    shown_text = html.unescape(TAG.sub(" ", TAG_AT_START.sub("", text)))
    return shown_text, ["tags and entities of HTML are taken as what a browser shows"]


# Markdown

FENCE = re.compile(r"\s*(?:```|~~~)")
SEVERAL = 4
"""Fences around two texts or more, so that what is between them may say who sends which."""

QUOTED_LINE = re.compile("(?:> ?)+")
LIKE_A_DUMP = re.compile(r"\W*[0-9A-Fa-f]{4}")
"""A line of a dump, whose column of characters may have a ` twice."""


def without_fences(text: str) -> tuple[str, list[str]]:
    """What is between fences, and a note on what is around them; all lines if there are none."""
    lines = text.split("\n")
    count = sum(FENCE.match(line) is not None for line in lines)
    is_inside, inside, outside = count == 1, list[str](), ""
    for line in lines:
        if FENCE.match(line):
            is_inside = not is_inside or count == 1
            inside.append("")
        elif is_inside or not count:
            inside.append(line)
        else:
            inside.append(line if count >= SEVERAL and names_direction(line) else "")
            outside = outside or line.strip()
    notes = [f"left out around the fences of Markdown: {shown(outside)}"] if outside else []
    return "\n".join(inside), notes


def without_prose(text: str) -> tuple[str, list[str]]:
    """What is between the only two ` of a text, and a note on what is around them."""
    before, *between = text.split("`")
    if len(between) != 2:
        return text, []
    code, after = between
    around = before.strip() or after.strip()
    is_prose = re.search("[G-Zg-z]", around) and not LIKE_A_DUMP.match(before.split("\n")[-1])
    is_apart = not before[-1:].strip() and re.match(r"[\s.,:;!?)]|$", after)
    if not (is_prose and is_apart) or "\n" in code or code != code.strip():
        return text, []
    return "\n" * before.count("\n") + code, [f"what is around ` is not read: {shown(around)}"]


def without_quoting(text: str) -> str:
    """The lines without the > before each."""
    lines = text.split("\n")
    if all(QUOTED_LINE.match(line) for line in lines if line.strip()):
        lines = [QUOTED_LINE.sub("", line, count=1) for line in lines]
    return "\n".join(lines)
