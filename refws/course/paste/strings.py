r"""String literals of programming languages, and their escapes without quotes, -> bytes.

b'\x81\x05Hello' of Python and Rust, "\x81\005Hello" of C, "\u0081\u0005Hello" of JavaScript,
"\201\5Hello" of strace (octal), \129\5Hello of Lua (decimal).
"""

from __future__ import annotations

import re
from dataclasses import replace

from .encodings import rating
from .heads import sender_of
from .plausible import WHOLE_FRAMES, rate
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of, shown
from .wrapped import is_call

LITERAL = re.compile(
    r"""(?P<prefix>\b(?:[bB][rR]?|[rR][bB]?|[uU]|[cC]))?(?P<quote>\"\"\"|'''|["'`])"""
    r"""(?P<body>(?:[^\\]|\\.)*?)(?P=quote)(?P<dots>\.\.\.)?""",
    re.DOTALL,
)
ESCAPE = re.compile(
    r"""\\(?:x\{(?P<braced>[0-9A-Fa-f]{1,6})\}|x(?P<hex>[0-9A-Fa-f]{2})"""
    r"""|u\{(?P<point>[0-9A-Fa-f]{1,6})\}|u(?P<unit>[0-9A-Fa-f]{4})"""
    r"""|(?P<digits>[0-9]{1,3})|(?P<line_end>\r?\n)|(?P<letter>.))|(?P<plain>[^\\]+)|(?P<wrong>\\)""",
    re.DOTALL,
)
LETTERS = {
    "n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v",
    "e": b"\x1b", "\\": b"\\", "'": b"'", '"': b'"', "/": b"/", "`": b"`", "$": b"$", "#": b"#",
    "@": b"@",
}  # fmt: skip
NUMERIC = re.compile(r"\\(?:x[0-9A-Fa-f{]|u[0-9A-Fa-f{]|[0-9])")
NUMBERED = re.compile(r"\\([0-9]{1,3})")
DIGITS = re.compile(r"\\[0-9]")
HEAD = re.compile(r"\s*(?:GET |HTTP/1\.)[^\n]*\\r\\n")
"""A head in one line, its line ends as escapes."""

BARE = re.compile(rf"\s*\\(?:x[0-9A-Fa-f{{]|u[0-9A-Fa-f{{]|[0-9])|{HEAD.pattern}")
ALL_HEX = re.compile(r"\s*(?:\\x[0-9A-Fa-f]{2}[\s,;]*)+")
ENCODED = re.compile(r"""\s*[bB](["'])(?P<inside>[^"'\\]{4,})\1[\s;,]*""")
"""The bytes of text alone, which may be hex or base64, as binascii of Python writes it."""

JOINED = re.compile(
    r"\"\"\s*[+&]\s*(?!b?\"\"|\s)[^\n]{1,20}|[\w)\]]\s*[+&]\s*b?\"\""
    r"|\"\"\s*\.\s*(?:\$\w|\w+\()[^\n]{0,20}|(?:\)|\$\w+)\s*\.\s*\"\""
)
"""A string beside an operator that joins it to a variable or a call; the strings are empty here."""

PACKED = re.compile(r"\bpack\(\s*[bB]?[\"'][@=<>!\w ]*[\"']\s*,")
"""struct.pack of Python, pack of PHP and Perl."""

ONE_PREFIX = re.compile(
    r"""\s*(?P<quote>["']?)\\x(?P<first>[0-9A-Fa-f]{2})(?P<rest>(?:[0-9A-Fa-f]{2}){2,})(?P=quote)[\s;,]*"""
)
"""Bytes as PostgreSQL prints them."""

OPEN = re.compile(r"""\s*[bB]?["'][^"']*\\(?:x[0-9A-Fa-f]|[0-9])""")
"""The start of a literal with an escape, also of one that is not closed."""

LAST_OF_LATIN_1 = "\xff"
IN_LATIN_1 = (
    "characters that are not ASCII are taken as one byte each, because that gives frames: the "
    "bytes were read as Latin-1"
)

REPLACEMENT = "�"


def recognises(text: str) -> bool:
    """An escape at the start, or a literal that has escapes or is one of bytes."""
    if ALL_HEX.fullmatch(text) or is_call(text) or is_encoded(text):
        return False  # plain hex says the same, or the call says what the literal is
    if BARE.match(text):
        return True
    return OPEN.match(text) is not None or any(
        (match["prefix"] or "").lower().startswith("b")
        or NUMERIC.search(match["body"])
        or HEAD.match(match["body"])
        for match in LITERAL.finditer(text)
    )


