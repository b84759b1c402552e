"""The rules that a plain server breaks, by the names of its mutations."""

import re
from pathlib import Path

NAME_PATTERNS = (
    r'"([\w-]+)" (?:not )?in (?:self\.)?broken',
    r'"([\w-]+)", (?:error|bad|not_allowed|Failed|Refused)',
)


class Broken(frozenset):
    """`"no-pong" in broken` says that the server shall send no Pong."""

    def rule(self, holds, name, error):
        """Raise the error if the rule does not hold, unless it is the broken one."""
        if not holds and name not in self:
            raise error


def mutations():
    """All the names, as the code of the plain server has them."""
    files = Path(__file__).parent.glob("plain_*.py")
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    return {name for pattern in NAME_PATTERNS for name in re.findall(pattern, code)}
