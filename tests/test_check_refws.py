"""Who uses `check` first: refws. Its own server passes every quick case, and none is weak."""

from dataclasses import replace

import pytest

from checks import target_of
from refws.check.case import Need
from refws.check.engine import Grade, run
from refws.check.groups import GROUPS
from refws.check.runner import Selection, run_groups, select
from refws.check.survey import survey
from refws.protocol.frame import Side
from transports import contexts

OF_COMPRESSION = {Need.DEFLATE, Need.THIS_OFFER, Need.TAKEOVER}

AGREES_ON_MORE = {"7692-7.1.1.2-hint-alone-changes-nothing"}
"""Skipped: refws takes the hint of this offer into its answer, as it may."""


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.mark.transport("tcp", "tls", reason="a URI names no Unix socket")
@pytest.mark.parametrize("compression", [pytest.param(None, marks=pytest.mark.slow), "deflate"])
def test_refws_passes_every_case_and_none_is_weak(serving, transport, compression):
    running = serving(echo, compression=compression, max_fragments=None)
    target = target_of(running)
    if target.uri.secure:
        target = replace(target, context=contexts()[Side.CLIENT])
    abilities = survey(target)
    groups = select(GROUPS, Selection())
    report = run_groups(groups, lambda case: run(case, target, abilities), jobs=2)
    others = {each.case.name: each.seen for each in report.graded(Grade.WEAK, Grade.FAIL)}
    assert others == {}
    skipped = [each.case for each in report.graded(Grade.SKIPPED)]
    if compression is None:
        assert [case.name for case in skipped if not case.needs & OF_COMPRESSION] == []
    else:
        assert {case.name for case in skipped} == AGREES_ON_MORE


def test_there_are_more_than_200_cases():
    names = [case.name for group in GROUPS for case in group.cases]
    assert len(names) == len(set(names)) >= 200
