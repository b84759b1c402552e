"""The testsuite's case ids, such as 9.1.6: their order, patterns, groups, and durations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

MAX_MESSAGE_SIZE = 32 * 2**20
"""The longest message of the testsuite has 16 MiB."""

MAX_FRAGMENTS = 2**16 + 1
"""9.3.1 and 9.4.1 send 4 MiB in fragments of 64 bytes, and an empty one at the end."""

TYPICAL_S = {
    "5.19": 1.0,
    "5.20": 1.0,
    "6.4": 1.0,
    "9": 0.2,
    "9.2.6": 0.6,
    "9.3.1": 1.2,
    "9.3.2": 0.6,
    "9.4.1": 1.2,
    "9.5.1": 0.8,
    "9.6.1": 0.8,
}
"""Seconds that a case, or each case of a group, takes; the longest name that fits counts."""

OTHER_CASES_S = 0.02

COMPRESSION_S = (
    0.7,
    0.7,
    0.7,
    0.8,
    0.8,
    0.9,
    1.1,
    1.7,
    2.5,
    5.3,
    0.8,
    1.2,
    1.9,
    2.8,
    6.0,
    5.5,
    5.7,
    5.5,
)
"""Seconds of 13.1.1 to 13.1.18, and of the same numbers in the other groups of 12 and 13."""

SLOW_TO_DEFLATE = {"12.2": 2.7, "12.3": 2.1, "12.5": 2.1}
"""How many times as long the groups take whose data is not JSON or HTML."""

COMPRESSION_SAMPLE = (
    *("12.1.8", "12.1.16", "12.2.4", "12.2.11", "12.3.6", "12.3.13", "12.4.14", "12.5.2"),
    *(
        "13.1.1",
        "13.2.10",
        "13.2.17",
        "13.3.3",
        "13.4.5",
        "13.5.9",
        "13.5.15",
        "13.6.7",
        "13.7.12",
        "13.7.18",
    ),
)
"""Each group of 12 and 13 once, and each size of message and fragment (the last number) once."""

NAMED = {
    "all": ("*",),
    "ci": ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", *COMPRESSION_SAMPLE),
}
"""Names that may stand for patterns."""


class UnknownCases(ValueError):
    """A selection that fits no case."""


def case_order(case: str) -> tuple[int, ...]:
    """A sort key: 9.2 before 9.10."""
    return tuple(map(int, case.split(".")))


def group_of(case: str) -> str:
    return case.partition(".")[0]


def select(
    known: Iterable[str], patterns: Iterable[str], excluded: Iterable[str] = ()
) -> list[str]:
    """The known cases that fit one of `patterns` and none of `excluded`, in order.

    `*` in a pattern stands for anything. UnknownCases for a pattern that fits no known case, and if
    no case is left.
    """
    known = sorted(known, key=case_order)
    refused = _fitting(known, excluded)
    wanted = _fitting(known, patterns)
    selected = [case for case in known if case in wanted and case not in refused]
    if not selected:
        raise UnknownCases("no case is left to run; widen --cases or narrow --exclude-cases")
    return selected


def _fitting(known: Sequence[str], patterns: Iterable[str]) -> set[str]:
    return {case for pattern in patterns for case in _fitting_one(known, pattern)}


def _fitting_one(known: Sequence[str], pattern: str) -> list[str]:
    fitting = [case for case in known if fnmatchcase(case, pattern)]
    if not fitting:
        raise UnknownCases(
            f"no case fits {pattern!r}; cases look like 9.1.6, patterns like 9.1.* or 6.*"
        )
    return fitting


def covers(ranges: str, case: str) -> bool:
    """Whether the case is in a list of groups, cases and ranges, such as `3,6.6.2,7.1.4-7.3`."""
    return any(_covers_one(item, case_order(case)) for item in ranges.split(","))


def _covers_one(item: str, order: tuple[int, ...]) -> bool:
    first, _, last = item.partition("-")
    low, high = case_order(first), case_order(last or first)
    return low <= order and order[: len(high)] <= high


def as_ranges(cases: Iterable[str]) -> str:
    """The same as `3.2-3.4, 5.15`; a range stays within its group."""
    runs: list[list[str]] = []
    for case in sorted(cases, key=case_order):
        if runs and case_order(case) == _next_case(runs[-1][-1]):
            runs[-1].append(case)
        else:
            runs.append([case])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _next_case(case: str) -> tuple[int, ...]:
    *group, number = case_order(case)
    return (*group, number + 1)


def typical_s(case: str) -> float:
    """Seconds that the case takes on an average machine of today."""
    group, _, number = case.rpartition(".")
    if group_of(case) in ("12", "13"):
        return COMPRESSION_S[int(number) - 1] * SLOW_TO_DEFLATE.get(group, 1)
    return next(
        (TYPICAL_S[name] for name in _names_from_long_to_short(case) if name in TYPICAL_S),
        OTHER_CASES_S,
    )


def _names_from_long_to_short(case: str) -> Iterator[str]:
    parts = case.split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length])


def portions(cases: Iterable[str], clients: int) -> list[list[str]]:
    """The cases in portions, each the work of one fuzzing client; the first have the longest cases.

    Each client takes the next portion when it has finished one, so that all of them end at about
    the same time.
    """
    longest_first = sorted(cases, key=typical_s, reverse=True)
    portion_s = _portion_s(longest_first, clients)
    result: list[list[str]] = []
    filled_s = portion_s
    for case in longest_first:
        if filled_s >= portion_s:
            result.append([])
            filled_s = 0.0
        result[-1].append(case)
        filled_s += typical_s(case)
    return [sorted(portion, key=case_order) for portion in result]


def _portion_s(cases: Sequence[str], clients: int) -> float:
    """Seconds of a portion: a fuzzing client needs time to start, and reports only at its end."""
    total_s = sum(map(typical_s, cases))
    return min(max(total_s / (4 * clients), 3.0), 30.0)
