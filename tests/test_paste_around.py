"""refws/course/paste: what loggers, shells, web pages and Markdown put around the bytes.

The bytes are the unmasked "Hello" of RFC 6455 §5.7, or 32 bytes in two lines of a dump.
"""

import pytest

from refws.course.paste.table import read
from refws.course.paste.values import BadPaste

HELLO = b"\x81\x05Hello"
TWO_LINES = b"\x82\x1e" + bytes(range(0x41, 0x5F))
DUMP = (
    "00000000  82 1e 41 42 43 44 45 46  47 48 49 4a 4b 4c 4d 4e  |..ABCDEFGHIJKLMN|\n"
    "00000010  4f 50 51 52 53 54 55 56  57 58 59 5a 5b 5c 5d 5e  |OPQRSTUVWXYZ[\\]^|\n"
    "00000020\n"
)

LOGGERS = [
    "Jan 02 15:04:05 host ws[123]: ",
    "<14>Jan  2 15:04:05 host ws: ",
    "<14>1 2023-01-01T12:00:00.000Z host ws 123 - - ",
    "2023-01-02T15:04:05+0100 host ws[123]: ",  # journalctl -o short-iso
    "ws-server_1  | ",  # docker compose
    "ws-server-1  | 2023-01-02T15:04:05.123456789Z ",
    "2023-01-02T15:04:05.123456789Z ",  # docker logs -t
    "[pod/ws-5d8/server] ",  # kubectl logs --prefix
    "2023-01-02T15:04:05.123456789Z stdout F ",  # containerd
    "2023-01-02T15:04:05.123456+00:00 app[web.1]: ",  # Heroku
    "DEBUG:root:",  # logging.basicConfig of Python
    "2023-01-02 15:04:05,123 - ws - DEBUG - ",
    "2023-01-02 15:04:05,123 [DEBUG] ws.server: ",
    "2023-01-02 15:04:05,123 DEBUG [main] com.example.Client - ",  # Log4j
    "2023-05-04 10:11:12.345 DEBUG 1234 --- [nio-8080-exec-1] o.a.t.w.server.WsFrame : ",  # Spring
    "[2023-01-01T12:00:00Z TRACE ws::frame] ",  # env_logger of Rust
    "2023-01-01T12:00:00.123456Z TRACE ws::frame: ",  # tracing of Rust
    "2023/01/02 15:04:05 main.go:42: ",  # log.Lshortfile of Go
    "I0102 15:04:05.123456   12345 ws.cc:42] ",  # glog
    "01-02 15:04:05.123  1234  5678 D WebSocket: ",  # logcat
    "D/WebSocket ( 1234): ",  # logcat -v brief
    "2023-01-02 15:04:05.123 App[123:456] ",  # NSLog
    "[    1.234567] ",  # dmesg
    "[    1.234567] ws frame: ",  # print_hex_dump of Linux
    "[00:00:01.234,000] <dbg> ws: recv: ",  # Zephyr
    "15:04:05.123 > ",  # the monitor of PlatformIO
    "> > ",  # an answer to an answer, by mail
]


def after(prefix, text):
    return "".join(prefix + line + "\n" for line in text.splitlines())


@pytest.mark.parametrize("prefix", LOGGERS)
def test_what_a_logger_puts_in_front_of_each_line_of_a_dump_is_left_out(prefix):
    pasted = read(after(prefix, DUMP))
    assert (pasted.form, pasted.data) == ("dump", TWO_LINES)
    assert prefix.startswith(">") or any(
        note.startswith("left out in front of each line: ") for note in pasted.notes
    )


@pytest.mark.parametrize("prefix", LOGGERS)
@pytest.mark.parametrize(
    ("text", "form"),
    [("81 05 48 65 6c 6c 6f", "hex"), ("[129, 5, 72, 101, 108, 108, 111]", "array")],
)
def test_what_a_logger_puts_in_front_of_one_line_is_left_out(prefix, text, form):
    pasted = read(prefix + text)
    assert (pasted.form, pasted.data) == (form, HELLO)


def test_a_time_alone_may_be_bytes():
    assert read("15:04:05 81 05").data == b"\x15\x04\x05\x81\x05"


def test_a_prefix_that_one_line_has_not_is_no_prefix():
    with pytest.raises(BadPaste, match="'h' in 'host' is no hex digit"):
        read("host | 81 05\n48 65 6c 6c 6f\n")


# Lines that were typed


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("$ xxd frame.bin\n00000000: 8105 4865 6c6c 6f  ..Hello\n", "dump"),
        ("alice@host:~/ws$ od -An -tu1 f\n 129   5  72 101 108 108 111\n", "decimal"),
        ("PS C:\\> $frame\n129\n5\n72\n101\n108\n108\n111\n", "decimal"),
        (">>> sock.recv(1024)\nb'\\x81\\x05Hello'\n", "string"),
        ("In [3]: frame.hex(' ')\nOut[3]: '81 05 48 65 6c 6c 6f'\n", "hex"),
        ('irb(main):001:0> s.recv(100)\n=> "\\x81\\x05Hello"\n', "string"),
        ("iex(1)> <<129, 5, \"Hello\">>\n<<129, 5, 72, 101, 108, 108, 111>>\n", "erlang"),
        ("(gdb) p buf\n$1 = {0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f}\n", "array"),
    ],
)  # fmt: skip
def test_what_was_typed_is_left_out_and_that_is_said(text, form):
    pasted = read(text)
    assert (pasted.form, pasted.data) == (form, HELLO)
    assert any(note.startswith("left out, because it was typed: ") for note in pasted.notes)


def test_what_was_typed_is_read_if_nothing_else_has_bytes():
    assert read(">>> ws.send(b'\\x81\\x05Hello')\n7\n").data == HELLO


# Pages and prose


@pytest.mark.parametrize(
    "text",
    [
        "81 05 48<br>65 6c 6c 6f<br>",
        "I get `b'\\x81\\x05Hello'` from recv",
        "The frame is `<<129, 5, 72, 101, 108, 108, 111>>`. Why is it refused?",
        "why does `0x81 0x05 0x48 0x65 0x6c 0x6c 0x6f` fail",
        "const frame = `\\x81\\x05Hello`;",
    ],
)
def test_tags_and_prose_around_the_bytes_are_no_bytes(text):
    assert read(text).data == HELLO


def test_a_grave_accent_in_a_column_of_characters_is_no_code():
    data = b"\x81\x06`8105`"
    assert read(f"00000000  {data.hex(' ')}  |..`8105`|\n").data == data
