"""scripts/: the parts of the measuring tools that can be wrong without anybody noticing."""

import collections
import contextlib
import importlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import zlib

import pytest

from refws import serve
from refws.course import services

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(autouse=True)
def scripts_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))


def module(name):
    return importlib.import_module(name)


def fake_server(*answers):
    """A socket pair's client side; on the other side the answers are sent at once, and then the
    stream ends.
    """
    client, server = socket.socketpair()
    client.settimeout(5)
    with server:
        for answer in answers:
            server.sendall(answer)
        server.shutdown(socket.SHUT_WR)
    return client


# wire: the RFC's own examples


def test_4_2_2_accept_value_of_the_example_key():
    assert (
        module("client_wire").accept_value("dGhlIHNhbXBsZSBub25jZQ==")
        == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )


def test_5_7_masked_and_unmasked_hello():
    wire = module("client_wire")
    assert wire.client_frame(wire.TEXT, b"Hello") == bytes.fromhex(
        "81 85 37 fa 21 3d 7f 9f 4d 51 58"
    )
    assert wire.server_frame(wire.TEXT, b"Hello") == bytes.fromhex("81 05 48 65 6c 6c 6f")


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (125, "82 7d"),
        (126, "82 7e 00 7e"),
        (256, "82 7e 01 00"),
        (65535, "82 7e ff ff"),
        (65536, "82 7f 00 00 00 00 00 01 00 00"),
    ],
)
def test_5_2_shortest_length_form(length, header):
    wire = module("client_wire")
    assert wire.header(wire.BINARY, length, masked=False) == bytes.fromhex(header)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: wrong", b""]
)
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


@pytest.mark.parametrize(
    ("connections", "window", "size"), [(2, 1, 32), (1, 64, 32), (1, 1, 1 << 20)]
)
def test_load_counts_what_the_bare_loop_echoes(bare_address, connections, window, size):
    load, wire = module("load"), module("client_wire")
    scenario = load.Scenario("a scenario", wire.BINARY, size, connections, window)
    ticks = iter([1.0, 3.0])
    opened = load.RepeatedFrame(scenario, *bare_address, f"/{wire.BINARY}/{size}")
    measured = load.measure(opened, 0.0, 0.05, lambda: next(ticks))
    assert measured.messages > 0
    assert measured.reply_length == size
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
    rounds = {
        name: [load.Measurement(n, 1.0, n * 2e-6, 10**6) for n in rates]
        for name, rates in {"bare": bare, "refws": refws}.items()
    }
    return bench.Result(scenario, rounds)


def test_bench_ratio_is_the_median_of_the_ratios_of_each_round():
    bench = module("bench")
    result = results_of(bench, [100, 200, 1000], [50, 160, 900])
    assert result.ratios("refws", "bare") == [0.5, 0.8, 0.9]
    assert (
        bench.table([result], ["bare", "refws"], "bare").splitlines()[1].split("  ")[-1]
        == "0.800 (0.500 to 0.900)"
    )


def test_bench_gives_megabytes_of_big_messages():
    bench = module("bench")
    line = bench.table(
        [results_of(bench, [200] * 3, [100] * 3)], ["bare", "refws"], "bare"
    ).splitlines()[1]
    assert "200 (200 MB/s)" in line and "100 (100 MB/s)" in line and "2.0 us" in line


def test_bench_places_the_load_generator_beside_a_busy_server_only():
    bench, load = module("bench"), module("load")
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
    bench = module("bench")
    with pytest.raises(bench.argparse.ArgumentTypeError, match=r"write NAME=|needs \{port\}"):
        bench.parse_server(text)


@pytest.mark.parametrize("name", ["bare", "refws", "refws-6", "websockets"])
def test_bench_keeps_the_names_of_its_own_servers(name):
    bench = module("bench")
    with pytest.raises(bench.argparse.ArgumentTypeError, match="write another name"):
        bench.parse_server(f"{name}=ws://127.0.0.1:1/")


def test_server_that_ends_at_once_is_reported_with_its_last_words():
    server_process = module("server_process")
    command = [sys.executable, "-c", "print('no such option'); raise SystemExit(2)"]
    with (
        pytest.raises(server_process.ServerFailed, match=r"(?s)status 2.*no such option"),
        server_process.running(command, server_process.free_port()),
    ):
        pytest.fail("it did not run")


def test_server_is_stopped_when_the_block_is_left():
    server_process, bare_loop = module("server_process"), module("bare_loop")
    port = server_process.free_port()
    with server_process.running([sys.executable, bare_loop.__file__, "{port}"], port) as process:
        assert process.poll() is None
    assert process.poll() is not None


