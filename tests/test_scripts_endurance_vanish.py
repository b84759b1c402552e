"""scripts/endurance crowd: clients that come all at once, and vanish all at once."""

import math
import os
import subprocess
import sys

import pytest

from scripts.endurance import crowd
from scripts.shared import client_wire as wire
from scripts.shared import server_process

OUTCOME = crowd.Outcome(10, 0.5, 30.0, 0.25, 0.1, 40.0, 0)
OURS = crowd.Kind("python3", "3.11.7", None)
OTHER = crowd.Kind("python3", "3.13.0", 0.005)

proc_only = pytest.mark.skipif(
    not os.path.exists("/proc/self/smaps_rollup"), reason="the figures come from /proc"
)


@pytest.mark.slow
@proc_only
def test_a_small_crowd_comes_and_vanishes():
    run = subprocess.run(
        [
            sys.executable,
            server_process.ROOT / "scripts" / "endurance",
            *("crowd", "--connections", "3", "20"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| 20 |" in run.stdout and "| refws |" in run.stdout
    assert "BROKEN" not in run.stdout and run.stdout.count("left over") == 2


@pytest.mark.slow
@proc_only
def test_a_server_with_an_interval_of_its_own_is_measured():
    kind = crowd.Kind(sys.executable, "this one", 0.001)
    outcome = crowd.measure(kind, 5)
    assert (outcome.opened, outcome.left_over) == (5, 0)
    assert outcome.vanish_worst_ms < math.inf


@pytest.mark.slow
@proc_only
def test_only_connections_that_opened_are_counted():
    kind = crowd.Kind(sys.executable, "this one", 0.005)
    too_many = crowd.SPARE_CONNECTIONS + 20
    address = server_process.HOST, server_process.free_port()
    with server_process.running(kind.command(10), address[1]):
        clients = crowd.Crowd(address, too_many)
        try:
            assert 10 <= clients.arrive() < too_many
        finally:
            clients.vanish()


def test_a_program_that_is_no_python_is_an_error():
    with pytest.raises(wire.WireError, match="is no Python"):
        crowd.version_of("false")


def test_the_table_has_medians_with_their_ranges():
    slow = crowd.Outcome(10, 1.5, 30.0, 9.0, 0.1, math.inf, 0)
    table = crowd.table({(10, OURS): [OUTCOME, OUTCOME, slow], (3000, OTHER): [OUTCOME]})
    assert table.splitlines()[2:] == [
        "| 10 | 3.11.7 | refws | 0.50 s (0.50 s to 1.50 s) | 0.03 s (0.03 s to 0.03 s) | "
        "0.25 s (0.25 s to 9.00 s) | 0.10 s (0.10 s to 0.10 s) | 0.04 s (0.04 s to none) |",
        "| 3,000 | 3.13.0 | 5 ms | 0.50 s | 0.03 s | 0.25 s | 0.10 s | 0.04 s |",
    ]


def test_only_the_interval_that_refws_sets_is_judged_by_its_worst_round():
    bad = crowd.Outcome(9, 0.5, 3001.0, 5.1, 0.1, math.inf, 2)
    outcomes = {(10, OURS): [OUTCOME, bad], (10, OTHER): [bad]}
    assert [(figure.value, figure.kept) for figure in crowd.judge(outcomes)] == [
        (9, False),
        (3001.0, False),
        (5.1, False),
        (math.inf, False),
        (2, False),
    ]
    assert all(figure.kept for figure in crowd.judge({(10, OURS): [OUTCOME]}))
