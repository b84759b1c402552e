"""scripts/endurance: its figures, its idle clients, its attacks, its tables of limits."""

import os
import random
import select
import socket
from contextlib import closing

import pytest

from refws.endpoint.settings import Settings
from scripts.endurance import abuse, attacks, costs, endurance, garbage, holding, idle, limits
from scripts.endurance.good_client import GoodClient
from scripts.shared import client_wire as wire
from scripts.shared import figures
from wire import DEADLINE_S, IN_TIME, PING, PONG, TEXT, Wire, frame, response


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


# Limits

SHORT = Settings(
    open_timeout=0.2, ping_interval=0.2, ping_timeout=0.1, close_timeout=0.2, send_timeout=0.2
)
BRIEFLY_CPU_S = 0.02

linux_only = pytest.mark.skipif(
    not figures.is_available(), reason="this system has no /proc to read CPU times from"
)


def case_named(name):
    return next(case for case in holding.CASES if case.name == name)


def input_named(name):
    return next(one for one in costs.INPUTS if one.name == name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["sends nothing", "answers no Ping", "TLS: sends nothing", "only answers Pings"]
)
def test_a_peer_holds_its_thread_until_its_time_is_up(name):
    case = case_named(name)
    (held,) = holding.measure((case,), SHORT)
    assert held.kept
    assert held.seconds is None or held.seconds >= held.bound_s


@pytest.mark.slow
def test_a_peer_that_cannot_do_what_its_case_says_fails_the_measuring():
    def open_nothing(peer):
        peer.open("/echo\r\nHost: twice")

    with pytest.raises(holding.Failed, match=r"a peer: expected 101"):
        holding.measure((holding.Case("a peer", open_nothing, ("LINGER",)),), SHORT)


@pytest.mark.parametrize(
    ("bound", "seconds", "kept"),
    [
        (1, 1.9, True),
        (1, 2.1, False),
        (1, None, False),
        (None, None, True),
        (None, 30.0, False),
    ],
)
def test_a_bound_is_kept_if_the_thread_ends_in_time_and_not_if_none_was_to_end(
    bound, seconds, kept
):
    assert holding.Held(case_named("sends nothing"), bound, seconds).kept is kept


@pytest.mark.slow
@linux_only
def test_each_round_of_an_input_is_dealt_with_when_it_ends():
    with costs.servers() as (plain, tls):
        server = costs.Server(plain[0], tls[0])
        for one in costs.INPUTS:
            rounds = one.rounds(server)
            assert next(rounds) > 0 and next(rounds) > 0, one.name
            rounds.close()


def test_a_connection_is_opened_only_after_its_page_watches(background):
    """Frames of an earlier connection are never shown."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        rounds = costs.watched(costs.EMPTY_PONG)(costs.Server(listener.getsockname()[1], 0))
        sending = background(next, rounds)
        with closing(accept_from(listener)) as view:
            assert select.select([listener], [], [], IN_TIME)[0] == []
            view.send_frame(TEXT, costs.HELLO, masked=0)
            with closing(accept_from(listener)) as talker:
                assert talker.receive()[0].opcode == PONG
                header, mark = talker.receive()
                assert header.opcode == PING
                view.send_frame(TEXT, f'"payload_start": "{mark.hex()}"'.encode(), masked=0)
                assert sending.result() == len(frame(PONG) + frame(PING, mark))
        rounds.close()


def accept_from(listener):
    """The server's end of an open connection."""
    accepted = Wire(listener.accept()[0])
    _, headers = accepted.receive_request()
    accepted.send(response(headers["sec-websocket-key"]))
    return accepted


@pytest.mark.slow
@linux_only
def test_the_cost_of_an_input_is_measured_beside_that_of_a_handshake():
    handshake, pongs = costs.measure((input_named("Pongs without payload"),), BRIEFLY_CPU_S)
    assert handshake.input is costs.HANDSHAKE and handshake.handshakes == 1
    assert 0 < pongs.us_a_byte < handshake.us_a_byte
    assert pongs.handshakes == pongs.us_a_byte / handshake.us_a_byte


@pytest.mark.parametrize(
    ("limit", "handshakes", "share", "kept"),
    [
        ({}, 10, 1.0, True),
        ({}, 11, 1.0, False),
        ({"share": 0.25}, 11, 0.3, True),
        ({"share": 0.25}, 11, 0.5, False),
        ({"why_not": "no: so it is"}, 11, 1.0, True),
    ],
)
def test_what_costs_more_than_ten_handshakes_must_keep_to_a_share(limit, handshakes, share, kept):
    one = costs.Input("an input", costs.HANDSHAKE.rounds, **limit)
    assert costs.Cost(one, 1.0, share, handshakes).kept is kept


def test_limits_prints_markdown_and_marks_a_broken_bound(monkeypatch):
    held = holding.Held(case_named("sends nothing"), 10, 12.0)
    monkeypatch.setattr(holding, "measure", lambda cases, times: [held])
    text, kept = limits.run(["sends nothing"], 1)
    assert text.splitlines() == [
        "## Who may hold what, and for how long",
        "",
        "| What a peer does | What ends it | At most, s | Measured, s |",
        "| --- | --- | --- | --- |",
        "| sends nothing | `open_timeout` | 10 | 12.0 | BROKEN",
    ]
    assert not kept


@linux_only
def test_endurance_limits_exits_with_1_if_a_bound_is_broken_or_a_peer_has_failed(
    monkeypatch, capsys
):
    monkeypatch.setattr(endurance.server_process, "exit_on_sigterm", lambda: None)
    for run, status, shown in [
        (lambda words, cpu_s: ("the tables", True), 0, "the tables"),
        (lambda words, cpu_s: ("the tables", False), 1, "the tables"),
        (fail, 1, "endurance: no thread"),
    ]:
        monkeypatch.setattr(limits, "run", run)
        assert endurance.main(["limits", "Ping"]) == status
        assert shown in "".join(capsys.readouterr())


def fail(words, cpu_s):
    raise holding.Failed("no thread")
