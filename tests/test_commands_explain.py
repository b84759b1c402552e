"""`python3 -m refws explain` and `accept`: bytes given in every way, the exit status, and no
traceback ever.
"""

import io
import os
import re
import sys

import pytest

from refws.commands import accept, explain
from refws.course.paste import source
from refws.course.paste.source import Source
from refws.course.paste.values import Chunk
from wire import SAMPLE_ACCEPT, SAMPLE_KEY, TEXT, frame, request, response

MASKED_HELLO = "81 85 37 fa 21 3d 7f 9f 4d 51 58"
HELLO_LINE = '-> text FIN masked 5 "Hello"  legal\n'


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def run(capsys, monkeypatch):
    """run(*arguments, stdin=b"", command=explain) gives (exit status, stdout, stderr)."""

    def run(*arguments, stdin=b"", command=explain):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            status = command.main(list(arguments))
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


# Bytes in hex


@pytest.mark.parametrize(
    "arguments",
    [
        MASKED_HELLO.split(),
        [MASKED_HELLO],
        ["818537fa213d7f9f4d5158"],
        ["8185", "37FA213D", "7f9f4d5158"],
        ["81:85:37:fa:21:3d:7f:9f:4d:51:58"],
        ["0x81,0x85,0x37,0xfa,0x21,0x3d,0x7f,0x9f,0x4d,0x51,0x58"],
        [r"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"],
    ],
)
def test_hex_may_be_grouped_in_any_way(arguments, run):
    assert run("--brief", *arguments) == (0, HELLO_LINE, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["8g"],
            (
                r"line 1: 'g' in '8g' is no hex digit: give two digits, 0 to 9 and a to f, for "
                r"each byte"
            ),
        ),
        (["81", "5"], r"line 1: '5' has an odd number of digits, 1: give two for each byte"),
        (["é"], r"line 1: '\xe9' in '\xe9' is no hex digit"),
        (["\x1b[31m"], r"line 1: '\x1b' in '\x1b[31m' is no hex digit"),
        (["z" * 1000], "..."),
        ([], "no bytes to explain: give some in hex"),
        (["--file", os.devnull], "no bytes to explain: give some in hex"),
        (["--file", "/no/such/file"], "cannot read '/no/such/file', No such file or directory"),
        (["--file", "."], "cannot read '.', Is a directory"),
        (["--from", "nobody", "81"], "argument --from: invalid choice: 'nobody' (choose from "),
        (
            ["--deflate=x-foo", "81"],
            "extension 'x-foo' in the answer; expected only what the client offered",
        ),
        (
            ["--deflate", "permessage-deflate; client_max_window_bits=7", "81"],
            "client_max_window_bits",
        ),
        (["--unknown"], "--unknown"),
        (["--max-message-size", "x", "81"], "--max-message-size"),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(arguments, words, run):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert words in err and err.startswith("refws: ") and err.count("\n") == 1
    assert len(err) < 300 and err[:-1].isprintable()


def test_what_came_before_bad_hex_is_explained(run):
    status, out, err = run("--brief", stdin=MASKED_HELLO.encode() + b"\nzz\n")
    assert (status, out) == (2, HELLO_LINE)
    assert err.startswith("refws: line 2: 'z'")


def test_a_block_ends_with_the_verdict_and_an_empty_line(run):
    status, out, _ = run("--from", "client", *MASKED_HELLO.split())
    assert status == 0
    assert out.startswith(
        "read as: hex, 11 bytes\n\nclient -> server, byte 0: text frame, 5 bytes of payload\n"
    )
    assert out.endswith(" LEGAL           no rule is broken\n\n")


# The exit status


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["81 05 48 65 6c 6c 6f"], 0),
        (["01 03 48 65 6c", "80 02 6c 6f"], 0),
        (["81 05 48 65 6c"], 1),
        (["81"], 1),
        (["82 7f 00 00 01 00 00 00 00 00 01 02 03"], 1),
        (["83 00"], 1),
        (["83 00", "81 05 48 65 6c 6c 6f"], 1),
        (["--from", "client", "81 05 48 65 6c 6c 6f"], 1),
        (["--max-message-size", "4", "82 05 48 65 6c 6c 6f"], 1),
        (["--max-fragments", "1", "01 00 80 00"], 1),
    ],
)
def test_the_exit_status_shows_whether_all_is_legal(arguments, status, run):
    assert run(*arguments)[::2] == (status, "")
    assert run("--brief", *arguments)[::2] == (status, "")


