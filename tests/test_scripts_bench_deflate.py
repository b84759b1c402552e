"""scripts/bench --deflate: its messages, its echoes, its verdict."""

import importlib
import json
import socket
import threading
import zlib

import pytest

from refws import serve
from refws.course import services
from scripts.bench import bench, deflate_load, load, results
from scripts.shared import client_wire as wire
from scripts.shared import server_process


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
    with pytest.raises(wire.WireError):
        wire.agreed_deflate(answer)


def test_7692_7_2_3_1_compressed_hello_has_rsv1():
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
    assert wire.frame_length(bytes.fromhex(start)) == length


def test_messages_are_different_json_of_1_kib_and_the_same_in_each_run():
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
    first, later = deflate_load.frames(window_bits, False)
    assert list(inflated(first + later * 3, window_bits)) == list(deflate_load.messages()) * 4
    with pytest.raises(zlib.error):
        list(inflated(later[:1], window_bits))


def test_7692_7_1_1_2_without_context_each_frame_stands_alone():
    first, later = deflate_load.frames(12, True)
    assert first == later
    assert list(inflated(later, 12, fresh=True)) == list(deflate_load.messages())


def echoes_of(texts, no_context_takeover=False):
    payloads = deflate_load.compress(texts, 12, no_context_takeover)
    return [wire.server_frame(wire.TEXT, payload, rsv1=True) for payload in payloads]


@pytest.mark.parametrize("no_context_takeover", [False, True])
def test_echoes_are_inflated_and_compared_turn_after_turn(no_context_takeover):
    agreed = wire.Deflate(12, 12, server_no_context_takeover=no_context_takeover)
    texts = deflate_load.messages() * 2
    echoes = echoes_of(texts, no_context_takeover)
    deflate_load.check_echoes([*echoes, wire.server_frame(wire.TEXT, texts[0])], agreed)
    with pytest.raises(wire.WireError, match="echo 100"):
        deflate_load.check_echoes([*echoes[:100], wire.server_frame(wire.TEXT, texts[101])], agreed)


@pytest.mark.parametrize("echo", ["c1 02 ff ff", "41 00", "c2 01 00", "88 00", "c1 01 00"])
def test_echo_that_is_no_compressed_message_is_noticed(echo):
    with pytest.raises(wire.WireError, match="echo 0"):
        deflate_load.check_echoes([bytes.fromhex(echo)], wire.Deflate(12, 12))


def test_echo_of_the_right_text_in_a_binary_frame_is_noticed():
    with pytest.raises(wire.WireError, match="echo 0 is no text"):
        deflate_load.check_echoes(
            [wire.server_frame(wire.BINARY, deflate_load.messages()[0])], wire.Deflate()
        )


def test_7692_7_1_1_1_echo_that_uses_a_context_against_the_agreement_is_noticed():
    with pytest.raises(wire.WireError, match="echo 1"):
        agreed = wire.Deflate(12, 12, server_no_context_takeover=True)
        deflate_load.check_echoes(echoes_of(deflate_load.messages()), agreed)


def test_echo_that_comes_in_pieces_is_taken_once_it_is_whole():
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


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 3])
def test_deflate_load_against_a_server_that_compresses(connections):
    scenario = load.Scenario("a scenario", wire.TEXT, 1024, connections, deflate=True)
    ticks = iter([1.0, 3.0])
    with serve(services.echo, "127.0.0.1", 0, compression="deflate") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = deflate_load.DeflateLoad(scenario, *server.address[:2], "/echo")
        measured = load.measure(opened, 0.0, 0.05, lambda: next(ticks))
    assert measured.messages > 0
    assert 100 < measured.reply_length < 512


def test_deflate_load_refuses_a_server_that_does_not_compress():
    with serve(services.echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(wire.WireError, match="not agreed on"):
            deflate_load.DeflateLoad(
                load.Scenario("one", wire.TEXT, 1024), *server.address[:2], "/echo"
            )


def deflate_result(**rates):
    rounds = {
        name: [load.Measurement(rate, 1.0, 0.5, 250 + rate) for rate in values]
        for name, values in rates.items()
    }
    return results.Result(bench.DEFLATE_SCENARIOS[0], rounds)


@pytest.mark.parametrize(("rates", "status"), [([9, 20, 20], 0), ([9, 10, 10], 0), ([9, 9, 20], 1)])
def test_bench_deflate_verdict_is_that_of_the_median_round(rates, status, capsys):
    result = deflate_result(**{"refws": rates, "refws-6": [10] * 3, "websockets": [10] * 3})
    assert bench.report([result], list(result.measurements), deflate=True) == status
    assert ("BROKEN" in capsys.readouterr().out) is (status == 1)


def test_bench_deflate_tells_what_the_messages_become():
    result = deflate_result(refws=[10, 20], websockets=[30, 30])
    assert results.sizes([result], ["refws", "websockets"]).endswith(
        "bytes of 1,024: refws 265, websockets 280"
    )


def test_bench_deflate_without_the_peer_is_skipped_with_the_reason(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(server_process.ROOT / "conformance"))
    environment = importlib.import_module("environment")

    def fail(name, requirements):
        raise environment.Unavailable("no network; connect and run this again")

    monkeypatch.setattr(environment, "python_packages", fail)
    monkeypatch.setattr(server_process, "exit_on_sigterm", lambda: None)
    assert bench.main(["--deflate"]) == 0
    assert "skipped: websockets is not available: no network" in capsys.readouterr().err
