"""scripts/testing/spread.py: test files spread over processes."""

import collections
import os
import pathlib
import signal
import sys

import pytest

from scripts.testing import spread


def files_of(directory, **contents):
    for name, text in contents.items():
        (directory / f"{name}.py").write_text(text)
    return [directory / f"{name}.py" for name in contents]


def test_spread_gives_the_longest_file_first_and_each_to_who_has_least_to_do(tmp_path):
    unknown = "#" * 2 * spread.BYTES_A_SECOND
    files = files_of(tmp_path, test_a="", test_b="", test_c=unknown, test_d="", test_e="")
    shares = spread.share_out(files, {"test_a": 1.5, "test_b": 4, "test_d": 3, "test_e": 1}, 2)
    assert [[pathlib.Path(file).stem for file in share.files] for share in shares] == [
        ["test_b", "test_a"],
        ["test_d", "test_c", "test_e"],
    ]
    assert [share.seconds for share in shares] == [5.5, 6]
    assert [len(share.files) for share in spread.share_out(files[:1], {}, 2)] == [1]


def spread_run(directory, **contents):
    """A process for each of these files."""
    shares = [spread.Share([str(file)]) for file in files_of(directory, **contents)]
    return spread.run([sys.executable, "-m", "pytest", "-q"], shares, directory, os.environ)


@pytest.mark.slow
def test_spread_shows_failures_whole_and_adds_up_what_the_processes_did(tmp_path, capsys):
    outcomes = spread_run(
        tmp_path,
        test_good=(
            "import pytest\ndef test_1(): pass\ndef test_2(): pass\ndef test_3(): "
            "pytest.skip('no such program')"
        ),
        test_bad=(
            "def test_4(): pass\ndef test_5():\n    assert 'seen' == 'expected'\ndef "
            "test_6(missing): pass"
        ),
    )
    assert not spread.show(outcomes)
    printed = capsys.readouterr().out
    assert "\nE       AssertionError: assert 'seen' == 'expected'" in printed
    assert "test_good" not in printed and ".F" not in printed
    assert printed.endswith(
        "\nskipped 1: no such program\n1 failed, 1 errors, 3 passed, 1 skipped\n"
    )
    assert [list(outcome.seconds) for outcome in outcomes] == [["test_good"], ["test_bad"]]


def test_spread_notices_a_process_that_ends_before_its_tests_do(tmp_path, capsys):
    command = [sys.executable, "-c", "print('last words'); raise SystemExit(7)"]
    assert not spread.show(spread.run(command, [spread.Share()], tmp_path, os.environ))
    assert capsys.readouterr() == ("last words\n\nno test ran\n", "pytest ended with status 7\n")


def outcome_of(status, **counts):
    return spread.Outcome(status, "", collections.Counter(counts), {}, collections.Counter())


def test_spread_a_process_may_have_no_tests_but_not_all_of_them():
    with_tests, without = (
        outcome_of(spread.PASSED, passed=3),
        outcome_of(spread.NO_TESTS),
    )
    assert spread.show([with_tests, without])
    assert not spread.show([without, without])


def test_spread_leaves_no_process_behind(tmp_path, monkeypatch):
    started = []

    def interrupted(run):
        started.append(run.process)
        raise KeyboardInterrupt

    monkeypatch.setattr(spread.Run, "outcome", interrupted)
    with pytest.raises(KeyboardInterrupt):
        spread.run(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            [spread.Share()],
            tmp_path,
            os.environ,
        )
    assert [process.returncode for process in started] == [-signal.SIGTERM]


def test_spread_keeps_what_it_has_measured(tmp_path):
    path = tmp_path / "seconds.json"
    assert spread.load_seconds(path) == {}
    spread.save_seconds(path, {"test_b": 1.236, "test_a": 2})
    assert spread.load_seconds(path) == {"test_a": 2, "test_b": 1.24}


@pytest.mark.parametrize("left", ["", "[1]", '{"test_a": "x"}', '{"test_a": null}'])
def test_spread_what_cannot_be_read_is_measured_again(tmp_path, left):
    (tmp_path / "seconds.json").write_text(left)
    assert spread.load_seconds(tmp_path / "seconds.json") == {}


def test_a_file_without_a_test_in_this_run_takes_no_time_in_the_next():
    shares = [
        spread.Share(["/tests/test_a.py", "/tests/test_slow.py"]),
        spread.Share(["test_b.py"]),
    ]
    counts, reasons = collections.Counter(), collections.Counter()
    passed = spread.Outcome(spread.PASSED, "", counts, {"test_a": 2.5}, reasons)
    crashed = spread.Outcome(-11, "", counts, {}, reasons)
    assert spread.measured(shares, [passed, crashed]) == {"test_a": 2.5, "test_slow": 0.0}
