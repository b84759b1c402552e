"""`python3 -m refws replay`, and the options --trace and --record that make what it reads."""

import atexit
import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refws
from capturing import SESSION, ip_packets, pcap, pcapng
from refws.commands import replay as program
from refws.commands.options import CommandLine
from refws.commands.tracing import add_trace_options, choose_trace
from refws.course.explain.conversation import Conversation
from refws.course.record.live import Live
from refws.course.record.recorder import Recorder
from refws.course.record.tape import Chunk
from refws.course.text.drawing import draw_line
from refws.protocol.frame import Side
from wire import RSV1, TEXT, eventually, frame, request

PROJECT = Path(__file__).parent.parent
HELLO = "81 85 37 fa 21 3d 7f 9f 4d 51 58"
START = "refws tape 1\n"
TIME = re.compile(r"^\S* +\d+\.\d ms  ", re.MULTILINE)


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def replay(tmp_path, capsys):
    """replay(tape, *options) gives the exit status, what was printed, and the errors."""

    def run(tape, *options):
        (tmp_path / "tape").write_text(tape)
        try:
            status = program.main([str(tmp_path / "tape"), *options])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


# Replaying


@pytest.mark.parametrize("full", [False, True])
def test_a_replay_says_what_was_said_live(serving, tmp_path, capsys, full):
    recorder, live = Recorder(str(tmp_path / "tape"), redact=False), []
    running = serving(
        echo,
        trace=[Live(live.append, full).choose, recorder.choose],
        compression="deflate",
    )
    with refws.connect(
        f"ws://127.0.0.1:{running.address[1]}/?a=b", compression="deflate"
    ) as connection:
        for message in ("Hello" * 100, bytes(70_000), ["in ", "three ", "parts"]):
            connection.send(message)
            connection.recv()
        connection.send_raw(bytes.fromhex("81 01 61"))
        with pytest.raises(refws.ConnectionClosed):
            connection.recv()
    assert eventually(lambda: not running.server.all_connections)
    recorder.close()
    assert program.main([str(tmp_path / "tape"), *(["--full"] if full else [])]) == 1
    introduction, _, replayed = capsys.readouterr().out.partition("\n")
    assert introduction.startswith("#1 client 127.0.0.1:")
    time = re.compile(r"^\S* +\d+\.\d ms", re.MULTILINE)
    assert time.sub("", replayed) == time.sub("", "\n".join(live) + "\n")
    assert "VIOLATION" in replayed


def test_each_line_has_the_number_of_its_connection_and_the_time_since_its_start(replay):
    tape = (
        START
        + f"1.5 4 open client=- server=127.0.0.1:80\n2 5 client {HELLO}\n2.25 5 server 81 00\n"
    )
    assert replay(tape) == (
        0,
        (
            "#4 client an unknown address, server 127.0.0.1:80\n"
            '#5       0.0 ms  -> text FIN masked 5 "Hello"  legal\n'
            "#5     250.0 ms  <- text FIN 0  legal\n"
        ),
        "",
    )


def test_full_gives_blocks(replay):
    out = replay(START + f"0 1 client {HELLO}\n", "--full")[1]
    assert "|opcode |A|   length    |" in out and "no rule is broken" in out


def test_one_connection_may_be_picked(replay):
    tape = START + f"0 1 client {HELLO}\n0 2 client 81 80 37 fa 21 3d\n"
    assert replay(tape, "--connection", "2")[1] == "#2       0.0 ms  -> text FIN masked 0  legal\n"


def test_a_connection_that_the_tape_does_not_have_is_an_error(replay, tmp_path):
    tape = START + f"0 1 client {HELLO}\n0 12 client 81 80 37 fa 21 3d\n"
    status, out, err = replay(tape, "--connection", "9")
    assert (status, out) == (2, "")
    assert err == f"refws: {str(tmp_path / 'tape')!r} has no connection 9: " + (
        "give --connection one of 1, 12\n"
    )
    assert "it has none" in replay(START, "--connection", "1")[2]
    many = START + "".join(f"0 {number} client {HELLO}\n" for number in range(30))
    err = replay(many, "--connection", "77", "--pcap", str(tmp_path / "pcap"))[2]
    assert err.endswith("17, 18, 19 and 10 more\n")


