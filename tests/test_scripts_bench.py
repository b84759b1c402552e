"""scripts/bench: what it counts, against the bare loop and against servers that are wrong."""

import argparse
import contextlib
import socket
import sys
import threading

import pytest

from scripts.bench import bare_loop, bench, load, results, servers
from scripts.shared import client_wire as wire
from scripts.shared import server_process


@pytest.fixture
def bare_address():
    """The bare loop in threads of this process, for two connections at most."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            with contextlib.suppress(OSError):
                bare_loop_threads.append(
                    threading.Thread(target=bare_loop.echo, args=(listener.accept()[0],))
                )
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("connections", "window", "size"), [(2, 1, 32), (1, 64, 32), (1, 1, 1 << 20)]
)
def test_load_counts_what_the_bare_loop_echoes(bare_address, connections, window, size):
    scenario = load.Scenario("a scenario", wire.BINARY, size, connections, window)
    ticks = iter([1.0, 3.0])
    opened = load.RepeatedFrame(scenario, *bare_address, f"/{wire.BINARY}/{size}")
    measured = load.measure(opened, 0.0, 0.05, lambda: next(ticks))
    assert measured.messages > 0
    assert measured.reply_length == size
    assert measured.rate == measured.messages / measured.seconds
    assert measured.cost_us == pytest.approx(2e6 / measured.messages)


def test_load_notices_a_wrong_byte():
    with pytest.raises(wire.WireError, match="byte 2 is 0x78, expected 0x63"):
        load.compare(b"abx", b"abc", "the echo")


@pytest.mark.parametrize("rest", [b"", bytes.fromhex("88 02 03 e8")])
def test_load_accepts_the_end_of_the_stream_with_or_without_close(rest):
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5)
        server.sendall(rest)
        server.shutdown(socket.SHUT_WR)
        load.check_end(client)
        assert server.recv(100) == bytes.fromhex("88 82 37 fa 21 3d 34 12")


def test_load_notices_one_echo_too_many():
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5)
        server.sendall(wire.server_frame(wire.TEXT, b"more"))
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(wire.WireError, match="6 bytes more"):
            load.check_end(client)


def results_of(bare, refws):
    scenario = load.Scenario("big", wire.BINARY, 10**6)
    rounds = {
        name: [load.Measurement(n, 1.0, n * 2e-6, 10**6) for n in rates]
        for name, rates in {"bare": bare, "refws": refws}.items()
    }
    return results.Result(scenario, rounds)


def test_bench_ratio_is_the_median_of_the_ratios_of_each_round():
    result = results_of([100, 200, 1000], [50, 160, 900])
    assert result.ratios("refws", "bare") == [0.5, 0.8, 0.9]
    assert (
        results.table([result], ["bare", "refws"], "bare").splitlines()[1].split("  ")[-1]
        == "0.800 (0.500 to 0.900)"
    )


def test_bench_gives_megabytes_of_big_messages():
    line = results.table(
        [results_of([200] * 3, [100] * 3)], ["bare", "refws"], "bare"
    ).splitlines()[1]
    assert "200 (200 MB/s)" in line and "100 (100 MB/s)" in line and "2.0 us" in line


def test_bench_places_the_load_generator_beside_a_busy_server_only():
    placement = bench.Placement.choose([0, 1])
    assert placement.load_generator(load.Scenario("one", 1, 32)) == placement.servers
    assert (
        placement.load_generator(load.Scenario("many", 1, 32, connections=16)) != placement.servers
    )
    assert (
        bench.Placement.choose([0]).load_generator(load.Scenario("many", 1, 32, window=64)) is None
    )


@pytest.mark.parametrize("text", ["name", "=ws://h:1/", "x=http {host}"])
def test_bench_refuses_a_server_that_it_cannot_reach(text):
    with pytest.raises(argparse.ArgumentTypeError, match="write NAME=|needs {port}"):
        servers.parse_server(text)


@pytest.mark.parametrize("name", ["bare", "refws", "refws-6", "websockets"])
def test_bench_keeps_the_names_of_its_own_servers(name):
    with pytest.raises(argparse.ArgumentTypeError, match="write another name"):
        servers.parse_server(f"{name}=ws://127.0.0.1:1/")


def test_server_that_ends_at_once_is_reported_with_its_last_words():
    command = [sys.executable, "-c", "print('no such option'); raise SystemExit(2)"]
    with pytest.raises(server_process.ServerFailed, match="(?s)status 2.*no such option"):
        with server_process.running(command, server_process.free_port()):
            pytest.fail("it did not run")


def test_server_is_stopped_when_the_block_is_left():
    port = server_process.free_port()
    with server_process.running(
        [sys.executable, "-m", "scripts.bench.bare_loop", "{port}"], port
    ) as process:
        assert process.poll() is None
    assert process.poll() is not None
