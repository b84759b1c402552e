"""scripts/checks/tls.py in short, and that it notices what it must."""

import pytest

from scripts.checks import tls


@pytest.mark.slow
def test_tls_check_in_short(nothing_left_behind, capsys):
    argv = [
        "both-ways",
        "idle",
        "connects",
        "--megabytes",
        "2",
        "--idle-seconds",
        "0.1",
        "--connects",
        "10",
    ]
    assert tls.main(argv) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["connections,", "a", "message", "each", "way", "10", "at", "least", "10", "ok"] in lines


def test_tls_check_notices_messages_that_are_out_of_order_or_changed():
    class Replay:
        def __init__(self, *messages):
            self.recv = iter(messages).__next__

    first, second = tls.message(0), tls.message(1)
    for messages, wrong in [
        ((first, second), 0),
        ((second, first), 2),
        ((first, second[:-1] + b"\0\0"), 1),
    ]:
        received = tls.Received()
        received.receive(Replay(*messages), range(2))
        assert (received.wrong, received.count) == (wrong, 2)