def test_7_1_7_what_follows_a_violation_is_explained_if_asked_for(replay):
    tape = START + f"0 1 client 81 01 61\n0.1 1 client {HELLO}\n"
    assert "not read" in replay(tape)[1]
    status, out, _ = replay(tape, "--keep-going")
    assert (status, "not read" in out) == (1, False)
    assert '-> text FIN masked 5 "Hello"  legal' in out


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        (f"0 1 client {HELLO}", 0, "legal"),
        ("0 1 client 81 00", 1, "VIOLATION §5.1"),
        ("0 1 client 81 85 37", 1, "CUT OFF"),
        (f"0 1 client {HELLO} 88 80 37 fa 21 3d 81", 0, "1 byte not read, after the Close"),
    ],
)
def test_the_exit_status_shows_whether_all_was_legal_and_whole(replay, line, status, words):
    got, out, err = replay(START + line + "\n")
    assert (got, err) == (status, "") and words in out


def test_5_5_1_a_violation_counts_though_its_connection_has_ended(replay):
    assert (
        replay(START + "0 1 client 81 00\n1 1 client end\n1 1 server end\n2 2 server 81 00\n")[0]
        == 1
    )


def test_a_connection_that_was_opened_begins_with_its_handshake(replay):
    opened = "0 1 open client=- server=-\n"
    assert (
        "VIOLATION RFC 9112 §3.2"
        in replay(START + opened + f"0 1 client {b'POST / HTTP/1.1'.hex()} 0d 0a 0d 0a\n")[1]
    )


def test_a_bad_line_is_one_line_with_its_number_and_what_came_before_is_explained(replay):
    status, out, err = replay(START + f"0 1 client {HELLO}\n0 1 client 8\n")
    assert status == 2 and out.count("\n") == 1
    assert (
        err.count("\n") == 1
        and err.startswith("refws: ")
        and "line 3: " in err
        and "two digits for each" in err
    )


def test_a_last_line_that_is_cut_off_is_reported_and_the_rest_explained(replay):
    status, out, err = replay(START + f"0 1 client {HELLO}\n0.1 1 cli")
    assert (status, out.count("\n")) == (0, 1) and "last line of the tape is cut off" in err


