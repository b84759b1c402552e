"""The testsuite's wire log of a case -> a tape, which `python3 -m refws replay` explains.

The log has no times but its waits, so the times in a tape are the least that have passed. kosoku
keeps 64 bytes of each write and read: a tape ends where more were sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import show
from outcome import Outcome
from refws.course.record.tape import Chunk, lines_of
from refws.protocol.frame import Side

NO_HEAD = "?"
"""What the testsuite notes in place of a head that it has not seen."""


def write(outcome: Outcome, directory: Path) -> list[Path]:
    """A tape for each case that differs or is not OK, in this directory. OSError.

    A testsuite that was ended while it wrote its reports may have left out the page of a case.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for case in outcome.to_look_at:
        if not outcome.results[case].page.with_suffix(".json").is_file():
            continue
        file = directory / f"{outcome.agent}-{case}.tape"
        file.write_text(tape(case, show.load(outcome.results[case])), "ascii")
        written.append(file)
    return written


def tape(case: str, noted: Mapping[str, Any]) -> str:
    """The lines of the tape; what the case is about is in comments."""
    comments = [
        f"{case} of {noted['agent']}: {noted['behavior']}, closing {noted['behaviorClose']}",
        *(f"sends: {line}" for line in show.plain_text(noted["description"])),
        *(f"expects: {line}" for line in show.plain_text(noted["expectation"])),
        f"found: {noted['result']} {noted['resultClose']}",
    ]
    return "".join(
        f"{line}\n"
        for line in (
            f"refws tape 1, recorded {noted['started']}, from a report of the testsuite",
            *(f"# {show.printable(comment)}" for comment in comments),
            *_lines(noted),
        )
    )


def _lines(noted: Mapping[str, Any]) -> Iterator[str]:
    senders = _senders(noted)
    heads = {kind: _whole(head) for kind, head in show.heads(noted).items()}
    for kind, head in heads.items():
        yield from _chunk(0, senders[kind], head)
    clock = Clock()
    for event in noted["wirelog"]:
        clock.note(event)
        if event[0] in senders:
            left, data, length = _without_head(event[1], heads[event[0]])
            heads[event[0]] = left
            yield from _chunk(clock.seconds, senders[event[0]], data)
            if length > len(data):
                yield f"# {length - len(data)} bytes follow that the report does not keep"
                return
        elif event[0] == "WLM" and not event[1]:
            yield "# the report leaves out what follows, up to the next line"
    ended = senders["TO" if noted["droppedByMe"] else "RO"]
    yield f"{clock.seconds:.6f} 1 {ended} end"


def _senders(noted: Mapping[str, Any]) -> dict[str, str]:
    """TO and RO, octets that the testsuite has sent and received -> who has sent them."""
    testsuite = Side.SERVER if noted["isServer"] else Side.CLIENT
    return {"TO": testsuite.value, "RO": testsuite.peer.value}


def _whole(head: str) -> bytes:
    """A head with its empty line, which kosoku leaves out."""
    return f"{head.rstrip()}\r\n\r\n".encode() if head and head != NO_HEAD else b""


def _without_head(octets: tuple[int, str], head: bytes) -> tuple[bytes, bytes, int]:
    """(what is still to come of the head, the bytes after it, how many bytes these were).

    The log of the testsuite has the bytes of the heads, that of kosoku has not.
    """
    length, text = octets
    kept = bytes.fromhex(text.removesuffix(" ..."))
    if not head or kept[: len(head)] != head[: len(kept)]:
        return b"", kept, length
    return head[length:], kept[len(head) :], max(length - len(head), 0)


def _chunk(seconds: float, sender: str, data: bytes) -> Iterator[str]:
    if data:
        yield from lines_of(Chunk(seconds, 1, Side(sender), data))


class Clock:
    """The least that has passed, by the waits that have ended."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._due: dict[tuple[str, object], float] = {}

    def note(self, event: Sequence[Any]) -> None:
        match event:
            case ["CT", seconds, name]:
                self._due["CT", name] = self.seconds + seconds
            case ["KL" | "TI" as kind, seconds]:
                self._due[kind, None] = self.seconds + seconds
            case ["CTE", name]:
                self._reach(("CT", name))
            case ["KLE" | "TIE" as kind]:
                self._reach((kind[:2], None))
            case _:
                pass

    def _reach(self, wait: tuple[str, object]) -> None:
        self.seconds = max(self.seconds, self._due.get(wait, 0.0))