# compressed messages: the wire, the messages, the load, the verdict


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [
        ("permessage-deflate", (15, 15, False, False)),
        (
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=8",
            (12, 8, False, False),
        ),
        (
            "permessage-deflate;client_no_context_takeover; server_no_context_takeover",
            (15, 15, True, True),
        ),
    ],
)
def test_7692_7_1_answer_to_the_offer(answer, agreed):
    wire = module("client_wire")
    assert wire.agreed_deflate(answer) == wire.Deflate(*agreed)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "x-webkit-deflate-frame",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; level=3",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
    ],
)
def test_7692_7_1_answer_that_agrees_on_nothing_known_is_refused(answer):
    wire = module("client_wire")
    with pytest.raises(wire.WireError):
        wire.agreed_deflate(answer)


def test_7692_7_2_3_1_compressed_hello_has_rsv1():
    wire = module("client_wire")
    payload = bytes.fromhex("f2 48 cd c9 c9 07 00")
    assert wire.server_frame(wire.TEXT, payload, rsv1=True) == bytes.fromhex("c1 07") + payload
    assert wire.client_frame(wire.TEXT, payload, rsv1=True)[:2] == bytes.fromhex("c1 87")


@pytest.mark.parametrize(
    ("start", "length"),
    [
        ("", 2),
        ("81", 2),
        ("81 05", 7),
        ("81 7d", 127),
        ("c1 7e", 4),
        ("c1 7e 01", 4),
        ("c1 7e 01 00", 260),
        ("82 7f", 10),
        ("82 7f 00 00 00 00 00 01 00 00", 65546),
    ],
)
def test_5_2_length_of_a_frame_from_its_first_bytes(start, length):
    assert module("client_wire").frame_length(bytes.fromhex(start)) == length


def test_messages_are_different_json_of_1_kib_and_the_same_in_each_run():
    deflate_load = module("deflate_load")
    documents = [json.loads(text) for text in deflate_load.messages()]
    assert {len(text) for text in deflate_load.messages()} == {1024}
    assert len({document["items"][0]["id"] for document in documents}) == len(documents) == 64
    assert {tuple(document) for document in documents} == {("type", "sequence", "items", "remark")}
    deflate_load.messages.cache_clear()
    assert [json.loads(text) for text in deflate_load.messages()] == documents


def inflated(frames, window_bits, fresh=False):
    """What a receiver makes of client frames, with one window for all, or a new one for each."""
    inflater = zlib.decompressobj(-window_bits)
    for frame in frames:
        start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
        payload = bytes(byte ^ frame[start + at % 4] for at, byte in enumerate(frame[start + 4 :]))
        yield inflater.decompress(payload + b"\x00\x00\xff\xff")
        if fresh:
            inflater = zlib.decompressobj(-window_bits)


@pytest.mark.parametrize("window_bits", [8, 12, 15])
def test_7692_7_2_1_frames_of_the_second_turn_serve_for_all_later_ones(window_bits):
    deflate_load = module("deflate_load")
    first, later = deflate_load.frames(window_bits, False)
    assert list(inflated(first + later * 3, window_bits)) == list(deflate_load.messages()) * 4
    with pytest.raises(zlib.error):
        list(inflated(later[:1], window_bits))


def test_7692_7_1_1_2_without_context_each_frame_stands_alone():
    deflate_load = module("deflate_load")
    first, later = deflate_load.frames(12, True)
    assert first == later
    assert list(inflated(later, 12, fresh=True)) == list(deflate_load.messages())


def echoes_of(deflate_load, texts, no_context_takeover=False):
    wire = module("client_wire")
    payloads = deflate_load.compress(texts, 12, no_context_takeover)
    return [wire.server_frame(wire.TEXT, payload, rsv1=True) for payload in payloads]


@pytest.mark.parametrize("no_context_takeover", [False, True])
def test_echoes_are_inflated_and_compared_turn_after_turn(no_context_takeover):
    deflate_load, wire = module("deflate_load"), module("client_wire")
    agreed = wire.Deflate(12, 12, server_no_context_takeover=no_context_takeover)
    texts = deflate_load.messages() * 2
    echoes = echoes_of(deflate_load, texts, no_context_takeover)
    deflate_load.check_echoes([*echoes, wire.server_frame(wire.TEXT, texts[0])], agreed)
    with pytest.raises(wire.WireError, match="echo 100"):
        deflate_load.check_echoes([*echoes[:100], wire.server_frame(wire.TEXT, texts[101])], agreed)


@pytest.mark.parametrize("echo", ["c1 02 ff ff", "41 00", "c2 01 00", "88 00", "c1 01 00"])
def test_echo_that_is_no_compressed_message_is_noticed(echo):
    deflate_load, wire = module("deflate_load"), module("client_wire")
    with pytest.raises(wire.WireError, match="echo 0"):
        deflate_load.check_echoes([bytes.fromhex(echo)], wire.Deflate(12, 12))


