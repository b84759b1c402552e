"""scripts/testing: the checks and the environments of their tools."""

import pathlib
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from scripts.testing import environments, gates

PYTHON = environments.Python(sys.executable, *sys.version_info[:2])


def test_the_versions_of_the_checking_tools_are_pinned_exactly():
    tools = environments.tools_of("check")
    assert [tool.partition("==")[0] for tool in tools] == ["ruff", "mypy"]
    assert all(re.fullmatch(r"\w+==[\d.]+", tool) for tool in tools)


def test_a_tool_counts_only_in_the_version_that_is_wanted():
    python, installed = pathlib.Path(sys.executable), version("pytest")
    assert environments.has_tools(python, ["pytest", f"pytest=={installed}"])
    assert not environments.has_tools(python, ["pytest==0.1"])
    assert not environments.has_tools(python, ["no-such-tool"])
    assert not environments.has_tools(python / "missing", [])


def test_byte_code_is_kept_outside_the_sources_also_where_none_is_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "module.py").write_text("")
    command, variables = [sys.executable, "-c", "import module"], environments.keeping_byte_code()
    subprocess.run(command, cwd=tmp_path, env=variables, check=True)
    assert not (tmp_path / "__pycache__").exists()
    kept = tmp_path / "environments" / "byte-code"
    assert [path.name.split(".")[0] for path in kept.rglob("module.*")] == ["module"]


def test_checks_whose_tools_cannot_be_installed_are_skipped_with_the_reason(monkeypatch, capsys):
    def fail(*arguments):
        raise environments.NotPossible("no network")

    monkeypatch.setattr(gates, "prepare", fail)
    assert gates.run(PYTHON)
    expected = "checks: SKIPPED, as their tools cannot be installed: no network\n"
    assert capsys.readouterr().out == expected


def test_checks_fail_where_one_of_them_finds_something(monkeypatch, capsys):
    monkeypatch.setattr(gates, "prepare", lambda *arguments: sys.executable)
    monkeypatch.setattr(gates, "GATES", (("timeit", "-n1", "no_name"), ("timeit", "-n1", "1")))
    assert not gates.run(PYTHON)
    printed = capsys.readouterr().out
    assert re.search(r"^checks: timeit -n1 no_name FAILED in \d+\.\d s$", printed, re.MULTILINE)
    assert "NameError" in printed
    assert re.search(r"^checks: timeit -n1 1 passed in \d+\.\d s$", printed, re.MULTILINE)


def test_a_command_that_fails_is_reported_with_what_it_printed():
    with pytest.raises(environments.NotPossible, match="\nwhy\nadvice$"):
        environments.attempt([sys.executable, "-c", "print('why'); raise SystemExit(1)"], "advice")
