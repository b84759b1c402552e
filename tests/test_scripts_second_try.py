"""scripts/testing/second_try.py: what drives another program may pass at the second try."""

import os
import sys
from pathlib import Path

import pytest

from scripts.testing import second_try, spread

pytestmark = pytest.mark.slow

FAILS_ONCE = """
import pathlib, pytest
marked = pytest.mark.programs
def first_time(name):
    seen = pathlib.Path(name)
    try: return not seen.exists()
    finally: seen.touch()
"""

DRIVES_OTHERS = "@marked\n@pytest.mark.parametrize('way', ['by a [proxy]'])\ndef test_2(way): "


def two_tries(directory, monkeypatch, *tests):
    """(whether the second try passes, the tests that it had), for one process with these tests."""
    (directory / "tests").mkdir()
    (directory / "tests" / "test_others.py").write_text("\n".join((FAILS_ONCE, *tests)))
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = programs: drives others\n")
    command = [sys.executable, "-m", "pytest", "-m", ""]
    share = spread.Share([str(Path("tests", "test_others.py"))])
    outcomes = spread.run(command, [share], directory, os.environ)
    run, tried = spread.run, []

    def noted(words, shares, cwd, env):
        tried.extend(name for share in shares for name in share.files)
        return run(words, shares, cwd, env)

    monkeypatch.setattr(spread, "run", noted)
    return second_try.passes(command, outcomes, directory, os.environ), tried


def test_a_test_that_drives_another_program_passes_at_its_second_try(tmp_path, monkeypatch, capsys):
    good, late = "def test_1(): pass", f"{DRIVES_OTHERS}assert not first_time('two')"
    name = "tests/test_others.py::test_2[by a [proxy]]"
    assert two_tries(tmp_path, monkeypatch, good, late) == (True, [name])
    printed = capsys.readouterr().out
    assert printed == f"once more, with nothing beside it: 1 passed\n{name}\n"


def test_a_test_that_fails_each_time_has_failed(tmp_path, monkeypatch):
    passed, tried = two_tries(tmp_path, monkeypatch, f"{DRIVES_OTHERS}assert not 'seen'")
    assert (passed, len(tried)) == (False, 1)


@pytest.mark.parametrize("others", ["", f"{DRIVES_OTHERS}assert not first_time('two')"])
def test_a_test_of_refws_alone_has_one_try(tmp_path, monkeypatch, others):
    alone = "def test_1(): assert not first_time('one')"
    assert two_tries(tmp_path, monkeypatch, alone, others)[0] is False


def test_when_many_fail_none_has_a_second_try(tmp_path, monkeypatch):
    many = range(second_try.MOST + 1)
    late = f"@marked\n@pytest.mark.parametrize('n', {list(many)})\n"
    late += "def test_2(n): assert not first_time(str(n))"
    assert two_tries(tmp_path, monkeypatch, late) == (False, [])


def test_a_process_that_ended_in_its_tests_has_no_second_try(tmp_path, monkeypatch):
    ends = f"{DRIVES_OTHERS}__import__('os')._exit(7)"
    assert two_tries(tmp_path, monkeypatch, ends) == (False, [])


def test_a_run_in_which_all_passed_has_nothing_to_try_again(tmp_path, monkeypatch):
    assert two_tries(tmp_path, monkeypatch, "def test_1(): pass") == (False, [])