def is_encoded(text: str) -> bool:
    r"""Whether the text is a literal of hex digits, of base64 that means frames, or \x8105..."""
    if one := ONE_PREFIX.fullmatch(text):
        as_text = bytes.fromhex(one["first"]) + one["rest"].encode()
        return not one["quote"] or rate(as_text) != WHOLE_FRAMES
    match = ENCODED.fullmatch(text)
    if match is None:
        return False
    return (
        re.fullmatch("[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2})+", match["inside"]) is not None
        or rating(match["inside"]) == WHOLE_FRAMES
    )


def recognises_decimal(text: str) -> bool:
    return recognises(text) and DIGITS.search(text) is not None


def read(text: str) -> Pasted:
    return read_strings(text, decimal=False)


def read_decimal(text: str) -> Pasted:
    return read_strings(text, decimal=True)


def read_strings(text: str, decimal: bool) -> Pasted:
    """As `read_literals`, with each character as one byte if only that gives frames."""
    pasted = read_literals(text, decimal)
    if text.isascii() or max(text) > LAST_OF_LATIN_1:
        return pasted
    as_bytes = "".join(rf"\x{ord(c):02x}" if not c.isascii() else c for c in text)
    other = read_literals(as_bytes, decimal=False) if not decimal else pasted
    if rate(other.data) <= rate(pasted.data):
        return pasted
    notes = (note for note in other.notes if "around the quotes" not in note)
    return replace(other, notes=(*notes, IN_LATIN_1))


def read_literals(text: str, decimal: bool) -> Pasted:
    """The literals one after another, each a chunk; or all of the text if it has no quotes."""
    literals = [] if BARE.match(text) else list(LITERAL.finditer(text))
    notes: list[str] = []
    if packed := PACKED.search(text):
        raise BadPaste(
            line_of(text, packed.start()),
            f"{shown(packed[0])} makes bytes of numbers and strings: give the bytes that it makes",
        )
    if literals and (joined := JOINED.search(LITERAL.sub('""', text))):
        raise BadPaste(
            1, f"{shown(joined[0])} joins a string and what is none: give the bytes of the whole"
        )
    if names := names_in(literals, text):
        left_out = {match.start() for match in names}
        literals = [match for match in literals if match.start() not in left_out]
        notes.append(f"left out: {', '.join(shown(match['body']) for match in names[:3])}")
    if heads := [match for match in literals if HEAD.match(match["body"])]:
        chunks = [
            Chunk(read_literal(match, text, decimal, notes).data, sender_of(match["body"].lstrip()))
            for match in heads
        ]
        count = counted(len(heads), "head")
        note = f"only the {count} {'is' if len(heads) == 1 else 'are'} read"
        return Pasted(f"string literal, {count}", tuple(chunks), (note,))
    if not literals and OPEN.match(text):
        raise BadPaste(1, "a quote that is not closed: give the whole literal")
    if not literals:
        bare = text.strip("\r\n").lstrip()
        first = line_of(text, text.index(bare)) if bare else 1
        chunks = [Chunk(unescape(bare, first, decimal, notes))]
        if any(bare.count(quote) % 2 for quote in "'\""):
            notes.append("a quote without another one is taken as a byte: is something cut off?")
    else:
        chunks = [read_literal(match, text, decimal, notes) for match in literals]
        rest = re.sub(r"[\s;,()+.\\]", "", LITERAL.sub("", text))
        if re.search(r"['\"`]", rest):
            raise BadPaste(
                line_of(text, max(text.rfind("'"), text.rfind('"'))),
                "a quote that is not closed: give the whole literal",
            )
        if re.search(r"\\(?!\s*\n)", LITERAL.sub("", text)):
            raise BadPaste(1, "an escape outside the quotes: give the whole literal")
        if rest:
            notes.append(f"what is around the quotes is not read: {shown(rest)}")
    if is_shorter_at_its_end(text):
        notes.append("the last escape has fewer digits than the others: is something cut off?")
    cut_off = "the text ends in ..." if any(match["dots"] for match in literals) else ""
    count = counted(sum(len(chunk.data) for chunk in chunks), "byte")
    kind = kind_of(text, decimal, bool(literals))
    return Pasted(f"{kind}, {count}", tuple(chunks), tuple(dict.fromkeys(notes)), cut_off)


