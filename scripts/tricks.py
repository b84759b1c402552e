"""The lines of refws that are written for speed, and what they gain on this Python.

    python3 scripts/tricks.py

Such a line is marked, at its end or in a comment above it, with `FAST:` and the reason. For some of
these tricks this script has a plain way and the fast one, and measures the time of both.
"""

from __future__ import annotations

import platform
import re
import sys
import timeit
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PROJECT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"# *FAST\b(?:: *(.*))?")

REPEATS = 5
SECONDS = 0.02
"""The fastest of this many measurements counts, because other programs disturb the others."""


@dataclass(frozen=True)
class Mark:
    """A marked line: its file, its number, and the reason, which is empty where it is missing."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Trick:
    """Two expressions with the same value, and what both need."""

    fast: str
    plain: str
    setup: str

    def values(self) -> tuple[Any, Any]:
        names: dict[str, Any] = {}
        exec(self.setup, names)
        return eval(self.fast, names), eval(self.plain, names)

    def times(self) -> tuple[float, float]:
        """Seconds that the fast and the plain expression take."""
        return best_time(self.fast, self.setup), best_time(self.plain, self.setup)


TRICKS = {
    "masking 32 bytes as one integer": Trick(
        "mask(payload, key)",
        "bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))",
        "from refws.protocol.masking import mask\n"
        "payload, key = bytes(range(32)), bytes.fromhex('37fa213d')",
    ),
    "masking 64 KiB as integers of 8 KiB": Trick(
        "mask(payload, key)",
        "bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))",
        "from refws.protocol.masking import mask\n"
        "payload, key = bytes(range(256)) * 256, bytes.fromhex('37fa213d')",
    ),
    "a header that was checked before": Trick(
        "cached(head)",
        "check(head)",
        "import functools\n"
        "from refws.protocol.frame import check_header, parse_header\n"
        "def check(head):\n"
        "    header = parse_header(head)\n"
        "    check_header(header)\n"
        "    return header\n"
        "cached, head = functools.cache(check), bytes.fromhex('8185')",
    ),
    "an opcode by a name of the module": Trick(
        "opcode is TEXT",
        "opcode is Opcode.TEXT",
        "from refws.protocol.frame import TEXT, Opcode\nopcode = TEXT",
    ),
    "UTF-8 of a whole message at once": Trick(
        "payload.decode()",
        "Decoder().decode(payload, True)",
        "import codecs\n"
        "Decoder = codecs.getincrementaldecoder('utf-8')\n"
        "payload = 'Grüße, 世界.'.encode()",
    ),
}


def marks() -> Iterator[Mark]:
    """All marks in refws, by file and line."""
    for path in sorted((PROJECT / "refws").rglob("*.py")):
        yield from marks_of(path, path.relative_to(PROJECT).as_posix())


def marks_of(path: Path, name: str) -> Iterator[Mark]:
    """The marks of one file; a reason may go on in the comment lines below it."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    comments = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    for number, token in comments.items():
        found = MARK.match(token.string)
        if found is None:
            continue
        reason = found[1] or ""
        below = number + 1
        while below in comments and comments[below].start[1] == token.start[1]:
            reason += " " + comments[below].string.lstrip("# ")
            below += 1
        yield Mark(name, number, reason)


def best_time(expression: str, setup: str) -> float:
    timer = timeit.Timer(expression, setup)
    count = max(1, int(SECONDS / max(timer.timeit(1), 1e-7) / 10))
    count = max(1, int(count * SECONDS / max(timer.timeit(count), 1e-7)))
    return min(timer.repeat(REPEATS, count)) / count


def main() -> None:
    for mark in marks():
        print(f"{mark.file}:{mark.line}  {mark.reason or 'no reason is given'}")
    print(f"\nmicroseconds, {platform.python_implementation()} {platform.python_version()}")
    for name, trick in TRICKS.items():
        fast, plain = trick.times()
        print(f"    {name:<40} {plain * 1e6:9.3f} -> {fast * 1e6:7.3f}, {plain / fast:7.1f} times")


if __name__ == "__main__":
    main()