def test_a_terabyte_is_announced_in_words(run):
    _, out, _ = run("82 7f 00 00 01 00 00 00 00 00 01 02 03")
    assert "the header announces 1099511627776 bytes of payload, 3 are here" in " ".join(
        out.split()
    )


def test_several_frames_share_their_state(run):
    _, out, _ = run("01 03 48 65 6c", "80 02 6c 6f")
    assert " before          OPEN, a text message open (1 frame, 3 bytes)\n" in out


def test_stop_reads_nothing_after_a_violation(run):
    assert run("--stop", "--brief", "83 00 81 00") == (
        1,
        (
            "<- reserved 0x3 FIN 0  VIOLATION §5.2: reserved opcode 0x3\n"
            "<- 2 bytes not read, after the failure: a receiver reads nothing more (§7.1.7)\n"
        ),
        "",
    )


# Who sent it


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (
            bytes.fromhex(MASKED_HELLO),
            "From the client, because the first frame is masked; --from says otherwise.\n\n",
        ),
        (
            b"\x81\x00",
            "From the server, because the first frame is not masked; --from says otherwise.\n\n",
        ),
        (
            request(),
            "From the client, because it begins with a request; --from says otherwise.\n\n",
        ),
        (
            b"HTTP/1.1 101 A\r\n",
            "From the server, because it begins with a response; --from says otherwise.\n\n",
        ),
        (b"\x81", "From the client, because nothing shows the sender; --from says otherwise.\n\n"),
    ],
)
def test_the_sender_shows_in_the_first_bytes(wire, words, run):
    count = "1 byte" if len(wire) == 1 else f"{len(wire)} bytes"
    lines = "\n".join(f"{byte:02x}" for byte in wire).encode()
    assert run(wire.hex())[1].startswith(f"read as: hex, {count}\n\n{words}")
    assert run(stdin=lines)[1].startswith(f"read as: hex, line by line\n\n{words}")


def test_from_decides(run):
    assert "an unmasked frame from the client" in run("--from", "client", "81 00")[1]
    assert "a masked frame from the server" in run("--from", "server", MASKED_HELLO)[1]


# Compression


def test_deflate_is_alone_or_has_parameters(run):
    compressed = ["c1", "07", "f2", "48", "cd", "c9", "c9", "07", "00"]
    line = '<- text FIN RSV1 7 "Hello"  legal\n'
    assert run("--brief", "--deflate", *compressed)[1] == line
    assert run("--brief", *compressed, "--deflate")[1] == line
    assert (
        run("--brief", "--deflate", "permessage-deflate; server_max_window_bits=10", *compressed)[1]
        == line
    )
    again = ["c1 05 f2 00 11 00 00"]
    assert run("--deflate", *compressed, *again)[0] == 0
    assert (
        run("--deflate", "permessage-deflate; server_no_context_takeover", *compressed, *again)[0]
        == 1
    )
    assert run(*compressed)[0] == 1


# Files and standard input


def test_files_are_bytes_or_hex_text(run, tmp_path):
    wire, tape = bytes.fromhex(MASKED_HELLO), tmp_path / "tape"
    for data in (wire, MASKED_HELLO.encode(), b"81:85\n37fa213d\n\n7f9f 4d5158\n"):
        tape.write_bytes(data)
        assert run("--brief", "--file", str(tape)) == (0, HELLO_LINE, "")
        assert run("--brief", "--file", "-", stdin=data) == (0, HELLO_LINE, "")


def test_hex_forces_text_with_comments(run, tmp_path):
    tape = tmp_path / "tape"
    tape.write_text("# a frame, masked\n81 85 37 fa 21 3d  # header, key\n7f 9f 4d 51 58\n")
    assert run("--brief", "--hex", "--file", str(tape)) == (0, HELLO_LINE, "")
    tape.write_text("81 85 é")
    status, _, err = run("--hex", "--file", str(tape))
    assert status == 2 and err.startswith("refws: line 1: ")


