"""Test files spread over a few processes: the longest first, each to the least busy process.

Each run measures how long a file takes, and keeps that for the next one. The processes know nothing
of each other; their output is printed at the end, and only where a test failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

BYTES_A_SECOND = 10_000
"""For a test file that was never measured: longer files have more tests."""

PASSED, FAILED, NO_TESTS = 0, 1, 5
"""Exit statuses of pytest."""

KINDS = {"failure": "failed", "error": "errors", "skipped": "skipped"}
"""Elements below a test in a JUnit report, and what they mean; a test with none has passed."""


@dataclass
class Share:
    """The files of one process, and how long they take in seconds."""

    files: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The end of one process: its exit status, its output, and the results of its tests."""

    status: int
    output: str
    counts: Counter[str]
    seconds: dict[str, float]
    reasons: Counter[str]
    failed: tuple[str, ...] = ()
    """The names of the tests that did not pass, as pytest takes them."""

    @property
    def passed(self) -> bool:
        return self.status in (PASSED, NO_TESTS)


def share_out(files: Iterable[Path], seconds: Mapping[str, float], count: int) -> list[Share]:
    """The files in `count` shares of about the same length, none of them empty."""
    known = {
        str(file): seconds.get(file.stem, file.stat().st_size / BYTES_A_SECOND) for file in files
    }
    shares = [Share() for _ in range(min(count, len(known)))]
    for file in sorted(known, key=lambda file: -known[file]):
        shortest = min(shares, key=lambda share: share.seconds)
        shortest.files.append(file)
        shortest.seconds += known[file]
    return shares


def processes() -> int:
    """Three for each CPU that we may use: while tests of two wait, the third goes on."""
    return 3 * (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def run(
    command: Sequence[str], shares: Sequence[Share], cwd: Path, env: Mapping[str, str]
) -> list[Outcome]:
    """Run the command once for each share, all at the same time. Leaves no process running."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        running = []
        for number, share in enumerate(shares):
            running.append(Run(command, share.files, directory / str(number), cwd, env))
            stack.callback(running[-1].stop)
        return [one.outcome() for one in running]


class Run:
    """One process and the files that it writes to."""

    def __init__(
        self,
        command: Sequence[str],
        files: Sequence[str],
        path: Path,
        cwd: Path,
        env: Mapping[str, str],
    ) -> None:
        self.report = path.with_suffix(".xml")
        text = path.with_suffix(".txt")
        self.output = text.open("w+", encoding="utf-8", errors="replace")
        arguments = [*command, "-p", "no:cacheprovider", f"--junitxml={self.report}", *files]
        self.process = subprocess.Popen(
            arguments, cwd=cwd, env=env, stdout=self.output, stderr=subprocess.STDOUT
        )

    def outcome(self) -> Outcome:
        """Wait for the end of the process."""
        status = self.process.wait()
        self.output.seek(0)
        return Outcome(status, self.output.read(), *read_report(self.report))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.output.close()


def read_report(
    path: Path,
) -> tuple[Counter[str], dict[str, float], Counter[str], tuple[str, ...]]:
    """Tests by their results, seconds by file, reasons of skips, names of the tests that did not
    pass; empty without a report."""
    counts, reasons, failed = Counter[str](), Counter[str](), []
    seconds: defaultdict[str, float] = defaultdict(float)
    cases = ElementTree.parse(path).iter("testcase") if path.exists() else ()
    for case in cases:
        module = case.get("classname", "")
        seconds[module.rpartition(".")[2]] += float(case.get("time", 0))
        kinds = [KINDS[child.tag] for child in case if child.tag in KINDS]
        counts.update(kinds or ["passed"])
        reasons.update(child.get("message", "") for child in case if child.tag == "skipped")
        if set(kinds) & {"failed", "errors"}:
            failed.append(f"{module.replace('.', '/')}.py::{case.get('name')}")
    return counts, dict(seconds), reasons, tuple(failed)


def measured(shares: Sequence[Share], outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Seconds by file; 0 for a file that has no test in a run of this kind."""
    seconds: dict[str, float] = {}
    for share, outcome in zip(shares, outcomes, strict=True):
        if outcome.passed:
            seconds.update(dict.fromkeys((Path(file).stem for file in share.files), 0.0))
        seconds.update(outcome.seconds)
    return seconds


def failures(output: str) -> str:
    """The output of pytest without the dots above its first headline."""
    start = output.find("\n====")
    return output[start + 1 :] if start >= 0 else output


def summary(outcomes: Sequence[Outcome]) -> str:
    """The sums, such as "3 failed, 2000 passed, 5 skipped", and a line for each reason to skip."""
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    reasons = sum((outcome.reasons for outcome in outcomes), Counter[str]())
    words = [
        f"{counts[kind]} {kind}"
        for kind in ("failed", "errors", "passed", "skipped")
        if counts[kind]
    ]
    skipped = [f"skipped {number}: {reason}" for reason, number in sorted(reasons.items())]
    return "\n".join([*skipped, ", ".join(words) or "no test ran"])


def show(outcomes: Sequence[Outcome]) -> bool:
    """Print what failed and the summary. True if nothing failed, and a test ran."""
    for outcome in outcomes:
        if not outcome.passed:
            print(failures(outcome.output))
            if outcome.status != FAILED:
                print(f"pytest ended with status {outcome.status}", file=sys.stderr)
    print(summary(outcomes))
    return all(outcome.passed for outcome in outcomes) and any(
        outcome.counts["passed"] for outcome in outcomes
    )


# How long each file takes


def load_seconds(path: Path) -> dict[str, float]:
    """The seconds that the last run has measured; empty if there are none that can be read."""
    try:
        return {
            str(name): float(seconds)
            for name, seconds in json.loads(path.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def save_seconds(path: Path, seconds: Mapping[str, float]) -> None:
    rounded = {name: round(value, 2) for name, value in sorted(seconds.items())}
    path.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