def test_echo_of_the_right_text_in_a_binary_frame_is_noticed():
    deflate_load, wire = module("deflate_load"), module("client_wire")
    with pytest.raises(wire.WireError, match="echo 0 is no text"):
        deflate_load.check_echoes(
            [wire.server_frame(wire.BINARY, deflate_load.messages()[0])], wire.Deflate()
        )


def test_7692_7_1_1_1_echo_that_uses_a_context_against_the_agreement_is_noticed():
    deflate_load, wire = module("deflate_load"), module("client_wire")
    with pytest.raises(wire.WireError, match="echo 1"):
        agreed = wire.Deflate(12, 12, server_no_context_takeover=True)
        deflate_load.check_echoes(echoes_of(deflate_load, deflate_load.messages()), agreed)


def test_echo_that_comes_in_pieces_is_taken_once_it_is_whole():
    deflate_load, wire = module("deflate_load"), module("client_wire")
    echo = wire.server_frame(wire.TEXT, bytes(300))
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(5)
        link = deflate_load.Link(client, wire.Deflate(12, 12))
        seen = []
        for piece in (echo[:1], echo[1:3], echo[3:200], echo[200:]):
            server.sendall(piece)
            seen.append(link.receive())
        assert seen == [False, False, False, True] and link.echoes == [echo]
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(wire.WireError, match="ended the stream"):
            link.receive()


@pytest.mark.parametrize("connections", [1, 3])
def test_deflate_load_against_a_server_that_compresses(connections):
    deflate_load, load, wire = module("deflate_load"), module("load"), module("client_wire")
    scenario = load.Scenario("a scenario", wire.TEXT, 1024, connections, deflate=True)
    ticks = iter([1.0, 3.0])
    with serve(services.echo, "127.0.0.1", 0, compression="deflate") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = deflate_load.DeflateLoad(scenario, *server.address[:2], "/echo")
        measured = load.measure(opened, 0.0, 0.05, lambda: next(ticks))
    assert measured.messages > 0
    assert 100 < measured.reply_length < 512


