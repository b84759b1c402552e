"""RFC 6455 §9.1: the grammar of Sec-WebSocket-Extensions: header values -> Extension.

    permessage-deflate; client_max_window_bits, x-other; level="3"
    name              ; parameter            , name   ; parameter=value, a token, perhaps in quotes

Commas separate extensions, the most preferred first; several lines are one list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import Fault, HandshakeError
from .http import OWS, Headers, is_token, quote

FIELD = "Sec-WebSocket-Extensions"

QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')

# The closing quote may be missing: the string is refused later. To match it as a whole here keeps
# the time of the search linear.
SEPARATOR_OR_QUOTED = re.compile(r'[,;]|"(?:[^"\\]|\\.)*"?')


@dataclass(frozen=True)
class Extension:
    """One extension and its parameters; the value of a parameter without "=" is None (§9.1)."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


def listed_extensions(headers: Headers) -> tuple[Extension, ...]:
    """The extensions that a head lists; () without the header. Errors of `parse_extensions`."""
    lines = headers.get_all(FIELD)
    return parse_extensions(lines) if lines else ()


def parse_extensions(values: Iterable[str]) -> tuple[Extension, ...]:
    """The extensions in the values of all the lines, in order of preference (§9.1).

    HandshakeError if a value does not follow the grammar, or if there is no extension at all.
    """
    elements = split_unquoted(", ".join(values), ",")
    extensions = tuple(_parse_extension(element) for element in elements if element)
    if not extensions:
        raise _bad_extensions(
            "no extension in the list", "at least one; leave the header out where there is none"
        )
    return extensions


def _parse_extension(element: str) -> Extension:
    name, *parameters = split_unquoted(element, ";")
    if not is_token(name):
        raise _bad_extensions(f"extension name {quote(name)}", "a token")
    return Extension(name, tuple(map(_parse_parameter, parameters)))


def _parse_parameter(parameter: str) -> tuple[str, str | None]:
    name, equals, value = parameter.partition("=")
    name, value = name.strip(OWS), value.strip(OWS)
    if quoted := QUOTED_STRING.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    if not is_token(name):
        raise _bad_extensions(f"extension parameter {quote(parameter)}", "name or name=value")
    if equals and not is_token(value):
        raise _bad_extensions(
            f"extension parameter {quote(parameter)}", "a token as its value, quoted or not"
        )
    return name, value if equals else None


def split_unquoted(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators outside quoted strings, without outer white space."""
    cuts = [match.start() for match in SEPARATOR_OR_QUOTED.finditer(text) if match[0] == separator]
    starts = [0, *(cut + 1 for cut in cuts)]
    ends = [*cuts, len(text)]
    return [text[start:end].strip(OWS) for start, end in zip(starts, ends, strict=True)]


def _bad_extensions(seen: str, expected: str) -> HandshakeError:
    return HandshakeError([Fault("§9.1", f"{FIELD} with {seen}", expected, FIELD)])
