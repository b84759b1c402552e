"""conformance/reports/: a directory for each run, named by its date."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

import runs

NOON = datetime(2026, 11, 26, 12)


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runs, "REPORTS", tmp_path)
    return tmp_path


def test_a_run_has_a_directory_with_its_date_in_that_of_its_agent(reports: Path) -> None:
    directory = runs.begin("server", "mine", NOON)
    assert directory == reports / "server" / "mine" / "2026-11-26T12-00-00"
    assert directory.is_dir()


def test_runs_of_the_same_second_have_directories_of_their_own() -> None:
    names = [runs.begin("server", "mine", NOON).name for _ in range(3)]
    assert names == ["2026-11-26T12-00-00", "2026-11-26T12-00-00-2", "2026-11-26T12-00-00-3"]


def test_last_is_the_newest_run_that_has_ended(reports: Path) -> None:
    assert runs.last("server", "mine") is None
    ended = [runs.begin("server", "mine", NOON + timedelta(hours=n)) for n in range(2)]
    for directory in ended:
        runs.end(directory)
    runs.begin("server", "mine", NOON + timedelta(hours=2))
    assert runs.last("server", "mine") == ended[-1]
    assert (reports / "server" / "mine" / "last").resolve() == ended[-1]
    assert runs.last("client", "mine") is None


def test_the_oldest_runs_of_an_agent_are_removed_and_nothing_else(reports: Path) -> None:
    other = runs.begin("server", "other", NOON)
    (reports / "server" / "mine").mkdir(parents=True)
    (reports / "server" / "mine" / "notes").mkdir()
    made = [runs.begin("server", "mine", NOON + timedelta(hours=n)) for n in range(runs.KEPT + 2)]
    assert [directory.is_dir() for directory in made] == [False] * 2 + [True] * runs.KEPT
    assert other.is_dir() and (reports / "server" / "mine" / "notes").is_dir()
