"""Who uses `check` first: refws. Its own server passes every quick case, and none is weak."""

from dataclasses import replace

import pytest

from checks import echo, target_of
from refws.check import engine
from refws.check import survey as survey_module
from refws.check.case import Need
from refws.check.engine import Grade, run
from refws.check.groups import GROUPS
from refws.check.runner import Selection, run_groups, select
from refws.check.survey import survey
from refws.protocol.frame import Side
from transports import Unix, contexts
from wire import connected

OF_COMPRESSION = {Need.DEFLATE, Need.THIS_OFFER, Need.TAKEOVER}

AGREES_ON_MORE = {"7692-7.1.1.2-hint-alone-changes-nothing"}
"""Skipped: refws takes the hint of this offer into its answer, as it may."""


MANY_PINGS = "5.5.3-1000-pings-at-once"
"""Only the last Ping has a Pong, as §5.5.3 allows, if the Pongs before it wait for their reader. A
Unix socket holds the Pongs of some 70 Pings until the peer reads, TCP those of 1000, TLS fewer.
"""

WEAK_OVER_UNIX = {MANY_PINGS}


@pytest.fixture
def target(monkeypatch, serving):
    """target(**settings of serve): an echo server. A URI names no Unix socket: this connects it."""

    def start(**settings):
        running = serving(echo, **settings)
        if isinstance(running.address, str):
            for module in (engine, survey_module):
                monkeypatch.setattr(module, "connected", lambda target: connected(running.address))
        target = target_of(running)
        context = contexts()[Side.CLIENT] if target.uri.secure else None
        return replace(target, context=context)

    return start


def passes_alone(case, target, abilities):
    """Whether refws passes it when this client has time to read, as on a busy machine it has not.

    Of all cases, only the Pongs depend on that.
    """
    tries = range(5 if case.name == MANY_PINGS else 0)
    return any(run(case, target, abilities).grade is Grade.PASS for _ in tries)


@pytest.mark.transport("tcp", "tls", "unix")
@pytest.mark.parametrize("compression", [pytest.param(None, marks=pytest.mark.slow), "deflate"])
def test_refws_passes_every_case_and_none_is_weak(target, transport, compression):
    target = target(compression=compression, max_fragments=None)
    abilities = survey(target)
    groups = select(GROUPS, Selection())
    report = run_groups(groups, lambda case: run(case, target, abilities), jobs=2)
    allowed = WEAK_OVER_UNIX if isinstance(transport, Unix) else set()
    others = [each for each in report.graded(Grade.WEAK) if each.case.name not in allowed]
    others += report.graded(Grade.FAIL)
    others = [each for each in others if not passes_alone(each.case, target, abilities)]
    assert {each.case.name: each.seen for each in others} == {}
    skipped = [each.case for each in report.graded(Grade.SKIPPED)]
    if compression is None:
        assert [case.name for case in skipped if not case.needs & OF_COMPRESSION] == []
    else:
        assert {case.name for case in skipped} == AGREES_ON_MORE


def test_there_are_more_than_200_cases():
    names = [case.name for group in GROUPS for case in group.cases]
    assert len(names) == len(set(names)) >= 200
