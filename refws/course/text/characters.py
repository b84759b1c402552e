"""A peer's text -> printable characters, cut to a width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

WIDTH = 80
"""The most columns of a line."""

JOINER, EMOJI_STYLE, KEYCAP = "\u200d", "\ufe0f", "\u20e3"

ONE_EMOJI = f"[\xa9\xae\u203c-\u3299\U0001f000-\U0001faff][\U0001f3fb-\U0001f3ff]?{EMOJI_STYLE}?"
EMOJI = re.compile(f"{ONE_EMOJI}(?:{JOINER}{ONE_EMOJI})*|[0-9#*]{EMOJI_STYLE}?{KEYCAP}")
"""An emoji of one character or of several, such as a family, or a flag in another style."""


def escape(text: str) -> str:
    r"""`text` for a terminal: a character that is not harmless becomes \n, \x1b, \u202e or so.

    A backslash or double quote gets a backslash before it.
    """
    return "".join(map(_escaped, _characters(text)))


def escape_octets(text: str) -> str:
    r"""The same for a head, whose bytes from 0x80 up have no meaning: each becomes \xe9 or so."""
    return "".join(map(_escaped_octet, text))


def is_harmless(character: str) -> bool:
    """Whether a character is printable, and does not reorder or cover its neighbours."""
    if character.isascii():
        return character.isprintable() and character not in '\\"'
    if not character.isprintable() or unicodedata.combining(character):
        return False
    return unicodedata.bidirectional(character) in ("L", "EN", "ES", "ET", "CS", "ON")


def _characters(text: str) -> list[str]:
    """The characters; the ones of an emoji of several are one element."""
    if JOINER not in text and EMOJI_STYLE not in text and KEYCAP not in text:
        return list(text)
    elements, end = list[str](), 0
    for emoji in EMOJI.finditer(text):
        whole = all(map(_is_part_of_emoji, emoji[0]))
        elements += [*text[end : emoji.start()], *([emoji[0]] if whole else emoji[0])]
        end = emoji.end()
    return [*elements, *text[end:]]


def _is_part_of_emoji(character: str) -> bool:
    return character in (JOINER, EMOJI_STYLE, KEYCAP) or is_harmless(character)


def _escaped(character: str) -> str:
    """One element of `_characters`."""
    if len(character) > 1 or is_harmless(character):
        return character
    return f"\\{character}" if character in '\\"' else ascii(character)[1:-1]


def _escaped_octet(character: str) -> str:
    return _escaped(character) if character.isascii() else ascii(character)[1:-1]


def width(text: str) -> int:
    """Columns of escaped text."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, columns: int) -> str:
    """Escaped text, cut to these columns; it ends with "..." if something is missing."""
    return text if width(text) <= columns else _fitting(text, columns - 3) + "..."


def quoted(text: str, columns: int, more: bool = False) -> str:
    """Text in quotes, escaped and cut to these columns; `more` says that the text is longer."""
    return _quoted([_escaped(character) for character in _characters(text)], columns, more)


def quoted_octets(text: str, columns: int) -> str:
    """The same for a line of a head."""
    return _quoted([_escaped_octet(character) for character in text], columns, False)


def _quoted(characters: list[str], columns: int, more: bool) -> str:
    whole = f'"{"".join(characters)}"'
    if width(whole) <= columns and not more:
        return whole
    return f'"{_fitting(characters, columns - 5)}"...'


def _fitting(characters: Iterable[str], columns: int) -> str:
    """The first of these escaped characters, up to this width."""
    fitting = ""
    for character in characters:
        columns -= width(character)
        if columns < 0:
            break
        fitting += character
    return fitting


def cut_escaped(text: str, columns: int, more: bool = False) -> str:
    """Text without quotes, escaped and cut to these columns; then "..." is after it."""
    characters = [_escaped(character) for character in _characters(text)]
    whole = "".join(characters)
    return f"{_fitting(characters, columns)}..." if more or width(whole) > columns else whole


def fold(text: str, columns: int | None, indent: str = "") -> list[str]:
    """Escaped text as lines of at most these columns, broken at words; the first is not indented.

    A word that is too long for a line is broken, too. With None there is one line.
    """
    if columns is None or width(text) <= columns:
        return [text]
    lines, line = list[str](), ""
    for word in re.findall(r" *[^ ]+| +$", text):
        if width(line + word) > columns and line.strip():
            lines.append(line)
            line, word = indent, word.lstrip()
        line += word
        while width(line) > columns:
            fitting = _fitting(line, columns)
            lines.append(fitting)
            line = indent + line[len(fitting) :]
    return [*lines, line]


def fold_lines(text: str, columns: int) -> str:
    """The text with lines of at most these columns; its own line ends stay.

    A line that goes on in the next one is indented there as it is itself.
    """
    lines = [(line, " " * (len(line) - len(line.lstrip()))) for line in text.split("\n")]
    return "\n".join("\n".join(fold(line, columns, start)) for line, start in lines)


def spaced(data: bytes) -> str:
    """Bytes in hex, such as 48 65."""
    return data.hex(" ")


def count(length: int) -> str:
    """A number of bytes in words."""
    return "1 byte" if length == 1 else f"{length} bytes"


def escape_words(text: str) -> str:
    """A message of refws that quotes a peer in ASCII; escaped once more, to be safe."""
    return "".join(
        character if len(character) > 1 or character.isprintable() else ascii(character)[1:-1]
        for character in _characters(text)
    )