def test_deflate_load_refuses_a_server_that_does_not_compress():
    deflate_load, load, wire = module("deflate_load"), module("load"), module("client_wire")
    with serve(services.echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(wire.WireError, match="not agreed on"):
            deflate_load.DeflateLoad(
                load.Scenario("one", wire.TEXT, 1024), *server.address[:2], "/echo"
            )


def deflate_result(bench, **rates):
    load = module("load")
    rounds = {
        name: [load.Measurement(rate, 1.0, 0.5, 250 + rate) for rate in values]
        for name, values in rates.items()
    }
    return bench.Result(bench.DEFLATE_SCENARIOS[0], rounds)


@pytest.mark.parametrize(("rates", "status"), [([9, 20, 20], 0), ([9, 10, 10], 0), ([9, 9, 20], 1)])
def test_bench_deflate_verdict_is_that_of_the_median_round(rates, status, capsys):
    bench = module("bench")
    result = deflate_result(bench, **{"refws": rates, "refws-6": [10] * 3, "websockets": [10] * 3})
    assert bench.report([result], list(result.measurements), deflate=True) == status
    assert ("BROKEN" in capsys.readouterr().out) is (status == 1)


def test_bench_deflate_tells_what_the_messages_become():
    bench = module("bench")
    result = deflate_result(bench, refws=[10, 20], websockets=[30, 30])
    assert bench.sizes([result], ["refws", "websockets"]).endswith(
        "bytes of 1,024: refws 265, websockets 280"
    )


def test_bench_deflate_without_the_peer_is_skipped_with_the_reason(monkeypatch, capsys):
    bench = module("bench")
    monkeypatch.syspath_prepend(str(bench.server_process.ROOT / "conformance"))
    environment = module("environment")

    def fail(name, requirements):
        raise environment.Unavailable("no network; connect and run this again")

    monkeypatch.setattr(environment, "python_packages", fail)
    monkeypatch.setattr(bench.server_process, "exit_on_sigterm", lambda: None)
    assert bench.main(["--deflate"]) == 0
    assert "skipped: websockets cannot be had: no network" in capsys.readouterr().err


# test: files spread over processes


def files_of(directory, **contents):
    for name, text in contents.items():
        (directory / f"{name}.py").write_text(text)
    return [directory / f"{name}.py" for name in contents]


def test_spread_gives_the_longest_file_first_and_each_to_who_has_least_to_do(tmp_path):
    spread = module("spread")
    unknown = "#" * 2 * spread.BYTES_A_SECOND
    files = files_of(tmp_path, test_a="", test_b="", test_c=unknown, test_d="", test_e="")
    shares = spread.share_out(files, {"test_a": 1.5, "test_b": 4, "test_d": 3, "test_e": 1}, 2)
    assert [[pathlib.Path(file).stem for file in share.files] for share in shares] == [
        ["test_b", "test_a"],
        ["test_d", "test_c", "test_e"],
    ]
    assert [share.seconds for share in shares] == [5.5, 6]
    assert [len(share.files) for share in spread.share_out(files[:1], {}, 2)] == [1]


def spread_run(spread, directory, **contents):
    """A process for each of these files."""
    shares = [spread.Share([str(file)]) for file in files_of(directory, **contents)]
    return spread.run([sys.executable, "-m", "pytest", "-q"], shares, directory, os.environ)


def test_spread_shows_failures_whole_and_adds_up_what_the_processes_did(tmp_path, capsys):
    spread = module("spread")
    outcomes = spread_run(
        spread,
        tmp_path,
        test_good=(
            "import pytest\ndef test_1(): pass\ndef test_2(): pass\ndef test_3(): "
            "pytest.skip('no such program')"
        ),
        test_bad=(
            "def test_4(): pass\ndef test_5():\n    assert 'seen' == 'expected'\ndef "
            "test_6(missing): pass"
        ),
    )
    assert not spread.show(outcomes)
    printed = capsys.readouterr().out
    assert "\nE       AssertionError: assert 'seen' == 'expected'" in printed
    assert "test_good" not in printed and ".F" not in printed
    assert printed.endswith(
        "\nskipped 1: no such program\n1 failed, 1 errors, 3 passed, 1 skipped\n"
    )
    assert [list(outcome.seconds) for outcome in outcomes] == [["test_good"], ["test_bad"]]


def test_spread_notices_a_process_that_ends_before_its_tests_do(tmp_path, capsys):
    spread = module("spread")
    command = [sys.executable, "-c", "print('last words'); raise SystemExit(7)"]
    assert not spread.show(spread.run(command, [spread.Share()], tmp_path, os.environ))
    assert capsys.readouterr() == ("last words\n\nno test ran\n", "pytest ended with status 7\n")


def outcome_of(spread, status, **counts):
    return spread.Outcome(status, "", collections.Counter(counts), {}, collections.Counter())


def test_spread_a_process_may_have_no_tests_but_not_all_of_them():
    spread = module("spread")
    with_tests, without = (
        outcome_of(spread, spread.PASSED, passed=3),
        outcome_of(spread, spread.NO_TESTS),
    )
    assert spread.show([with_tests, without])
    assert not spread.show([without, without])


def test_spread_leaves_no_process_behind(tmp_path, monkeypatch):
    spread, started = module("spread"), []

    def interrupted(run):
        started.append(run.process)
        raise KeyboardInterrupt

    monkeypatch.setattr(spread.Run, "outcome", interrupted)
    with pytest.raises(KeyboardInterrupt):
        spread.run(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            [spread.Share()],
            tmp_path,
            os.environ,
        )
    assert [process.returncode for process in started] == [-signal.SIGTERM]


def test_spread_keeps_what_it_has_measured(tmp_path):
    spread, path = module("spread"), tmp_path / "seconds.json"
    assert spread.load_seconds(path) == {}
    spread.save_seconds(path, {"test_b": 1.236, "test_a": 2})
    assert spread.load_seconds(path) == {"test_a": 2, "test_b": 1.24}


@pytest.mark.parametrize("left", ["", "[1]", '{"test_a": "x"}', '{"test_a": null}'])
def test_spread_what_cannot_be_read_is_measured_again(tmp_path, left):
    (tmp_path / "seconds.json").write_text(left)
    assert module("spread").load_seconds(tmp_path / "seconds.json") == {}


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
        assert (
            clients.answer(client, wire.server_frame(wire.TEXT, b"x") + ping + ping[:3]) == ping[:3]
        )
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
        (9, False),
        (2, False),
        (1500.0, False),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench.py", "--rounds", "0"],
        ["endurance.py", "idle", "--window", "5"],
        ["endurance.py", "abuse", "--rounds", "1"],
        ["endurance.py"],
        ["bench.py", "--only", "deflate-1"],
        ["bench.py", "--deflate", "--no-refws"],
        ["bench.py", "--deflate", "--only", "binary-32"],
    ],
)
def test_bad_option_is_one_line_and_status_2(arguments):
    run = subprocess.run(
        [sys.executable, SCRIPTS / arguments[0], *arguments[1:]], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr and "error:" in run.stderr.splitlines()[-1]
