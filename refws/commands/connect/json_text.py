"""RFC 8259: a text that is JSON -> the same with a line for each member, for people to read.

Only white space between tokens changes: numbers and strings stay as the server has written them,
and so do two members of one name.
"""

from __future__ import annotations

import json
import re

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
"""A string, a sign of the structure, or a number or word."""

MAX_LENGTH = 20_000
"""Characters of a text that is shown like this; a longer one is shown as it is."""

INDENT = "  "


def indented(text: str) -> list[str] | None:
    """The lines of a JSON object or array that is not empty; None for any other text."""
    if not text.lstrip().startswith(("{", "[")) or len(text) > MAX_LENGTH or not is_json(text):
        return None
    tokens = TOKEN.findall(text)
    lines, depth = [""], 0
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        if token in "]}":
            depth -= 1
            if before not in "[{":
                lines.append(INDENT * depth)
        lines[-1] += f"{token} " if token == ":" else token
        depth += token in "[{"
        if token == "," or (token in "[{" and after not in "]}"):
            lines.append(INDENT * depth)
    return lines if len(lines) > 1 else None


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