def test_text_says_how_it_is_read_and_raw_bytes_do_not_in_brief(run, tmp_path):
    dump, pasted = b"00000000: 8105 4865 6c6c 6f  ..Hello\n", tmp_path / "pasted"
    line = '<- text FIN 5 "Hello"  legal\n'
    said = f"read as: xxd hex dump, 1 line\n{line}"
    assert run("--brief", stdin=dump) == (0, said, "")
    assert run("--brief", dump.decode()) == (0, said, "")
    for data in (dump, b"\xef\xbb\xbf" + dump, dump.decode().encode("utf-16")):
        pasted.write_bytes(data)
        assert run("--brief", "--file", str(pasted)) == (0, said, "")
    pasted.write_bytes(bytes.fromhex("810548656c6c6f"))
    assert run("--brief", "--file", str(pasted)) == (0, line, "")
    assert run("--file", str(pasted))[1].startswith("read as: raw bytes\n\nFrom the server")


def test_another_reading_is_said_and_form_forces_it(run):
    status, out, _ = run("--brief", "0000 81 05 48 65 6c 6c 6f")
    assert status == 0
    assert out.splitlines() == [
        "read as: Wireshark hex dump, 1 line",
        "  note: it can also be read as hex, 9 bytes: --form hex",
        '<- text FIN 5 "Hello"  legal',
    ]
    _, out, _ = run("--brief", "--form", "hex", "0000 81 05 48 65 6c 6c 6f")
    assert out.startswith("<- continuation 0 ")
    assert run("--form", "xxd", "Hello")[0] == 2
    status, _, err = run("--form", "nonsense", "81 05")
    assert status == 2 and "--form" in err


@pytest.mark.parametrize("line", ["10 20 30", "81 5 48 6c", "0008   20", "81 05 ..."])
def test_a_line_of_standard_input_that_may_mean_something_else_is_said(line, run):
    assert "note: " in run("--brief", line)[1] or "cut off: " in run("--brief", line)[1]
    assert run("--brief", stdin=line.encode()) == run("--brief", line)


def test_what_the_text_leaves_out_is_the_last_line_and_status_1(run):
    status, out, _ = run("--brief", "<Buffer 81 05 48 65 6c 6c 6f ... 3 more bytes>")
    assert status == 1
    assert out.splitlines() == [
        "read as: Node's <Buffer>, 7 bytes",
        '<- text FIN 5 "Hello"  legal',
        "cut off: the text leaves out 3 more bytes",
    ]


def test_both_heads_of_a_file_go_to_their_senders_and_the_accept_is_checked(run, tmp_path):
    heads, tape = request() + response(SAMPLE_KEY), tmp_path / "tape"
    tape.write_bytes(heads + frame(TEXT, b"Hello", masked=False))
    status, out, _ = run("--brief", "--file", str(tape))
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["->", "<-", "<-"]
    tape.write_bytes(heads)  # all of it is text
    wrong = heads.replace(SAMPLE_ACCEPT.encode(), b"x" * 28)
    assert run("--brief", "--file", str(tape))[0] == 0
    tape.write_bytes(wrong)
    assert "item 4" in run("--brief", "--file", str(tape))[1]
    assert run("--from", "client", "--form", "raw", "--file", str(tape))[0] == 1


def test_a_log_with_raw_bytes_in_it_is_a_log(run, tmp_path):
    log = tmp_path / "log"
    lines = b"".join(b"> " + line + b"\r\n" for line in request().split(b"\r\n")[:-1])
    log.write_bytes(b"* Connected\n" + lines + b"{ [7 bytes data]\n\x81\x05Hello")
    status, out, _ = run("--brief", "--file", str(log))
    assert status == 0 and out.startswith("read as: curl -v, HTTP request\n")
    assert "1 other line not read" in out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"refws tape 1, recorded ...\n", "this is a tape: give it to python3 -m refws replay"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (b"Hello\n", "no other form fits either: see --help, or --form raw for the text itself"),
    ],
)
def test_other_files_are_refused_by_name(data, words, run, tmp_path):
    given = tmp_path / "given"
    given.write_bytes(data)
    for arguments in ((), ("--file", str(given))):
        status, out, err = run(*arguments, stdin=data)
        assert (status, out) == (2, "") and words in err and err.count("\n") == 1


