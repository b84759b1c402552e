"""refws check: the cases of limits and time: refws's own server passes each of them."""

from dataclasses import replace

import pytest

from checks import OPENED, check_words, not_passed, target_of
from refws.check.case import Elsewhere, Pause
from refws.check.engine import Abilities, Grade, grade
from refws.check.groups import GROUPS
from refws.check.groups.limits import LIMITS
from refws.check.seen import End
from refws.check.survey import survey
from refws.course.services import echo
from refws.protocol.close import Close
from wire import DEADLINE_S

pytestmark = pytest.mark.slow


def test_there_are_many_cases_each_with_its_own_name_section_and_words():
    assert len(LIMITS.cases) > 25
    check_words(LIMITS.cases)


def test_refws_passes_all_cases_that_are_not_slow(serving):
    target = target_of(serving(echo, compression="deflate"))
    cases = [case for case in LIMITS.cases if not case.slow]
    assert not_passed(cases, target, survey(target)) == {}


LARGE = [case for case in LIMITS.cases if "-mib" in case.name or "10000" in case.name]


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_a_server_without_limits_is_weak_only_where_it_waits_for_more_than_fits_a_memory(
    serving,
):
    settings = {"max_size": None, "max_fragments": None, "compression": "deflate"}
    target = target_of(serving(echo, **settings))
    large = [case for case in LIMITS.cases if case.name.startswith("10.4-") and not case.slow]
    huge = {case.name for case in large if "-of-2-to-" in case.name or "-gib-" in case.name}
    seen = not_passed(large, target, survey(target))
    assert len(huge) == 4 and set(seen) == huge
    assert {grade for grade, _ in seen.values()} == {Grade.WEAK}


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.name)
def test_10_4_a_server_may_take_long_for_a_large_message(case):
    assert grade(case, OPENED) is Grade.WEAK


@pytest.mark.parametrize(
    "name, expected",
    [
        ("4.2-forty-connections-one-after-another", Grade.WEAK),
        ("10.4-client-that-does-not-read", Grade.WEAK),
        ("4.2-two-connections-at-once", Grade.FAIL),
    ],
)
def test_10_4_a_server_may_end_a_connection_that_is_idle_for_long(name, expected):
    (beside,) = [case for case in LIMITS.cases if case.name == name]
    assert grade(beside, replace(OPENED, end=End.FIN)) is expected


IN_MANY_FRAGMENTS = (
    "5.4-200-fragments-in-one-packet",
    "5.4-a-ping-before-each-of-50-fragments",
    "7692-6.2-fragments-of-one-byte",
)


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize("name", IN_MANY_FRAGMENTS)
@pytest.mark.parametrize(
    "code, expected", [(1008, Grade.WEAK), (1009, Grade.WEAK), (1002, Grade.FAIL)]
)
def test_10_4_a_server_may_limit_the_fragments_of_a_message(name, code, expected):
    (found,) = [case for group in GROUPS for case in group.cases if case.name == name]
    assert grade(found, replace(OPENED, close=Close(code))) is expected


SLOW = [case for case in LIMITS.cases if case.slow]

SHORT_TIME = 0.5
"""Seconds. A client beside the silent one is done with its opening handshake by then."""

SHORT_TIMES = {
    "§4.2.1": {"open_timeout": SHORT_TIME},
    "§5.5.2": {"ping_interval": SHORT_TIME, "ping_timeout": SHORT_TIME},
    "§10.4": {"send_timeout": SHORT_TIME},
}
"""Settings of a server that gives up soon, by the section of the case."""


def shortened(step):
    """The step with less time elsewhere."""
    if isinstance(step, Elsewhere):
        return replace(step, steps=tuple(map(shortened, step.steps)))
    return Pause(2 * SHORT_TIME) if isinstance(step, Pause) else step


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize(
    "case", [case for case in LIMITS.cases if case.slow], ids=lambda case: case.name
)
def test_refws_with_short_times_passes_the_slow_cases(serving, case):
    target = target_of(serving(echo, **SHORT_TIMES[case.section]), timeout=DEADLINE_S)
    elsewhere = [shortened(step) if isinstance(step, Elsewhere) else step for step in case.steps]
    assert not_passed([replace(case, steps=tuple(elsewhere))], target, Abilities()) == {}
