"""The column of characters in a hex dump, held to the bytes of its line."""

from __future__ import annotations

import html
import re

BARS = re.compile(
    r"\|(?P<bars>.*)\|$|>(?P<angles>.*)<$|\[(?P<square>.*)\]$|\|(?P<open>.*)$|:(?P<colon>.*)$"
)
SIGNS = "."
"""The sign in a column for a byte that is no character; others are not ASCII."""

SIGNS_BESIDE_OTHERS = f"{SIGNS} _0"
"""A column with others may have spaces for the characters that control, as PowerShell prints it;
or _ for a line end and 0 for a byte 00, as hexyl does."""


MIN_TELLING = 4
"""Characters that are a column also if there are none for the other bytes."""

NO, NONE, LOOSE, EXACT = range(4)


def fit(rest: str, data: bytes, is_last: bool) -> int:
    """How well the text after the bytes is their column of characters; NONE for no column.

    LOOSE if only spaces differ, of which a web page makes one of several; or if only the bytes
    that are characters are there, because pasting took away the others.
    """
    if not rest.strip():
        return NONE if is_last else NO
    expected = "".join(chr(byte) if is_printable(byte) else "." for byte in data)
    halves = f"{expected[:8]} {expected[8:]}"
    columns = columns_in(rest)
    if any(same(seen, whole.strip()) for seen in columns for whole in (expected, halves)):
        return EXACT
    if not is_last:
        return NO
    wanted = expected.replace(" ", "")
    packed = [re.sub(r"\s", "", seen) for seen in columns]
    if any(same(seen, wanted) for seen in packed):
        return LOOSE
    printed = "".join(chr(byte) for byte in data if is_printable(byte)).strip()
    return LOOSE if len(printed) >= MIN_TELLING and printed in columns else NO


def same(seen: str, expected: str) -> bool:
    """Whether a column is as expected; a byte that is no character may be shown in other ways."""
    signs = SIGNS if seen.isascii() else SIGNS_BESIDE_OTHERS
    seen = seen if seen.isascii() else seen.rjust(len(expected))
    return len(seen) == len(expected) and all(
        a == b or (b == "." and (a in signs or not a.isascii()))
        for a, b in zip(seen, expected, strict=True)
    )


def is_printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F


def columns_in(rest: str) -> list[str]:
    """What the column may be: the text itself, or what is between its bars."""
    text = rest.strip()
    match = BARS.match(text)
    inside = [next(filter(None, match.groups()), "").strip()] if match else []
    return [*inside, text, html.unescape(text)]
