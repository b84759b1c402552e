"""Running cases: which are selected, several at a time, in order, and an end by Ctrl-C."""

import threading

import pytest

from checks import ECHO, FRAMES, LIMITS, SLOW, UNMASKED, result
from refws.check.case import Case, Group, Level
from refws.check.engine import Grade
from refws.check.groups import GROUPS
from refws.check.outcomes import Anything
from refws.check.runner import Selection, run_groups, select
from wire import DEADLINE_S, eventually

MANY = Group("many", "Many", tuple(Case(f"5.{i}-x", "", "", Anything()) for i in range(20)))


def passed(case):
    return result(case, Grade.PASS)


@pytest.mark.parametrize(
    "selection, expected",
    [
        (Selection(), [ECHO, UNMASKED]),
        (Selection(slow=True), [ECHO, UNMASKED, SLOW]),
        (Selection(only=("5.1-*", "5.9-*")), [UNMASKED]),
        (Selection(groups=("limits",), slow=True), [SLOW]),
        (Selection(levels=(Level.SHOULD, Level.CHOICE), slow=True), [SLOW]),
        (Selection(only=("5.*",), groups=("limits",), slow=True), []),
        (Selection(only=("5.1-UNMASKED",)), []),
    ],
)
def test_a_case_is_selected_if_all_parts_of_the_selection_take_it(selection, expected):
    groups = select((FRAMES, LIMITS), selection)
    assert [case for group in groups for case in group.cases] == expected
    assert all(group.cases for group in groups)


def test_no_two_cases_have_the_same_name():
    names = [case.name for group in GROUPS for case in group.cases]
    assert sorted(names) == sorted(set(names))


def test_several_cases_run_at_once_and_their_results_are_in_the_order_of_the_cases():
    together = threading.Barrier(4)
    noted = []

    def judge(case):
        together.wait(DEADLINE_S)
        return passed(case)

    report = run_groups((MANY,), judge, jobs=4, note=noted.append)
    assert [one.case for one in report.results] == list(MANY.cases)
    assert {one.case for one in noted} == set(MANY.cases)
    assert not report.interrupted


def test_only_as_many_cases_as_jobs_run_at_once():
    lock, running, most = threading.Lock(), [], []

    def judge(case):
        with lock:
            running.append(case)
            most.append(len(running))
        with lock:
            running.remove(case)
        return passed(case)

    run_groups((MANY,), judge, jobs=1)
    assert max(most) == 1 and len(most) == len(MANY.cases)


def test_ctrl_c_ends_the_run_with_the_results_so_far_and_no_more_cases_begin(nothing_left_behind):
    begun, over = [], threading.Event()

    def judge(case):
        begun.append(case)
        if case is MANY.cases[3]:
            over.wait(DEADLINE_S)
        return passed(case)

    def interrupt(result):
        if result.case is MANY.cases[2]:
            raise KeyboardInterrupt

    report = run_groups((MANY,), judge, note=interrupt)
    over.set()
    assert report.interrupted
    assert [one.case for one in report.results] == list(MANY.cases[:3])
    assert eventually(
        lambda: not any(thread.name.startswith("check ") for thread in threading.enumerate())
    )
    assert begun == list(MANY.cases[: len(begun)]) and len(begun) <= 4


def test_an_internal_error_is_a_failed_case_that_says_so_and_the_others_run():
    def judge(case):
        if case is ECHO:
            raise RuntimeError("\x1b[31m")
        return passed(case)

    first, second = run_groups((FRAMES,), judge).results
    assert (first.grade, second.grade) == (Grade.FAIL, Grade.PASS)
    assert first.seen.startswith("an internal error of refws, RuntimeError(")
    assert first.seen.endswith("please report it") and "\x1b" not in first.seen


def test_bytes_are_kept_of_cases_that_did_not_pass_only():
    grades = {ECHO: Grade.PASS, UNMASKED: Grade.WEAK}
    first, second = run_groups((FRAMES,), lambda case: result(case, grades[case])).results
    assert first.crossed == () and first.observed is None
    assert second.crossed and second.observed is not None
