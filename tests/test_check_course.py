"""Points for a course: a TOML file, the cases that its lines fit, and their points."""

import re

import pytest

from checks import ECHO, FRAMES, LIMITS, UNMASKED, result
from refws.check.case import Case, Group
from refws.check.course import DEFAULT, BadCourse, course_of, give_marks, load_course, with_cases
from refws.check.engine import Grade
from refws.check.groups import GROUPS
from refws.check.outcomes import Opens
from refws.check.runner import Selection, select

OTHERS = Group("opening", "Opening", tuple(Case(f"4.2-{i}", "", "", Opens()) for i in range(3)))


def course(*stages, **fields):
    tables = [{"points": points} for points in stages]
    return course_of("course.toml", {"stages": tables, **fields})


def points(course, *results):
    marks = give_marks(course, (OTHERS, FRAMES), results)
    return [(stage.points, stage.most) for stage in marks]


def passed(*cases):
    return [result(case, Grade.PASS) for case in cases]


def test_a_line_has_points_for_all_cases_of_a_glob_or_group_in_equal_shares():
    by_group, by_glob = course({"opening": 6, "frames": 4}), course({"4.2-*": 6, "5.*": 4})
    for one in (by_group, by_glob):
        assert points(one, *passed(OTHERS.cases[0], UNMASKED)) == [(2 + 2, 10)]


def test_a_case_belongs_to_the_first_line_that_fits_it():
    one = course({"5.1-*": 1}, {"frames": 10})
    assert points(one, *passed(UNMASKED)) == [(1, 1), (0, 10)]
    assert points(one, *passed(ECHO)) == [(0, 1), (10, 10)]


def test_stages_do_not_depend_on_each_other():
    one = course({"opening": 3}, {"frames": 2})
    assert points(one, *passed(ECHO, UNMASKED)) == [(0, 3), (2, 2)]
    assert points(one) == [(0, 3), (0, 2)]


@pytest.mark.parametrize(
    "grade, weak, expected",
    [
        (Grade.PASS, 0.5, 4),
        (Grade.WEAK, 0.5, 2),
        (Grade.WEAK, 1, 4),
        (Grade.FAIL, 0.5, 0),
        (Grade.SKIPPED, 0.5, 0),
    ],
)
def test_a_weak_result_earns_its_share_and_one_that_failed_or_was_skipped_nothing(
    grade, weak, expected
):
    assert points(course({"5.1-*": 4}, weak=weak), result(UNMASKED, grade)) == [(expected, 4)]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["no stages", '[[stages]] with title = "Handshake"']),
        ("stages = [", ["no TOML", "(at end of document)"]),
        ("\ufffe\udcff", ["no UTF-8"]),
        ("stages = [1]", ["stage 1 is no table"]),
        ("[[stages]]", ["stage 1 without points"]),
        ("[[stages]]\npoints = {}", ["stage 1 without points"]),
        ("[[stages]]\npoints = {frames = 'x'}", ["stage 1: 'frames' = 'x'", "a number"]),
        ("[[stages]]\npoints = {frames = true}", ["= True", "a number"]),
        ("[[stages]]\npoints = {frames = -1}", ["= -1", "from 0 on"]),
        ("[[stages]]\npoints = {frames = inf}", ["= inf", "from 0 on"]),
        ("[[stages]]\ntitle = 1\npoints = {frames = 1}", ["stage 1: title = 1", "in quotes"]),
        ("[[stages]]\ncases = 1\npoints = {frames = 1}", ["'cases', which has no meaning"]),
        ("[[stages]]\n[stages.points]\n5.1-unmasked = 1", ['quotes: "5.1-unmasked" = 10']),
        ("[[stages]]\ntitle = 'x'\n[[stages]\n", ["at line 3, column"]),
        ("week = 1\n[[stages]]\npoints = {frames = 1}", ["'week'", "only title, weak, stages"]),
        ("weak = 2\n[[stages]]\npoints = {frames = 1}", ["weak = 2", "from 0 to 1"]),
        ("weak = nan\n[[stages]]\npoints = {frames = 1}", ["weak = nan", "from 0 to 1"]),
        ("weak = 'much'\n[[stages]]\npoints = {frames = 1}", ["weak = 'much'", "weak = 0.5"]),
    ],
)
def test_a_bad_file_is_named_with_what_was_seen_and_what_to_write(text, words, tmp_path):
    path = tmp_path / "course.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadCourse) as caught:
        load_course(str(path))
    for word in [repr(str(path)), "; write ", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "stages, words",
    [
        ([{"closing": 1}], "fits no case; write the name of a group, .*--list"),
        ([{"framse": 1}], "fits no case; write 'frames', if that is meant, or the name"),
        ([{"5.1-unmaskd": 1}], "fits no case; write '5.1-unmasked', if that is meant"),
        ([{"frames": 1}, {"5.1-*": 1}], "all belong to lines before it; write each case once"),
    ],
)
def test_a_line_that_fits_no_case_is_refused(stages, words):
    glob = next(iter(stages[-1]))
    with pytest.raises(BadCourse, match=f"'{re.escape(glob)}' in .* {words}"):
        with_cases(course(*stages), (FRAMES, LIMITS))


def test_the_default_course_has_seven_stages_with_100_points_for_the_cases_that_there_are():
    default = load_course(DEFAULT)
    stages = with_cases(default, select(GROUPS, Selection()))
    assert len(stages) == 7
    assert sum(points for _, valued in stages for _, points in valued) == pytest.approx(100)