def test_a_tape_that_is_not_there_is_one_line(capsys, tmp_path):
    assert program.main([str(tmp_path / "missing")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "give a tape that --record has written" in err


@pytest.mark.parametrize(
    "arguments", [[], ["--connection", "x", "tape"], ["--connection", "-1", "tape"], [""]]
)
def test_a_bad_command_line_is_one_line_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        program.main(arguments)
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and err.startswith("refws: ")


def test_a_dash_is_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{START}0 1 client {HELLO}\n".encode()))
    )
    assert program.main(["-"]) == 0
    assert '"Hello"' in capsys.readouterr().out


def test_an_interrupt_ends_it_without_a_word(monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "replay", interrupted)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert program.main(["-"]) == 1
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_reader_that_leaves_ends_it_without_a_traceback(tmp_path):
    (tmp_path / "tape").write_text(START + f"0 1 client {HELLO}\n" * 20_000)
    code = "import sys; from refws.commands.replay import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, str(tmp_path / "tape")]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1


# Captures


def test_pcap_writes_a_capture_and_explains_nothing(replay, tmp_path):
    tape = START + f"0 1 client {HELLO}\n0 2 client {HELLO}\n"
    path = tmp_path / "out.pcap"
    status, out, err = replay(tape, "--pcap", str(path), "--connection", "1")
    assert (status, err) == (0, "") and out.startswith(
        f"5 packets in {path.stat().st_size} bytes: "
    )
    assert (
        path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
        and path.read_bytes().count(bytes.fromhex(HELLO)) == 1
    )


def test_pcap_does_not_write_over_its_tape(replay, tmp_path):
    status, out, err = replay(START, "--pcap", str(tmp_path / "tape"))
    assert (status, out) == (2, "") and "give another file" in err
    assert (tmp_path / "tape").read_text() == START


def test_a_capture_that_cannot_be_written_is_one_line(replay, tmp_path):
    status, out, err = replay(START, "--pcap", str(tmp_path / "missing" / "x"))
    assert (
        (status, out) == (2, "")
        and err.count("\n") == 1
        and "cannot write" in err
        and "a directory of yours" in err
    )


# Captures of networks


@pytest.fixture
def replay_capture(tmp_path, capsys):
    """replay_capture(bytes, *options) gives the exit status, what was printed, and the errors."""

    def run(capture, *options):
        (tmp_path / "capture").write_bytes(capture)
        return program.main([str(tmp_path / "capture"), *options]), *capsys.readouterr()

    return run


SHORT_SESSION = (*SESSION[:5], *SESSION[-2:])


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_capture_is_explained_like_a_tape(replay_capture, make):
    status, out, err = replay_capture(make(ip_packets(SHORT_SESSION)))
    assert (status, err) == (0, "")
    assert out == (
        "#1 client 192.0.2.1:50000, server 192.0.2.2:8080\n"
        '#1       0.0 ms  -> "GET /chat HTTP/1.1"  legal\n'
        '#1       1.0 ms  <- "HTTP/1.1 101 Switching Protocols"  legal\n'
        '#1       2.0 ms  -> text FIN masked 5 "Hello"  legal\n'
        '#1       3.0 ms  <- text FIN 5 "Hello"  legal\n'
        "#1       6.0 ms  <- end of the stream\n"
        "#1       7.0 ms  -> end of the stream\n"
    )


def test_missing_bytes_are_a_line_and_what_follows_is_read_only_if_it_is_certain(replay_capture):
    packets = ip_packets()
    large = [index for index, (_, packet) in enumerate(packets) if len(packet) > 1000]
    status, out, err = replay_capture(pcap(packets[: large[1]] + packets[large[1] + 1 :]))
    assert status == 1 and "-> 1440 bytes missing" in out
    assert 'text FIN masked 5000 "xxx' in out and out.count('masked 5 "Hello"  legal') == 2
    assert "not judged" in out and "1440 bytes of WebSocket connections missing" in err
    status, out, err = replay_capture(pcap(packets[: large[0]] + packets[large[0] + 1 :]))
    assert status == 1 and "-> 1440 bytes missing" in out
    assert "not read, after missing bytes no start of a frame is known" in out
    assert "VIOLATION" not in out


def test_a_capture_without_a_websocket_connection_says_what_is_in_it(replay_capture):
    status, out, err = replay_capture(pcap([(0.0, bytes(60))], 1))
    assert (status, out) == (2, "")
    assert "no WebSocket connection in the capture: 1 packet, 1 of them not IP" in err


def test_a_damaged_capture_is_one_line_after_what_is_before_the_damage(replay_capture):
    capture = pcap(ip_packets(SHORT_SESSION)) + b"\xff" * 16
    status, out, err = replay_capture(capture)
    assert status == 2 and '"Hello"' in out
    assert "is a damaged capture, byte " in err and err.count("\n") == 1


def test_the_port_of_the_server_chooses_connections(replay_capture):
    packets = ip_packets(SHORT_SESSION)[7:]
    assert replay_capture(pcap(packets))[0] == 2
    status, out, err = replay_capture(pcap(packets), "--port", "8080")
    assert status == 0 and out.count('"Hello"') == 2 and "opened before the capture" in err


def test_compressed_messages_of_a_connection_that_was_open_before_are_no_violation(replay_capture):
    """RFC 7692 §6: whether RSV1 has a meaning was agreed on before the capture began."""
    compressed = frame(TEXT, bytes.fromhex("f2 48 cd c9 c9 07 00"), rsv=RSV1)
    chunks = [Chunk(0.0, 1, Side.CLIENT, compressed), Chunk(0.0, 1, Side.CLIENT, frame(TEXT, b"a"))]
    packets = ip_packets([SESSION[0], *chunks])[3:]
    status, out, err = replay_capture(pcap(packets), "--port", "8080")
    assert status == 0 and "VIOLATION" not in out
    assert "text FIN RSV1 masked 7: f2 48 cd c9 c9 07 00  not judged" in out and '"a"  legal' in out
    assert "RSV1 for compression that is not undone" in err


# The options of other commands


@pytest.fixture
def at_exit(monkeypatch, nothing_left_behind):
    """What the end of the process would do is done at the end of the test."""
    calls = []
    monkeypatch.setattr(atexit, "register", calls.append)
    yield
    for call in calls:
        call()


def parsed(*arguments):
    parser = CommandLine(prog="test", allow_abbrev=False)
    parser.add_argument("uri", nargs="?")
    add_trace_options(parser)
    return parser, parser.parse_args(arguments)


def chosen(*arguments, **options):
    """What `choose_trace` gives for these arguments."""
    return choose_trace(*parsed(*arguments), **options)


def test_without_options_only_the_page_traces_and_what_explains_is_not_imported():
    def page(connection):
        return None

    assert chosen() == [] and chosen(page=page) == [page]
    code = (
        "import sys; from refws.commands.options import CommandLine;"
        "from refws.commands.tracing import add_trace_options, choose_trace;"
        "parser = CommandLine(); add_trace_options(parser); assert choose_trace(parser, "
        "parser.parse_args([])) == [];"
        "print(*(name for name in sys.modules if name.startswith('refws.course.')))"
    )
    escapes = {"refws.course.text", "refws.course.text.characters"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=20
    )
    assert (set(done.stdout.split()) - escapes, done.stderr) == (set(), "")


@pytest.mark.parametrize(("argument", "trace"), [("--trace", "lines"), ("--trace=full", "full")])
def test_trace_takes_no_word_after_it(argument, trace):
    options = parsed(argument, "ws://127.0.0.1/")[1]
    assert (options.trace, options.uri) == (trace, "ws://127.0.0.1/")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--trace=loud"],
        ["--record"],
        ["--record="],
        ["--record-secrets"],
        ["--record-overwrite"],
    ],
)
def test_bad_trace_options_are_one_line_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        chosen(*arguments)
    err = capsys.readouterr().err
    assert (
        stop.value.code == 2 and err.count("\n") == 1 and err.startswith("refws: ") and "--" in err
    )


