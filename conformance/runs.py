"""reports/: a directory for each run, named by its date; `last` is the newest that has ended.

    reports/server/refws/2026-11-26T21-30-05/index.html
    reports/server/refws/last -> 2026-11-26T21-30-05

`begin` removes the oldest, so that no more than `KEPT` remain of one server or client.
"""

from __future__ import annotations

import itertools
import re
import shutil
from datetime import datetime
from pathlib import Path

from environment import ROOT

REPORTS = ROOT / "conformance" / "reports"
LAST = "last"
KEPT = 10

DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-\d+)?")


def begin(tested: str, agent: str, started: datetime) -> Path:
    """A new directory for a run; `tested` is `server` or `client`, `agent` its name."""
    home = REPORTS / tested / agent
    home.mkdir(parents=True, exist_ok=True)
    for old in _dated(home)[: -(KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)
    return _make(home, started.strftime("%Y-%m-%dT%H-%M-%S"))


def _dated(home: Path) -> list[Path]:
    """The runs, the oldest first."""
    return sorted(entry for entry in home.iterdir() if DATED.fullmatch(entry.name))


def _make(home: Path, date: str) -> Path:
    """Another run may have begun in the same second: then the name gets a number."""
    names = itertools.chain([date], (f"{date}-{number}" for number in itertools.count(2)))
    for name in names:
        try:
            (home / name).mkdir()
        except FileExistsError:
            continue
        return home / name
    raise AssertionError("count does not end")


def end(directory: Path) -> None:
    """Let `last` be this run."""
    link = directory.with_name(f"{directory.name}.new")
    link.symlink_to(directory.name)
    link.replace(directory.with_name(LAST))


def last(tested: str, agent: str) -> Path | None:
    """The directory of the last run that has ended; None if there is none."""
    link = REPORTS / tested / agent / LAST
    return link.resolve() if link.is_dir() else None
