"""A peer's text -> printable characters, cut to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

WIDTH = 80
"""Columns of a line, at most."""


def escape(text: str) -> str:
    r"""`text` as it may go to a terminal: each character that is not harmless as \n, \x1b, \u202e.

    A backslash or double quote gets a backslash before it.
    """
    return "".join(map(_escaped, text))


def is_harmless(character: str) -> bool:
    """Whether a character is printable, and does not reorder or cover its neighbours."""
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
    """As much of escaped text as fits, then "..." if something is missing."""
    return text if width(text) <= columns else _fitting(text, columns - 3) + "..."


def quoted(text: str, columns: int, more: bool = False) -> str:
    """Text in quotes, escaped and cut to these columns; `more` says that it goes on after that."""
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
    """Bytes in hex, as 48 65."""
    return data.hex(" ")


def count(length: int) -> str:
    """A number of bytes in words."""
    return "1 byte" if length == 1 else f"{length} bytes"


def escape_words(text: str) -> str:
    """Words of refws that quote a peer, in ASCII already: escaped once more, to be safe."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
