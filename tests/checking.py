"""What the tests of check/ share: refws as the server under test, and what a case makes of it."""

from refws.check.engine import Grade, run
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri


def target_of(running, timeout=2):
    """The target for a server that the fixture `serving` has started."""
    return Target(parse_uri(running.uri), timeout=timeout)


def not_passed(cases, target, abilities):
    """(grade, what was seen) of each case that was not passed, by its name."""
    results = [run(case, target, abilities) for case in cases]
    return {
        result.case.name: (result.grade, result.seen)
        for result in results
        if result.grade is not Grade.PASS
    }


def check_words(cases):
    """Each case has a name of its own, a section, and words that a person reads in one breath."""
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert "§" in case.section and case.rule.endswith("."), case.name
        assert len(case.best.words) < 250, case.name