def test_a_tape_that_cannot_be_written_is_one_line_with_status_2(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        chosen("--record", str(tmp_path / "missing" / "tape"))
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1
    assert os.strerror(errno.ENOENT) in err and "a directory of yours" in err


def test_an_old_tape_is_replaced_only_if_asked_for(at_exit, serving, tmp_path, capsys):
    tape = tmp_path / "tape"
    tape.write_text("an old tape")
    with pytest.raises(SystemExit) as stop:
        chosen("--record", str(tape))
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and "--record-overwrite" in err
    assert tape.read_text() == "an old tape"
    trace = chosen("--record", str(tape), "--record-overwrite")
    assert tape.read_text() == "an old tape"
    serving(echo, trace=trace).open().finish()
    assert tape.read_text().startswith("refws tape 1, recorded ")


def test_an_empty_file_is_no_old_tape(at_exit, tmp_path):
    (tmp_path / "tape").touch()
    assert len(chosen("--record", str(tmp_path / "tape"))) == 1


def test_trace_without_a_standard_output_is_one_line_too(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as stop:
        chosen("--trace")
    assert stop.value.code == 2 and "standard output, which is closed" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "blocks"), [(["--trace"], False), (["--trace=full"], True)])
def test_trace_shows_on_standard_output(serving, capfd, arguments, blocks):
    client = serving(echo, trace=chosen(*arguments)).open()
    client.finish()
    out = capfd.readouterr().out
    assert "GET / HTTP/1.1" in out and ("|opcode |A|   length    |" in out) == blocks


@pytest.mark.parametrize("arguments", [["--trace"], ["--trace=full"]])
def test_a_show_of_the_caller_gets_single_lines(serving, arguments):
    shown = []
    serving(echo, trace=chosen(*arguments, show=shown.append)).open().finish()
    assert shown and not any("\n" in line for line in shown)


@pytest.mark.parametrize(("arguments", "secret"), [([], False), (["--record-secrets"], True)])
def test_record_writes_a_tape_with_secrets_only_if_asked_for(
    at_exit, serving, tmp_path, arguments, secret
):
    tape = tmp_path / "tape"
    serving(echo, trace=chosen("--record", str(tape), *arguments)).open(
        "/", "Cookie: s3cret"
    ).finish()
    assert (b"s3cret".hex(" ") in tape.read_text()) == secret


def test_the_page_gets_the_bytes_beside_trace_and_tape(at_exit, serving, tmp_path):
    seen, shown = [], []

    def page(connection):
        return lambda sender, data: seen.append(data)

    arguments = ["--trace", "--record", str(tmp_path / "tape")]
    serving(echo, trace=chosen(*arguments, show=shown.append, page=page)).open().finish()
    assert request() in seen and shown and "1 client" in (tmp_path / "tape").read_text()


def test_a_live_line_is_that_of_the_explainer(serving):
    shown = []
    client = serving(echo, trace=chosen("--trace", show=shown.append)).open()
    client.send(frame(TEXT, b"Hello"))
    client.expect(TEXT, b"Hello")
    [item] = Conversation(at_handshake=False).feed(Side.CLIENT, frame(TEXT, b"Hello"))
    assert TIME.sub("", shown[2]) == draw_line(item)