def test_form_raw_takes_the_characters_themselves(run, tmp_path):
    given = tmp_path / "given"
    given.write_bytes(b"Hello\n")
    for arguments in (("--file", str(given)), ("Hello\n",)):
        status, out, _ = run("--form", "raw", *arguments)
        assert status == 1 and "sent without a frame around it" in out


def test_binary_standard_input_is_refused_with_the_option_to_read_it(run):
    status, _, err = run(stdin=b"81 05\n\x81\x05Hello")
    assert status == 2 and "line 2" in err


def test_negative_numbers_are_no_options(run):
    expected = (
        "read as: decimal numbers, 7 bytes\n  note: -127 is the byte 81: two's complement\n"
        '<- text FIN 5 "Hello"  legal\n'
    )
    numbers = "-127 5 72 101 108 108 111"
    assert run("--brief", *numbers.split())[1] == expected
    assert run("--brief", numbers.replace(" ", ","))[1] == expected


def test_a_long_file_is_read_in_chunks(run, tmp_path):
    tape = tmp_path / "tape"
    tape.write_bytes(request() + frame(TEXT, b"x" * 300_000) + frame(TEXT, b"Hello"))
    status, out, _ = run("--brief", "--file", str(tape))
    assert status == 0
    assert out.splitlines()[-1] + "\n" == HELLO_LINE


def test_lines_of_standard_input_are_explained_as_they_arrive(run):
    for arguments in ((), ("-",)):
        lines = b"81 85 37 fa 21 3d\n7f 9f 4d 51\n58\n"
        assert run("--brief", *arguments, stdin=lines) == (0, HELLO_LINE, "")
    status, _, err = run(stdin=b"\xff\xfe\n")
    assert status == 2 and err.startswith("refws: line 1: ")


def test_on_a_terminal_it_says_what_to_type(run, monkeypatch, capsys):
    class Typed(io.TextIOWrapper):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Typed(io.BytesIO(b"89 00\n")))
    assert explain.main(["--brief"]) == 0
    assert capsys.readouterr() == (
        "<- ping FIN 0  legal\n",
        "Paste bytes in any form; Ctrl-D ends.\n",
    )


def test_ctrl_c_ends_with_what_is_there(monkeypatch, capsys):
    def interrupted():
        yield Chunk(b"\x81")
        raise KeyboardInterrupt

    def from_text(text, form):
        return Source("hex", "hex, line by line", interrupted())

    monkeypatch.setattr(source, "from_text", from_text)
    assert explain.main(["--brief", "--from", "server", "81"]) == 1
    assert "CUT OFF" in capsys.readouterr().out


# The terminal


