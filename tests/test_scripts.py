"""scripts/: the parts of the measuring tools that can be wrong without anybody noticing."""

import contextlib
import importlib
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(autouse=True)
def scripts_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))


def module(name):
    return importlib.import_module(name)


def fake_server(*answers):
    """A socket pair's client side; on the other side the answers are sent at once, and then the stream ends."""
    client, server = socket.socketpair()
    client.settimeout(5)
    with server:
        for answer in answers:
            server.sendall(answer)
        server.shutdown(socket.SHUT_WR)
    return client


# wire: the RFC's own examples


def test_4_2_2_accept_value_of_the_example_key():
    assert module("client_wire").accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_5_7_masked_and_unmasked_hello():
    wire = module("client_wire")
    assert wire.client_frame(wire.TEXT, b"Hello") == bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert wire.server_frame(wire.TEXT, b"Hello") == bytes.fromhex("81 05 48 65 6c 6c 6f")


@pytest.mark.parametrize(
    ("length", "header"),
    [(125, "82 7d"), (126, "82 7e 00 7e"), (256, "82 7e 01 00"), (65535, "82 7e ff ff"),
     (65536, "82 7f 00 00 00 00 00 01 00 00")],
)
def test_5_2_shortest_length_form(length, header):
    wire = module("client_wire")
    assert wire.header(wire.BINARY, length, masked=False) == bytes.fromhex(header)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: wrong", b""])
def test_4_1_response_that_opens_nothing_is_refused(head):
    wire = module("client_wire")
    with pytest.raises(wire.WireError):
        wire.check_response(head)


def test_stream_that_ends_early_is_an_error():
    wire = module("client_wire")
    with fake_server(b"abc") as connection, pytest.raises(wire.WireError, match="3 of 4"):
        wire.read_exactly(connection, 4)


def test_3_address_of_a_server():
    wire = module("client_wire")
    assert wire.parse_address("ws://127.0.0.1:9000/echo?x=1") == ("127.0.0.1", 9000, "/echo?x=1")
    with pytest.raises(ValueError, match="ws://HOST:PORT/PATH"):
        wire.parse_address("http://127.0.0.1/")


# load and bench: against the bare loop, and against servers that lie


@pytest.fixture
def bare_address():
    """The bare loop in threads of this process, for two connections at most."""
    bare_loop = module("bare_loop")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            with contextlib.suppress(OSError):
                bare_loop_threads.append(threading.Thread(target=bare_loop.echo, args=(listener.accept()[0],)))
                bare_loop_threads[-1].start()

    bare_loop_threads = []
    acceptor = threading.Thread(target=serve)
    acceptor.start()
    yield listener.getsockname()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in (acceptor, *bare_loop_threads):
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize(("connections", "window", "size"), [(2, 1, 32), (1, 64, 32), (1, 1, 1 << 20)])
def test_load_counts_what_the_bare_loop_echoes(bare_address, connections, window, size):
    load, wire = module("load"), module("client_wire")
    scenario = load.Scenario("a scenario", wire.BINARY, size, connections, window)
    ticks = iter([1.0, 3.0])
    measured = load.measure(scenario, (*bare_address, f"/{wire.BINARY}/{size}"), 0.0, 0.05, lambda: next(ticks))
    assert measured.messages > 0
    assert measured.rate == measured.messages / measured.seconds
    assert measured.cost_us == pytest.approx(2e6 / measured.messages)


def test_load_notices_a_wrong_byte():
    load, wire = module("load"), module("client_wire")
    with pytest.raises(wire.WireError, match="byte 2 is 0x78, expected 0x63"):
        load.compare(b"abx", b"abc", "the echo")


@pytest.mark.parametrize("rest", [b"", bytes.fromhex("88 02 03 e8")])
def test_load_accepts_the_end_of_the_stream_with_or_without_close(rest):
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5)
        server.sendall(rest)
        server.shutdown(socket.SHUT_WR)
        module("load").check_end(client)
        assert server.recv(100) == bytes.fromhex("88 82 37 fa 21 3d 34 12")


def test_load_notices_one_echo_too_many():
    load, wire = module("load"), module("client_wire")
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5)
        server.sendall(wire.server_frame(wire.TEXT, b"more"))
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(wire.WireError, match="6 bytes more"):
            load.check_end(client)


def results_of(bench, bare, refws):
    load = module("load")
    scenario = load.Scenario("big", module("client_wire").BINARY, 10**6)
    rounds = {name: [load.Measurement(n, 1.0, n * 2e-6) for n in rates]
              for name, rates in {"bare": bare, "refws": refws}.items()}
    return bench.Result(scenario, rounds)


def test_bench_ratio_is_the_median_of_the_ratios_of_each_round():
    bench = module("bench")
    result = results_of(bench, [100, 200, 1000], [50, 160, 900])
    assert result.ratios("refws") == [0.5, 0.8, 0.9]
    assert bench.table([result], ["bare", "refws"]).splitlines()[1].split("  ")[-1] == "0.800 (0.500 to 0.900)"


