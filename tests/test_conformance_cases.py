"""The Autobahn runner: which cases it selects, in which portions, and how long they take."""

from __future__ import annotations

import pytest

import autobahn
import cases as autobahn_cases
import running
from cases import UnknownCases, as_ranges, case_order, covers, portions, select, typical_s
from fake_autobahn import ALL_CASES, KNOWN


def test_cases_are_ordered_by_number_not_by_letter() -> None:
    assert sorted(["10.1.1", "9.10.1", "9.2.1", "2.11", "2.2"], key=case_order) == [
        "2.2",
        "2.11",
        "9.2.1",
        "9.10.1",
        "10.1.1",
    ]


def test_select_takes_patterns_and_single_cases_and_leaves_out_the_excluded() -> None:
    known = ["1.1.1", "1.1.2", "2.1", "9.1.1", "9.1.2", "10.1.1"]
    assert select(known, ["1.*", "9.1.1"], ["1.1.2"]) == ["1.1.1", "9.1.1"]


def test_select_of_1_star_does_not_take_10() -> None:
    assert select(["1.1.1", "10.1.1"], ["1.*"]) == ["1.1.1"]


def test_select_of_a_case_does_not_take_longer_numbers() -> None:
    assert select(["9.1.1", "9.1.10"], ["9.1.1"]) == ["9.1.1"]


@pytest.mark.parametrize(("patterns", "excluded"), [(["8.*"], []), (["*"], ["8.*"])])
def test_select_refuses_a_pattern_that_fits_no_case(
    patterns: list[str], excluded: list[str]
) -> None:
    with pytest.raises(UnknownCases, match=r"8\.\*"):
        select(["1.1.1"], patterns, excluded)


@pytest.mark.parametrize(("patterns", "excluded"), [([], []), (["1.*"], ["*"])])
def test_select_refuses_to_select_nothing(patterns: list[str], excluded: list[str]) -> None:
    with pytest.raises(UnknownCases, match="no case is left"):
        select(["1.1.1"], patterns, excluded)


def test_the_longest_name_that_fits_gives_the_typical_duration() -> None:
    assert typical_s("9.5.1") > typical_s("9.5.2") > typical_s("1.1.1")
    assert typical_s("13.1.1") < typical_s("13.1.10") < typical_s("12.2.10")
    assert typical_s("13.1.10") == typical_s("13.7.10")


def test_every_compression_case_has_a_typical_duration() -> None:
    for case in (case for case in KNOWN if case.startswith(("12.", "13."))):
        assert typical_s(case) > autobahn_cases.OTHER_CASES_S


@pytest.mark.parametrize(
    ("ranges", "case", "covered"),
    [
        ("6", "6.4.3", True),
        ("6", "7.1.1", False),
        ("6.4", "6.4.3", True),
        ("6.4", "6.14.3", False),
        ("2.1-2.4", "2.4", True),
        ("2.1-2.4", "2.5", False),
        ("2.4-2.11", "2.10", True),
        ("1.1.3-1.1.7,1.2.3-1.2.7", "1.2.3", True),
        ("1.1.3-1.1.7,1.2.3-1.2.7", "1.2.2", False),
        ("6.3,6.12-6.21", "6.21.8", True),
        ("6.3,6.12-6.21", "6.22.1", False),
        ("12-13", "13.7.18", True),
        ("12-13", "10.1.1", False),
    ],
)
def test_ranges_cover_groups_and_all_between_their_ends(
    ranges: str, case: str, covered: bool
) -> None:
    assert covers(ranges, case) is covered


def test_as_ranges_joins_neighbours_of_one_group() -> None:
    assert (
        as_ranges(["3.2", "3.4", "3.3", "5.15", "1.1.8", "1.2.1"]) == "1.1.8, 1.2.1, 3.2-3.4, 5.15"
    )


def test_portions_hold_every_case_once_and_the_longest_first() -> None:
    cases = ["1.1.1", "6.4.3", *(f"12.1.{n}" for n in range(1, 19))]
    split = portions(cases, clients=2)
    assert sorted(case for portion in split for case in portion) == sorted(cases)
    assert len(split) >= 2
    assert "1.1.1" in split[-1]
    assert split[0][0].startswith("12.")


def test_portions_are_in_the_order_in_which_the_testsuite_runs_them() -> None:
    assert portions(["6.4.1", "10.1.1", "2.11", "2.2"], clients=1) == [
        ["2.2", "2.11", "6.4.1", "10.1.1"]
    ]


def test_quick_cases_are_not_spread_over_more_clients_than_pay() -> None:
    assert len(portions(["1.1.1", "1.1.2", "2.1"], clients=8)) == 1


# The cases that the commands select

COMPRESSION_CASES = 5 * 18 + 7 * 18
"""12.1 to 12.5 and 13.1 to 13.7, with 18 cases each."""

SPEED_CASES = 6 * 6 + 2 * 9
"""9.1 to 9.8, with 6 cases each; 9.3 and 9.4 have 9."""


def selected(*words: str) -> list[str]:
    return running.selection(set(KNOWN), autobahn.parser().parse_args(words))


def test_without_cases_all_run_but_for_the_peers_no_speed_and_no_compression() -> None:
    assert (
        len(selected("server"))
        == len(selected("server", "--cases", "all"))
        == len(selected("client"))
        == ALL_CASES
    )
    assert len(selected("peers")) == ALL_CASES - COMPRESSION_CASES - SPEED_CASES
    assert len(selected("server", "--cases", "12.1.*", "--exclude-cases", "12.1.1")) == 17


def test_the_cases_for_ci_have_every_group_and_every_kind_of_compressed_message_once() -> None:
    sample = selected("server", "--cases", "ci")
    assert {case.rpartition(".")[0] for case in sample} == {
        case.rpartition(".")[0] for case in KNOWN
    }
    compressed = [case for case in sample if case.startswith(("12.", "13."))]
    assert sorted(int(case.rpartition(".")[2]) for case in compressed) == list(range(1, 19))
    assert len(sample) - len(compressed) == ALL_CASES - COMPRESSION_CASES


def test_the_cases_for_ci_take_less_than_three_minutes_on_two_cores() -> None:
    assert sum(map(typical_s, selected("server", "--cases", "ci"))) / 2 < 180
