"""Text of a peer -> printable characters, cut to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

WIDTH = 80


def escape(text: str) -> str:
    r"""`text` as it may go to a terminal: what is not printable, or could change the direction or
    the look of others, as \n, \x1b, \u202e; and a backslash or double quote with a backslash before
    it.
    """
    return "".join(map(_escaped, text))


def is_harmless(character: str) -> bool:
    """A printable character, except one that reorders its neighbours (right to left), or is written
    on top of one.
    """
    if character.isascii():
        return character.isprintable() and character not in '\\"'
    if not character.isprintable() or unicodedata.combining(character):
        return False
    return unicodedata.bidirectional(character) in ("L", "EN", "ES", "ET", "CS", "ON")


def _escaped(character: str) -> str:
    if is_harmless(character):
        return character
    return f"\\{character}" if character in '\\"' else ascii(character)[1:-1]


def width(text: str) -> int:
    """Columns of escaped text."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, columns: int) -> str:
    """As much of escaped text as fits, with "..." where something is missing."""
    return text if width(text) <= columns else _fitting(text, columns - 3) + "..."


def quoted(text: str, columns: int, more: bool = False) -> str:
    """Text in quotes, escaped and cut to these columns; `more` tells that it goes on."""
    whole = f'"{escape(text)}"'
    if width(whole) <= columns and not more:
        return whole
    return f'"{_fitting(map(_escaped, text), columns - 5)}"...'


def _fitting(characters: Iterable[str], columns: int) -> str:
    """As many of these, each escaped, as fit."""
    fitting = ""
    for character in characters:
        columns -= width(character)
        if columns < 0:
            break
        fitting += character
    return fitting


def spaced(data: bytes) -> str:
    return data.hex(" ")


def count(length: int) -> str:
    return "1 byte" if length == 1 else f"{length} bytes"


def escape_words(text: str) -> str:
    """Words of our own, in which the peer's are quoted in ASCII already; escaped once more, to be
    sure.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