def test_bench_gives_megabytes_of_big_messages():
    bench = module("bench")
    line = bench.table([results_of(bench, [200] * 3, [100] * 3)], ["bare", "refws"]).splitlines()[1]
    assert "200 (200 MB/s)" in line and "100 (100 MB/s)" in line and "2.0 us" in line


def test_bench_places_the_load_generator_beside_a_busy_server_only():
    bench, load = module("bench"), module("load")
    placement = bench.Placement.choose([0, 1])
    assert placement.load_generator(load.Scenario("one", 1, 32)) == placement.servers
    assert placement.load_generator(load.Scenario("many", 1, 32, connections=16)) != placement.servers
    assert bench.Placement.choose([0]).load_generator(load.Scenario("many", 1, 32, window=64)) is None


@pytest.mark.parametrize("text", ["name", "=ws://h:1/", "x=http {host}", "bare=ws://127.0.0.1:1/"])
def test_bench_refuses_a_server_that_it_cannot_reach(text):
    bench = module("bench")
    with pytest.raises(bench.argparse.ArgumentTypeError, match="write NAME=|needs {port}"):
        bench.parse_server(text)


def test_server_that_ends_at_once_is_reported_with_its_last_words():
    server_process = module("server_process")
    command = [sys.executable, "-c", "print('no such option'); raise SystemExit(2)"]
    with pytest.raises(server_process.ServerFailed, match="(?s)status 2.*no such option"):
        with server_process.running(command, server_process.free_port()):
            pytest.fail("it did not run")


def test_server_is_stopped_when_the_block_is_left():
    server_process, bare_loop = module("server_process"), module("bare_loop")
    port = server_process.free_port()
    with server_process.running([sys.executable, bare_loop.__file__, "{port}"], port) as process:
        assert process.poll() is None
    assert process.poll() is not None


# endurance


def test_figures_from_proc():
    figures = module("figures")
    fields = ["S"] + [str(number) for number in range(4, 53)]
    stat = "42 (a (strange) name) " + " ".join(fields)
    assert figures.parse_threads(stat) == 20
    assert figures.parse_cpu_s(stat) == (14 + 15) / figures.os.sysconf("SC_CLK_TCK")
    assert figures.parse_kib("Rss:  90 kB\nPss:  1234 kB\nPss_Anon: 5 kB\n", "Pss") == 1234


@pytest.mark.parametrize(
    ("value", "bound", "floor", "kept"),
    [(30, 30, False, True), (31, 30, False, False), (30, 30, True, True), (29, 30, True, False)],
)
def test_bound_of_a_figure(value, bound, floor, kept):
    figures = module("figures")
    figure = figures.Figure("a figure", value, bound, floor=floor)
    assert figure.kept is kept
    assert ("BROKEN" in figures.table([figure])) is not kept


def test_5_5_2_idle_client_answers_each_whole_ping():
    clients, wire = module("endurance_idle").IdleClients(0), module("client_wire")
    client, server = socket.socketpair()
    ping = wire.server_frame(wire.PING, b"beat")
    with client, server:
        server.settimeout(5)
        assert clients.answer(client, wire.server_frame(wire.TEXT, b"x") + ping + ping[:3]) == ping[:3]
        assert server.recv(100) == bytes.fromhex("8a 84 00 00 00 00") + b"beat"
        assert clients.pings == 1
    clients.close()


def test_garbage_is_the_same_in_each_run_and_holds_no_proper_handshake_alone():
    abuse, wire = module("endurance_abuse"), module("client_wire")
    address = ("127.0.0.1", 80)
    first, second = (list(abuse.garbage(abuse.random.Random(7), address)) for _ in range(2))
    assert first == second
    assert wire.request("/echo", *address) not in first


def test_client_hello_is_a_tls_handshake_record():
    assert module("endurance_abuse").client_hello()[:2] == b"\x16\x03"


def test_attack_is_judged_by_its_worst_round():
    abuse = module("endurance_abuse")
    attack = abuse.Attack("an attack", lambda address: 0, 10, 1)
    outcomes = [abuse.Outcome(attack, 5.0, 10, 0), abuse.Outcome(attack, 1500.0, 9, 2)]
    assert [(figure.value, figure.kept) for figure in abuse.judge(attack, outcomes)] == [
        (9, False), (2, False), (1500.0, False),
    ]


@pytest.mark.parametrize("arguments", [["bench.py", "--rounds", "0"], ["endurance.py", "idle", "--window", "5"],
                                       ["endurance.py", "abuse", "--rounds", "1"], ["endurance.py"]])
def test_bad_option_is_one_line_and_status_2(arguments):
    run = subprocess.run([sys.executable, SCRIPTS / arguments[0], *arguments[1:]], capture_output=True, text=True)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr and "error:" in run.stderr.splitlines()[-1]
