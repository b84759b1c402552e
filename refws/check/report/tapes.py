"""Each failed case -> a tape that `python3 -m refws replay` explains, with secrets as ****."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ...course.record.redaction import Redactor
from ...course.record.tape import FIRST_WORDS, UNKNOWN, Chunk, first_line, lines_of
from ...protocol.frame import Side
from ..engine import Grade, Result
from ..runner import Report
from .text import hint_for, sentence


def write_tapes(report: Report, directory: str) -> list[Path]:
    """The tapes that were written: NAME.txt for each failed case. OSError if that fails.

    The tape of an earlier run is removed if its case has not failed in this one.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in report.results:
        path = folder / f"{result.case.name}.txt"
        if result.grade is Grade.FAIL and result.crossed:
            text = "\n".join(tape_of(result, report.started)) + "\n"
            path.write_text(text, encoding="utf-8")
            written.append(path)
        elif result.grade is not Grade.FAIL and is_tape(path):
            path.unlink()
    return written


def is_tape(path: Path) -> bool:
    if not path.is_file():
        return False
    start = FIRST_WORDS.encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def tape_of(result: Result, recorded: datetime) -> Iterator[str]:
    yield first_line(recorded, redacted=True)
    yield f"# {result.case.name}: {result.case.rule}"
    yield f"# {sentence(result)}"
    if hint := hint_for(result):
        yield f"# hint: {hint}"
    yield f"0.000000 1 open client={UNKNOWN} server={UNKNOWN}"
    for chunk in chunks(result):
        yield from lines_of(chunk)


def chunks(result: Result) -> Iterator[Chunk]:
    """The bytes without secrets; after the end of a direction there are none."""
    redactors = {side: Redactor(side) for side in Side}
    seconds = 0.0
    for seconds, sender, data in result.crossed:
        if sender not in redactors:
            continue
        redacted = redactors[sender].feed(data) if data else redactors.pop(sender).finish()
        if redacted:
            yield Chunk(seconds, 1, sender, redacted)
        if not data:
            yield Chunk(seconds, 1, sender, b"")
    for sender, redactor in redactors.items():
        if held := redactor.finish():
            yield Chunk(seconds, 1, sender, held)
