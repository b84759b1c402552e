"""refws/endpoint/README.md: its tables have the bounds of the settings and the rows of the script
that measures them. Figures that were measured are not compared.
"""

import re
from pathlib import Path

import pytest

import refws
from refws.endpoint import connection, heartbeat, overload
from refws.endpoint.settings import DEFAULTS
from refws.endpoint.tls import stream as tls_stream
from scripts.endurance import costs, holding, limits

README = Path(refws.__file__).parent / "endpoint" / "README.md"

CONSTANTS = {"LINGER": connection.LINGER, "SECOND_LOOK": heartbeat.SECOND_LOOK}


def rows(heading):
    """The rows of the table under this heading, as lists of cells; the first one is its head."""
    section = README.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head, rule, *others = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert set(rule) == {"---"} and all(len(row) == len(head) for row in others)
    return [head, *others]


HOLDING, COSTS = rows(limits.HOLDING), rows(limits.COSTS)


def test_the_script_knows_the_rows_of_the_tables():
    cases = [(case.name, case.what_ends_it()) for case in holding.CASES]
    assert tuple(HOLDING[0]) == holding.HEAD
    assert [(name, ends) for name, ends, *_ in HOLDING[1:]] == cases
    inputs = [(one.name, costs.limit(one)) for one in costs.INPUTS]
    assert tuple(COSTS[0]) == costs.HEAD
    assert [(row[0], row[3]) for row in COSTS[1:]] == inputs


@pytest.mark.parametrize("row", HOLDING[1:], ids=[row[0] for row in HOLDING[1:]])
def test_each_bound_is_the_sum_of_the_defaults_and_constants_that_it_names(row):
    names = re.findall("`(.+?)`", row[1])
    expected = sum(CONSTANTS.get(name) or getattr(DEFAULTS, name) for name in names)
    if row[2] == "-":
        assert not names and row[3] == "not ended"
    else:
        assert float(row[2]) == expected


def test_linger_is_the_same_everywhere():
    assert overload.LINGER == tls_stream.LINGER == connection.LINGER


def test_what_costs_more_than_ten_handshakes_is_limited_or_says_that_it_is_not():
    for name, _, times, limit in COSTS[1:]:
        assert float(times) <= costs.TIMES_A_HANDSHAKE or limit != costs.NO_NEED, name