def test_colours_on_a_terminal_only_and_not_with_no_color(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m" in on_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b" in on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_terminal(monkeypatch)


def on_terminal(monkeypatch, *arguments):
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        explain.main([*arguments] or MASKED_HELLO.split())
    return terminal.getvalue()


def test_a_narrow_terminal_gets_narrow_lines_broken_at_words(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    block = on_terminal(monkeypatch)
    assert max(map(len, block.splitlines())) <= 40
    assert " masking key: 37 fa 21 3d: XORed with\n    the payload, byte by byte" in block
    brief = on_terminal(monkeypatch, "--brief", "--from", "server", "8a 80 00 00 00 00")
    assert brief.splitlines()[0] == "<- pong FIN masked 0  VIOLATION §5.1: a"
    assert "hint: a server must not mask" in brief.replace("\n   ", "")


def test_brief_says_the_whole_rule_and_the_hint_in_one_line_of_a_pipe(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    line = run("--brief", "--from", "server", "8a 80 00 00 00 00")[1]
    assert line.count("\n") == 1 and len(line) > 80
    assert "VIOLATION §5.1: a masked frame from the server; hint: a server must not mask" in line


def test_a_pipe_gets_no_colours(run):
    assert "\x1b" not in run(MASKED_HELLO)[1]


def test_an_encoding_without_the_section_sign_is_no_error(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        assert explain.main(["83 00"]) == 1
        stream.flush()
    assert rb"\xa75.2" in stream.buffer.getvalue()


def test_a_reader_that_stops_reading_is_no_error(tmp_path, monkeypatch):
    class Broken(io.StringIO):
        def __init__(self, file):
            super().__init__()
            self.file = file

        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return self.file.fileno()

    with open(tmp_path / "out", "w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken(file))
        assert explain.main(["89 00"]) == 0


def test_the_help_shows_examples_that_work(run):
    status, out, _ = run("--help")
    assert status == 0
    examples = re.findall(r"python3 -m refws explain ([^\n]*[0-9a-f]{2})\n", out)
    assert len(examples) == 2
    for example in examples:
        assert run(*example.split())[0] == 0


# accept


def test_4_2_2_the_computation_step_by_step(run):
    assert run(SAMPLE_KEY, command=accept) == (
        0,
        (
            " §4.2.2 item 5.4 Sec-WebSocket-Accept from Sec-WebSocket-Key:\n"
            " key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11\n"
            " SHA-1           b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea\n"
            " in base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
        ),
        "",
    )
    assert run(SAMPLE_KEY, SAMPLE_ACCEPT, command=accept)[0] == 0


def test_4_2_1_a_wrong_key_is_reported_and_computed_all_the_same(run):
    status, out, err = run("YWJj", command=accept)
    assert (status, err) == (1, "")
    assert " in base64 " in out
    assert out.endswith(
        "wrong key, §4.2.1 item 5: it decodes to 3 bytes; take 16 random bytes in base64\n"
    )
    status, out, _ = run("ключ\x1b", command=accept)
    assert status == 1 and out.count("\n") == 1 and "\x1b" not in out and "is not ASCII" in out


def test_4_1_a_wrong_accept_is_reported_with_its_mistake(run):
    status, out, _ = run(SAMPLE_KEY, "b37a4f2cc0624f1690f64606cf385945b2bec4ea", command=accept)
    assert status == 1
    assert "wrong Accept, §4.1 response item 4" in out and "SHA-1 in hexadecimal" in out
    status, out, _ = run(SAMPLE_KEY, "\x1b[2J", command=accept)
    assert status == 1 and out.endswith('wrong Accept, §4.1 response item 4: "\\x1b[2J"\n')


def test_accept_takes_whole_lines_and_says_so(run):
    key, accepted = f"Sec-WebSocket-Key: {SAMPLE_KEY}", f"sec-websocket-accept:{SAMPLE_ACCEPT}\r"
    status, out, _ = run(key, accepted, command=accept)
    assert status == 0
    assert out.splitlines()[:2] == [
        " the whole line: the value of Sec-WebSocket-Key is taken",
        " the whole line: the value of Sec-WebSocket-Accept is taken",
    ]
    assert run(key, "Sec-WebSocket-Accept: x", command=accept)[0] == 1


@pytest.mark.parametrize(
    "given", [f" {SAMPLE_ACCEPT}", f"{SAMPLE_ACCEPT}\r\n", f'"{SAMPLE_ACCEPT}"']
)
def test_4_1_an_accept_with_something_around_it_is_wrong(given, run):
    status, out, _ = run(SAMPLE_KEY, given, command=accept)
    assert status == 1 and out.endswith(", with something around it: send the value alone\n")


def test_4_1_an_empty_accept_is_wrong(run):
    status, out, _ = run(SAMPLE_KEY, "", command=accept)
    assert status == 1 and out.endswith('wrong Accept, §4.1 response item 4: ""\n')


@pytest.mark.parametrize("around", ['"{}"', "b'{}'", "'{}',", "“{}”", '"sec-websocket-key": "{}",'])
def test_the_quotation_marks_around_a_key_are_no_part_of_it(around, run):
    status, out, _ = run(around.format(SAMPLE_KEY), SAMPLE_ACCEPT, command=accept)
    assert status == 0 and " the quotation marks: the key inside them is taken" in out


def test_accept_without_a_key_is_a_bad_command_line(run):
    status, out, err = run(command=accept)
    assert (status, out) == (2, "") and err.startswith("refws: ") and "KEY" in err
