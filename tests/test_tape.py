"""Tapes: what is recorded is read again byte for byte, secrets are not on them, and no forged line
gets through.
"""

import errno
import io
import os
import random
import re
import stat

import pytest

from refws.course.explain.handshake import is_secret
from refws.course.record.recorder import Recorder
from refws.course.record.redaction import MAX_NAME, Redactor
from refws.course.record.tape import Address, Chunk, Opened
from refws.course.record.tape_reader import MAX_LINE, BadTape, TapeReader
from refws.protocol.frame import Side
from wire import BINARY, CLOSE, TEXT, close_body, eventually, frame, request

START = "refws tape 1\n"


def echo(connection):
    for message in connection:
        connection.send(message)


def read(text):
    """The entries of a tape, and whether its last line was cut off."""
    reader = TapeReader(io.BytesIO(text if isinstance(text, bytes) else text.encode()))
    return list(reader), reader.cut_off


def read_file(path):
    return read(path.read_bytes())[0]


def sent(entries, connection, sender):
    return b"".join(
        entry.data
        for entry in entries
        if isinstance(entry, Chunk) and (entry.connection, entry.sender) == (connection, sender)
    )


@pytest.fixture
def recorder(tmp_path):
    """recorder(**options) records to `tape` in the directory of the test."""
    made = []

    def make(**options):
        made.append(Recorder(str(tmp_path / "tape"), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


# Recording


def test_a_tape_has_every_byte_of_both_sides_and_both_ends(serving, recorder, tmp_path):
    running = serving(echo, trace=recorder().choose)
    client = running.connect()
    data = [request(), frame(TEXT, b"Hello"), frame(BINARY, bytes(100_000))]
    client.send(*data)
    assert client.receive_head()[0] == 101
    client.expect(TEXT, b"Hello")
    client.expect(BINARY, bytes(100_000))
    client.finish()
    host, port = client.sock.getsockname()
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    entries = read_file(tmp_path / "tape")
    assert entries[0] == Opened(
        entries[0].seconds, 1, Address(host, port), Address(*running.address)
    )
    assert sent(entries, 1, Side.CLIENT) == b"".join(data) + frame(CLOSE, close_body(1000))
    answer = sent(entries, 1, Side.SERVER).partition(b"\r\n\r\n")[2]
    frames = [
        frame(TEXT, b"Hello", masked=0),
        frame(BINARY, bytes(100_000), masked=0),
        frame(CLOSE, close_body(1000), masked=0),
    ]
    assert answer == b"".join(frames)
    ends = [entry.sender for entry in entries if isinstance(entry, Chunk) and not entry.data]
    assert ends == [Side.SERVER, Side.CLIENT]
    assert [entry.seconds for entry in entries] == sorted(entry.seconds for entry in entries)


def test_connections_have_numbers_of_their_own(serving, recorder, tmp_path):
    running = serving(echo, trace=recorder().choose)
    one, two = running.open(), running.open()
    two.send_frame(TEXT, b"two")
    two.expect(TEXT, b"two")
    one.send_frame(TEXT, b"one")
    one.expect(TEXT, b"one")
    entries = read_file(tmp_path / "tape")
    assert sent(entries, 1, Side.CLIENT).endswith(frame(TEXT, b"one"))
    assert sent(entries, 2, Side.CLIENT).endswith(frame(TEXT, b"two"))


@pytest.mark.parametrize("side", Side)
def test_who_is_client_and_who_server_is_written_down_for_both_sides(
    opened, recorder, tmp_path, side
):
    connection, _ = opened(side=side)
    connection.trace = recorder().choose(connection)
    connection.ping(b"mine")
    own, other = Address("192.0.2.2", 80), Address("192.0.2.1", 5)
    entry, chunk = read_file(tmp_path / "tape")
    assert (entry.client, entry.server) == ((own, other) if side is Side.CLIENT else (other, own))
    assert chunk.sender is side and chunk.data[:1] == b"\x89"


def test_each_line_is_on_the_tape_before_the_next_byte_is_dealt_with(opened, recorder, tmp_path):
    connection, peer = opened()
    connection.trace = recorder().choose(connection)
    connection.send("written before it leaves")
    peer.expect(TEXT, b"written before it leaves")
    assert sent(read_file(tmp_path / "tape"), 1, Side.SERVER) == b"\x81\x18written before it leaves"


def test_bytes_after_the_end_of_a_direction_never_left_and_are_not_recorded(
    opened, recorder, tmp_path
):
    trace = recorder().choose(opened()[0])
    for data in (b"\x81\x00", b"", b"\x81\x01x", b""):
        trace(Side.SERVER, data)
    assert [chunk.data for chunk in read_file(tmp_path / "tape")[1:]] == [b"\x81\x00", b""]


def test_a_unix_socket_has_no_address(opened, recorder, tmp_path):
    connection, _ = opened()
    connection.remote_address, connection.local_address = "", "/tmp/a socket\n0 1 client end"
    recorder().choose(connection)
    [entry] = read_file(tmp_path / "tape")
    assert (entry.client, entry.server) == (None, None)


def test_addresses_of_ipv6_are_read_again_without_their_zone(opened, recorder, tmp_path):
    connection, _ = opened()
    connection.remote_address, connection.local_address = (
        ("fe80::1%eth0", 5, 0, 2),
        ("::1", 80, 0, 0),
    )
    recorder().choose(connection)
    [entry] = read_file(tmp_path / "tape")
    assert (entry.client, entry.server) == (Address("fe80::1", 5), Address("::1", 80))
    assert str(entry.server) == "[::1]:80"


def test_a_tape_is_for_its_owner_alone(recorder, tmp_path):
    recorder()
    assert stat.S_IMODE((tmp_path / "tape").stat().st_mode) == 0o600 or os.name == "nt"


def test_an_old_tape_is_kept_until_the_first_connection_takes_its_place(opened, recorder, tmp_path):
    (tmp_path / "tape").write_text("an old tape")
    new = recorder()
    assert (tmp_path / "tape").read_text() == "an old tape"
    new.choose(opened()[0])
    assert len(read_file(tmp_path / "tape")) == 1


def test_a_tape_that_cannot_be_opened_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Recorder(str(tmp_path / "missing" / "tape"))


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no disk that is always full"
)
def test_a_full_disk_ends_the_recording_with_one_line_in_the_log_and_the_server_lives_on(
    serving, log
):
    recorder = Recorder("/dev/full")
    running = serving(echo, trace=recorder.choose)
    for text in (b"one", b"two"):
        client = running.open()
        client.send_frame(TEXT, text)
        client.expect(TEXT, text)
        client.finish()
    warnings = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    assert (
        len(warnings) == 1
        and os.strerror(errno.ENOSPC) in warnings[0]
        and "/dev/full" in warnings[0]
    )


class ShortWrites(io.RawIOBase):
    """A disk that takes ten bytes at a time, and `room` in all."""

    def __init__(self, room):
        self.taken, self.room = b"", room

    def write(self, data):
        if len(self.taken) >= self.room:
            raise OSError(errno.ENOSPC, "no space left on device")
        self.taken += bytes(data[: min(10, self.room - len(self.taken))])
        return min(10, len(data))


@pytest.mark.parametrize("room", [170, 175, 10_000])
def test_a_disk_that_takes_a_part_of_a_line_gets_the_rest_until_it_is_full(
    opened, recorder, log, room
):
    """Whatever was written by then, all but the last line can be read."""
    recording = recorder()
    recording._file.close()
    recording._file = disk = ShortWrites(room)
    trace = recording.choose(opened()[0])
    for _ in range(5):
        trace(Side.CLIENT, b"\x81\x00")
    entries, _ = read(disk.taken)
    written = disk.taken.count(b"\n")
    assert len(entries) in (written - 1, written)
    assert ("has ended" in log.text) == (room < 10_000)
    assert (written == 7) == (room == 10_000)


# Secrets


HEAD = (
    b"GET /chat?token=s3cret&x=1 HTTP/1.1\r\nHost: example.com\r\nCookie: id=s3cret; b=s3cret\r\n"
    b"authorization:Basic s3cret\r\nX-Api-Key : s3cret\r\nX-Long: kept\r\n  kept "
    b"too\r\nPROXY-AUTHORIZATION: s3cret\r\n"
    b"\ts3cret folded\r\nReferer: https://example.com/?s3cret\r\nSec-WebSocket-Key: "
    b"dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
REDACTED = (
    b"GET /chat?**************** HTTP/1.1\r\nHost: example.com\r\nCookie: ********** ********\r\n"
    b"authorization:***** ******\r\nX-Api-Key : ******\r\nX-Long: kept\r\n  kept "
    b"too\r\nPROXY-AUTHORIZATION: ******\r\n"
    b"\t****** ******\r\nReferer: ***************************\r\nSec-WebSocket-Key: "
    b"dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
FRAMES = b"\x81\x0fCookie: s3cret?\x81\x00"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_secrets_of_a_request_become_stars_however_it_is_cut_and_frames_stay(size):
    redactor = Redactor(Side.CLIENT)
    data = HEAD + FRAMES
    out = [redactor.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert b"".join(out) + redactor.finish() == REDACTED + FRAMES


def test_a_request_cut_off_anywhere_tells_no_secret_and_keeps_its_length():
    for end in range(len(HEAD)):
        redactor = Redactor(Side.CLIENT)
        assert redactor.feed(HEAD[:end]) + redactor.finish() == REDACTED[:end]


@pytest.mark.parametrize("size", [1, 1000])
def test_secrets_of_each_response_become_stars(size):
    early = b"HTTP/1.1 103 So early? Yes\r\nSet-Cookie: a=b\r\n\r\n"
    final = b"HTTP/1.1 101 Why? Why not\nSet-Cookie: c\r\nset-cookie2: d\r\nX: y\r\n\r\n"
    redactor = Redactor(Side.SERVER)
    data = early + final + FRAMES
    out = b"".join(redactor.feed(data[start : start + size]) for start in range(0, len(data), size))
    assert (
        out
        == early.replace(b"a=b", b"***")
        + final.replace(b" c", b" *").replace(b" d", b" *")
        + FRAMES
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01 a TLS ClientHello without a line end",
        b"POST / HTTP/1.1\r\nno colon in this line\r\n\r\n?body",
        b"\r\n\r\nGET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x" * (MAX_NAME + 10) + b"cookie: is no name\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGo on: here",
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_has_no_secret_stays_as_it_is(data, size):
    redactor = Redactor(Side.CLIENT)
    out = [redactor.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert b"".join(out) + redactor.finish() == data


def test_an_empty_line_before_the_request_line_does_not_hide_its_query():
    assert (
        Redactor(Side.CLIENT).feed(b"\r\nGET /?secret HTTP/1.1\r\n")
        == b"\r\nGET /?****** HTTP/1.1\r\n"
    )


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "line, shown",
    [
        (b"GET /?a=b c HTTP/1.1", b"GET /?*** * HTTP/1.1"),
        (b"GET /?a HTTX HT HTTP/1.1", b"GET /?* **** ** HTTP/1.1"),
        (b"GET /?a b", b"GET /?* *"),
        (b"GET /? HTTP/1.1", b"GET /? HTTP/1.1"),
        (b"GET /a#b=c HTTP/1.1", b"GET /a#*** HTTP/1.1"),
        (b"GET /a#b?c HTTP/1.1", b"GET /a#*** HTTP/1.1"),
    ],
)
def test_a_malformed_target_tells_no_secret_either(line, shown, size):
    redactor, data = Redactor(Side.CLIENT), line + b"\r\nCookie: d\r\n\r\n"
    out = [redactor.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert b"".join(out) + redactor.finish() == shown + b"\r\nCookie: *\r\n\r\n"


def test_a_second_request_is_a_head_too():
    one = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    two = b"GET /?a HTTP/1.1\r\nCookie: b\r\n\r\n"
    assert Redactor(Side.CLIENT).feed(one + two) == one + two.replace(b"?a", b"?*").replace(
        b": b", b": *"
    )


def test_a_query_may_end_the_line():
    assert Redactor(Side.CLIENT).feed(b"GET /?a\nCookie: b\n\nc") == b"GET /?*\nCookie: *\n\nc"


def test_what_is_redacted_does_not_hang_on_how_the_bytes_are_cut():
    chance = random.Random(7692)
    for _ in range(2000):
        data = bytearray(chance.choice([HEAD, HEAD + HEAD, b"HTTP/1.1 101 ? x" + HEAD]))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.choice(b"\r\n\t :?GH\x81\xff")
        cut, sender = chance.randrange(len(data)), chance.choice(list(Side))
        whole, pieces = Redactor(sender), Redactor(sender)
        at_once = whole.feed(bytes(data)) + whole.finish()
        assert (
            pieces.feed(bytes(data[:cut])) + pieces.feed(bytes(data[cut:])) + pieces.finish()
            == at_once
        )
        assert len(at_once) == len(data)


def test_a_forged_tape_is_read_or_refused_and_nothing_else():
    chance = random.Random(6455)
    lines = (
        "0 1 open client=127.0.0.1:5 server=[::1]:80\n0.5 1 client 81 80 37 fa 21 3d\n1 1 "
        "server end\n"
    )
    tape = (START + lines).encode()
    refused = 0
    for _ in range(3000):
        forged = bytearray(tape)
        for _ in range(chance.randrange(1, 4)):
            forged[chance.randrange(len(forged))] = chance.choice(
                (*b"\n #.:-]09e", chance.randrange(256))
            )
        try:
            read(bytes(forged))
        except BadTape as error:
            refused += 1
            assert str(error).isascii() and str(error).isprintable()
    assert 1000 < refused < 3000


def test_little_is_held_back_however_long_a_line_is():
    redactor = Redactor(Side.CLIENT)
    redactor.feed(b"GET / HTTP/1.1\r\n")
    given = sum(len(redactor.feed(b"x" * 100)) for _ in range(1000))
    assert 100_000 - given < MAX_NAME


@pytest.mark.parametrize(
    "name",
    [
        "Cookie",
        " SET-COOKIE ",
        "Authorization",
        "Proxy-Authorization",
        "X-Auth-Token",
        "x-apikey",
        "Password",
        "Referer",
        "Cf-Access-Jwt-Assertion",
        "Ocp-Apim-Subscription-Key",
        "X-Hub-Signature-256",
        "X-Original-URL",
        "X-Forwarded-Uri",
    ],
)
def test_names_that_speak_of_a_secret(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["Host", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", ""],
)
def test_names_of_the_opening_handshake_are_no_secrets(name):
    assert not is_secret(name)


@pytest.mark.parametrize("redact", [True, False])
def test_secrets_are_on_the_tape_only_if_asked_for_and_its_first_line_says_so(
    serving, recorder, tmp_path, redact
):
    running = serving(echo, trace=recorder(redact=redact).choose)
    client = running.connect()
    client.send_byte_by_byte(HEAD)
    client.receive_head()
    text = (tmp_path / "tape").read_text()
    entries = read_file(tmp_path / "tape")
    assert (b"s3cret" in sent(entries, 1, Side.CLIENT)) is not redact
    assert text.splitlines()[0].endswith(
        "secrets redacted, as ****" if redact else "secrets included"
    )


def test_a_name_that_is_held_back_is_written_when_its_direction_ends(opened, recorder, tmp_path):
    trace = recorder().choose(opened()[0])
    trace(Side.CLIENT, b"GET / HTTP/1.1\r\nCoo")
    assert sent(read_file(tmp_path / "tape"), 1, Side.CLIENT) == b"GET / HTTP/1.1\r\n"
    trace(Side.CLIENT, b"")
    assert sent(read_file(tmp_path / "tape"), 1, Side.CLIENT) == b"GET / HTTP/1.1\r\nCoo"


# Reading


def test_a_tape_written_by_hand_is_read():
    text = START + (
        "\n# a comment\n  0.5 3 client 81 85 37fa213d # and another\n1 3 server end\n2.25 3 "
        "client end"
    )
    assert read(text) == (
        [
            Chunk(0.5, 3, Side.CLIENT, bytes.fromhex("818537fa213d")),
            Chunk(1, 3, Side.SERVER, b""),
            Chunk(2.25, 3, Side.CLIENT, b""),
        ],
        False,
    )


def test_the_first_line_may_give_the_date():
    reader = TapeReader(
        io.BytesIO(b"refws tape 1, recorded 1970-01-02T00:00:00+00:00, secrets included\n")
    )
    assert reader.recorded == 86_400
    assert TapeReader(io.BytesIO(START.encode())).recorded == 0


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, ("nothing", '"refws tape 1"')),
        ("# only a comment\n\n", 1, ("nothing", '"refws tape 1"')),
        ("\n\nGET / HTTP/1.1\n", 3, ("GET / HTTP/1.1", '"refws tape 1"')),
        ("refws tape 2\n", 1, ("version 2", "version 1")),
        ("refws tape 1, recorded yesterday\n", 1, ("yesterday", "a date such as")),
        (START + "0.5 1 client 8\n", 2, ("8", "two digits for each")),
        (START + "0.5 1 client 81 zz\n", 2, ("zz", "two digits for each")),
        (START + "0.5 1 client\n", 2, ("no bytes", "or end")),
        (START + "0.5 1\n", 2, ("0.5 1", "client|server")),
        (START + "0.5 1 proxy 81\n", 2, ("proxy", "client, server or open")),
        (START + "soon 1 client 81\n", 2, ("soon", "seconds")),
        (START + "-1 1 client 81\n", 2, ("-1", "seconds")),
        (START + "nan 1 client 81\n", 2, ("nan", "seconds")),
        (START + "1e9 1 client 81\n", 2, ("1e9", "seconds")),
        (START + "0.5 one client 81\n", 2, ("one", "a whole number")),
        (START + f"0.5 {'9' * 5000} client 81\n", 2, ("999", "a whole number")),
        (START + "0 1 open\n", 2, ("client=ADDRESS",)),
        (
            START + "0 1 open client=example.com:80 server=-\n",
            2,
            ("example.com:80", "an IP address"),
        ),
        (START + "0 1 open client=- server=127.0.0.1:65536\n", 2, ("65536", "an IP address")),
        (START + "0 1 open client=- server=999.1.1.1:80\n", 2, ("999.1.1.1", "an IP address")),
        (
            START + "0 1 open client=- server=-\n0 1 open client=- server=-\n",
            3,
            ("opened again", "another number"),
        ),
        (START + "0 1 client 81\n0 1 open client=- server=-\n", 3, ("opened again", "first")),
        (
            START + "0 1 client end\n1 1 client 81\n",
            3,
            ("more of the client", "nothing after its end"),
        ),
        (
            START + "0 1 client end\n1 1 client end\n",
            3,
            ("more of the client", "nothing after its end"),
        ),
        (START + "0 1 client " + "00" * MAX_LINE + "\n", 2, ("more than", "shorter ones")),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_what_was_expected(text, line, words):
    with pytest.raises(BadTape) as error:
        read(text)
    message = str(error.value)
    assert message.startswith(f"line {line}: ") and "; expected " in message and len(message) < 200
    assert all(word in message for word in words)


def test_no_bad_line_reaches_a_terminal_as_it_is():
    with pytest.raises(BadTape) as error:
        read(START.encode() + "0 1 \x1b[2J\u202e\xff 81\n".encode())
    assert str(error.value).isascii() and str(error.value).isprintable()


@pytest.mark.parametrize("end", range(1, 30))
def test_a_last_line_that_was_cut_off_is_left_out_or_read_as_far_as_it_goes(end):
    whole = START + "0.500000 1 client 81 85 37 fa\n"
    last = "0.600000 1 server 81 05 48 65"[:end]
    entries, cut_off = read(whole + last)
    assert entries[0] == Chunk(0.5, 1, Side.CLIENT, bytes.fromhex("818537fa"))
    rest = bytes.fromhex("81054865")
    assert cut_off == (len(entries) == 1)
    assert all(rest.startswith(entry.data) for entry in entries[1:])
    assert cut_off is (re.fullmatch(r"0\.600000 1 server( [0-9a-f]{2})+ ?", last) is None)