def names_in(literals: list[re.Match[str]], text: str) -> list[re.Match[str]]:
    """Literals without escapes that are names, arguments, or beside literals of bytes."""
    if len(literals) < 2:
        return []
    has_bytes = any((match["prefix"] or "").lower().startswith("b") for match in literals)
    is_call = "(" in text and "[" not in text
    is_call = is_call and any(NUMERIC.search(match["body"]) for match in literals)
    names = []
    for match in literals:
        after = text[match.end() : match.end() + 20]
        before = text[max(match.start() - 20, 0) : match.start()]
        is_argument = re.match(r"\s*,", after) or re.search(r",\s*$", before)
        if "\\" not in match["body"] and (
            re.match(r"\s*(?::|=>)", after)
            or (has_bytes and not match["prefix"])
            or (is_call and is_argument and len(match["body"]) > 1)
        ):
            names.append(match)
    return names


def is_shorter_at_its_end(text: str) -> bool:
    """Whether all escapes have three digits, except one where the text ends."""
    sizes = [len(match[1]) for match in NUMBERED.finditer(text)]
    ends = re.search(r"\\[0-9]{1,2}\s*$", text) is not None
    return ends and len(sizes) > 1 and set(sizes[:-1]) == {3}


def kind_of(text: str, decimal: bool, quoted: bool) -> str:
    if decimal:
        return "decimal escapes as in Lua"
    if DIGITS.search(text) and not re.fullmatch(r"(?:[^\\]|\\0|\\[^0-9])*", text, re.DOTALL):
        return "octal escapes as in C"
    if re.search(r"\bb['\"]", text):
        return "bytes literal"
    return "string literal" if quoted else "escapes"


def read_literal(match: re.Match[str], text: str, decimal: bool, notes: list[str]) -> Chunk:
    line = line_of(text, match.start())
    if "r" in (match["prefix"] or "").lower() and "\\" in match["body"]:
        raise BadPaste(line, "a raw literal with a backslash: give one without r, or give hex")
    return Chunk(unescape(match["body"], line, decimal, notes))


def unescape(body: str, line: int, decimal: bool, notes: list[str]) -> bytes:
    """The bytes of text with escapes; what was assumed is added to `notes`."""
    utf_8 = re.search(r"\\x[89A-Fa-f]", body) is not None
    data: list[bytes] = []
    for match in ESCAPE.finditer(body):
        data.append(unescape_one(match, line, decimal, utf_8, notes))
        line += match[0].count("\n")
    return b"".join(data)


def unescape_one(
    match: re.Match[str], line: int, decimal: bool, utf_8: bool, notes: list[str]
) -> bytes:
    if match["plain"] is not None:
        return plain(match["plain"], line, notes)
    if match["hex"]:
        return bytes.fromhex(match["hex"])
    if match["digits"]:
        return numbered(match, line, decimal)
    if point := match["braced"] or match["point"] or match["unit"]:
        return code_point(int(point, 16), line, utf_8 and not match["braced"], notes)
    if match["line_end"]:
        return b""
    letter = match["letter"]
    if letter not in LETTERS:
        seen = "a backslash at the end" if letter is None else f"the escape {chr(92) + letter!a}"
        raise BadPaste(
            line, rf"{seen}: give \x and two hex digits, three octal digits, or \n, \r, \t"
        )
    return LETTERS[letter]


def plain(text: str, line: int, notes: list[str]) -> bytes:
    if REPLACEMENT in text:
        raise BadPaste(
            line,
            "U+FFFD: the bytes were read as UTF-8 and are lost; print them as hex before that",
        )
    if not text.isascii():
        first = next(character for character in text if not character.isascii())
        notes.append(f"{first!a} is taken as its bytes in UTF-8")
    return text.encode("utf-8", "surrogateescape")


def numbered(match: re.Match[str], line: int, decimal: bool) -> bytes:
    r"""\5, \012 or \201: octal or decimal. A digit that can be no part of it is text."""
    digits = match["digits"] if decimal else re.match("[0-7]*", match["digits"])[0]  # type: ignore[index]
    value = int(digits, 10 if decimal else 8) if digits else 256
    if value > 255:
        base, highest, other = (
            ("decimal", "255", "string") if decimal else ("octal", "377", "decimal-escapes")
        )
        raise BadPaste(
            line, rf"{match[0]!a} is no {base} escape: give \0 to \{highest}, or --form {other}"
        )
    return bytes([value]) + match["digits"][len(digits) :].encode()


def code_point(point: int, line: int, utf_8: bool, notes: list[str]) -> bytes:
    if point <= 0xFF and not utf_8:
        if point > 0x7F:
            notes.append(
                f"U+{point:04X} is taken as the byte {point:02x}, not as its bytes in UTF-8"
            )
        return bytes([point])
    try:
        return chr(point).encode()
    except ValueError:
        raise BadPaste(line, f"U+{point:04X} has no bytes in UTF-8: give it as hex") from None


# The forms

STRING = Way(recognises, read)
DECIMAL_ESCAPES = Way(recognises_decimal, read_decimal)
