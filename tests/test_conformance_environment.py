"""The environments that the testsuite and the peers run in: found, built, replaced."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import autobahn
import environment
import processes
from fake_autobahn import BOTH_SIDES


@BOTH_SIDES
def test_without_python_2_7_the_command_exits_with_3_and_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard_signals: None,
    capsys: pytest.CaptureFixture[str],
    tested: str,
) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(
        environment, "_candidates", lambda: [tmp_path / "python2.7", Path(sys.executable)]
    )
    assert autobahn.main([tested, "--referee", "autobahn"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert "install" in line and "Python 2.7" in line
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_says_it_is_2_7_is_taken_and_a_shim_that_fails_is_not(tmp_path: Path) -> None:
    shim, real = tmp_path / "shim", tmp_path / "real"
    shim.write_text("#!/bin/sh\nexit 127\n", "ascii")
    real.write_text("#!/bin/sh\necho 2.7\n", "ascii")
    for file in (shim, real):
        file.chmod(0o755)
    assert environment.find_python2([shim, real]) == real


def test_an_environment_is_complete_only_with_the_marker_of_these_requirements(
    tmp_path: Path,
) -> None:
    assert not environment.is_complete(tmp_path, "ws@8\n")
    (tmp_path / environment.MARKER).write_text("ws@7\n", "utf-8")
    assert not environment.is_complete(tmp_path, "ws@8\n")
    (tmp_path / environment.MARKER).write_text("ws@8\n", "utf-8")
    assert environment.is_complete(tmp_path, "ws@8\n")


def test_a_failed_build_leaves_nothing_behind_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()
        raise processes.CommandFailed("pip ended with 1")

    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build_testsuite", failing_build)
    with pytest.raises(environment.Unavailable, match="pip ended with 1"):
        environment.testsuite(lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_built_environment_replaces_an_outdated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()

    outdated = tmp_path / "autobahntestsuite"
    outdated.mkdir()
    (outdated / environment.MARKER).write_text("autobahntestsuite==0\n", "utf-8")
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build_testsuite", build)
    assert environment.testsuite(lambda line: None) == outdated
    assert environment.is_complete(outdated, environment.REQUIREMENTS.read_text("utf-8"))
    assert list(tmp_path.iterdir()) == [outdated]
