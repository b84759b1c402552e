"""scripts/endurance: its figures, its idle clients, its attacks."""

import os
import random
import socket

import pytest

from scripts.endurance import abuse, attacks, garbage, idle
from scripts.endurance.good_client import GoodClient
from scripts.shared import client_wire as wire
from scripts.shared import figures


def test_figures_from_proc():
    fields = ["S"] + [str(number) for number in range(4, 53)]
    stat = "42 (a (strange) name) " + " ".join(fields)
    assert figures.parse_threads(stat) == 20
    assert figures.parse_cpu_s(stat) == (14 + 15) / os.sysconf("SC_CLK_TCK")
    assert figures.parse_kib("Rss:  90 kB\nPss:  1234 kB\nPss_Anon: 5 kB\n", "Pss") == 1234


@pytest.mark.parametrize(
    ("value", "bound", "floor", "kept"),
    [(30, 30, False, True), (31, 30, False, False), (30, 30, True, True), (29, 30, True, False)],
)
def test_bound_of_a_figure(value, bound, floor, kept):
    figure = figures.Figure("a figure", value, bound, floor=floor)
    assert figure.kept is kept
    assert ("BROKEN" in figures.table([figure])) is not kept


def test_5_5_2_idle_client_answers_each_whole_ping():
    clients = idle.IdleClients(0)
    client, server = socket.socketpair()
    ping = wire.server_frame(wire.PING, b"beat")
    with client, server:
        server.settimeout(5)
        assert (
            clients.answer(client, wire.server_frame(wire.TEXT, b"x") + ping + ping[:3]) == ping[:3]
        )
        assert server.recv(100) == bytes.fromhex("8a 84 00 00 00 00") + b"beat"
        assert clients.pings == 1
    clients.close()


def test_a_good_client_that_gets_no_echo_ends_with_one_line(capfd):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        good = GoodClient(listener.getsockname())
        listener.accept()[0].close()
        with pytest.raises(wire.WireError, match="lost its connection"):
            good.report()
        good.stop()
    err = capfd.readouterr().err
    assert err.startswith("the good client has ended: ") and err.count("\n") == 1


def test_garbage_is_the_same_in_each_run_and_holds_no_proper_handshake_alone():
    address = ("127.0.0.1", 80)
    first, second = (list(garbage.garbage(random.Random(7), address)) for _ in range(2))
    assert first == second
    assert wire.request("/echo", *address) not in first


def test_client_hello_is_a_tls_handshake_record():
    assert attacks.client_hello()[:2] == b"\x16\x03"


def test_attack_is_judged_by_its_worst_round():
    attack = abuse.Attack("an attack", lambda address: 0, 10, 1)
    outcomes = [abuse.Outcome(attack, 5.0, 10, 0), abuse.Outcome(attack, 1500.0, 9, 2)]
    assert [(figure.value, figure.kept) for figure in abuse.judge(attack, outcomes)] == [
        (9, False),
        (2, False),
        (1500.0, False),
    ]
