"""TLS on real sockets, with the `ssl` module, with itself and with `openssl` as the other end.

The certificates and keys were made for these tests alone by tests/certificates/make.sh.
"""

import re
import shutil
import socket
import ssl
import subprocess
import threading
from array import array
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic

import pytest

from connections import wait_readable
from refws.endpoint import stream as stream_module
from refws.endpoint.stream import WRITE_CHUNK
from refws.endpoint.tls import stream as module
from refws.endpoint.tls.certificates import client_context, describe, server_context
from refws.endpoint.tls.stream import TLSStream, chunks
from refws.protocol.frame import Side
from wire import (
    DEADLINE_S,
    MANY,
    SOON_S,
    eventually,
    fill,
    receive_exactly,
    reset_when_closed,
    send_byte_by_byte,
)

CERTIFICATES = Path(__file__).parent / "certificates"
KEY = str(CERTIFICATES / "key.pem")
LOCALHOST = str(CERTIFICATES / "localhost.pem")

FAR = 3600.0
BOTH_SIDES = pytest.mark.parametrize("side", Side)
BOTH_VERSIONS = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def certificate(name):
    return str(CERTIFICATES / f"{name}.pem")


def make_context(side, version=None, name="localhost"):
    """A context for either end; it reports an end without a close_notify."""
    if side is Side.SERVER:
        context = server_context(certificate(name), KEY)
    else:
        context = client_context(certificate(name))
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if version is not None:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[
            version.replace(".", "_")
        ]
    return context


class Gate:
    """A socket that takes `room` bytes without waiting (None: any number) and keeps them."""

    def __init__(self, sock):
        self.sock = sock
        self.room = None
        self.sent = b""

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data, flags=0):
        if self.room == 0:
            raise BlockingIOError
        count = self.sock.send(data if self.room is None else data[: self.room], flags)
        self.room = None if self.room is None else self.room - count
        self.sent += data[:count]
        return count

    def sendall(self, data):
        self.sent += data
        self.sock.sendall(data)


class Peer:
    """The other end: OpenSSL in memory over a plain socket, so that a test can cut and change the
    bytes that it sends.
    """

    def __init__(self, sock, context, side):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hostname = "localhost" if side is Side.CLIENT else None
        self.tls = context.wrap_bio(self.incoming, self.outgoing, side is Side.SERVER, hostname)

    def handshake(self, send):
        while True:
            try:
                self.tls.do_handshake()
                return send(self.outgoing.read())
            except ssl.SSLWantReadError:
                send(self.outgoing.read())
                self.feed()

    def feed(self):
        data = self.sock.recv(65536)
        assert data, "the stream has ended"
        self.incoming.write(data)

    def ciphertext(self, data):
        self.tls.write(data)
        return self.outgoing.read()

    def read(self, size):
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                self.feed()

    def send_byte_by_byte(self, data):
        send_byte_by_byte(self.sock, data)


@pytest.fixture
def streams(timers):
    """streams(sock, side) gives a TLSStream that is ended after the test."""
    with ExitStack() as stack:

        def make(sock, side, context=None, write_timeout=FAR, server_hostname="localhost"):
            name = server_hostname if side is Side.CLIENT else None
            stream = TLSStream(
                sock, timers, write_timeout, context or make_context(side), side, name
            )
            stack.callback(stream.close)
            stack.callback(stream.abort)
            return stream

        yield make


@pytest.fixture
def ends(tcp, streams, background):
    """ends(side) gives (our stream, an ssl.SSLSocket as its peer) after their TLS handshake."""
    with ExitStack() as stack:

        def pair(side=Side.SERVER, version=None, wrap=lambda sock: sock, **options):
            ours, theirs = tcp()
            theirs.settimeout(DEADLINE_S)
            stream = streams(wrap(ours), side, make_context(side, version), **options)
            handshake = background(stream.handshake)
            hostname = "localhost" if side is Side.SERVER else None
            peer = make_context(side.peer, version).wrap_socket(
                theirs,
                server_side=side is Side.CLIENT,
                server_hostname=hostname,
                suppress_ragged_eofs=False,
            )
            stack.enter_context(peer)
            handshake.result()
            return stream, peer

        yield pair


@pytest.fixture
def two_streams(tcp, streams, background):
    """two_streams() gives (server, client), both ours, after their TLS handshake."""

    def pair(version=None, **options):
        ours, theirs = tcp()
        server = streams(ours, Side.SERVER, make_context(Side.SERVER, version), **options)
        client = streams(theirs, Side.CLIENT, make_context(Side.CLIENT, version), **options)
        handshake = background(server.handshake)
        client.handshake()
        handshake.result()
        return server, client

    return pair


@pytest.fixture
def bent(tcp, streams, background):
    """bent(side) gives (our stream, a `Peer`) after their TLS handshake."""

    def pair(side=Side.SERVER, version=None):
        ours, theirs = tcp()
        theirs.settimeout(DEADLINE_S)
        stream = streams(ours, side, make_context(side, version))
        peer = Peer(theirs, make_context(side.peer, version), side.peer)
        handshake = background(stream.handshake)
        peer.handshake(theirs.sendall)
        handshake.result()
        return stream, peer

    return pair


@pytest.fixture(params=["as on Linux", "as on Windows"])
def system(request, monkeypatch):
    """Both ways to write without waiting."""
    if request.param == "as on Windows":
        monkeypatch.setattr(stream_module, "DONT_WAIT", None)
        monkeypatch.setattr("refws.endpoint.tls.outgoing.DONT_WAIT", None)
    elif stream_module.DONT_WAIT is None:
        pytest.skip("this system has no MSG_DONTWAIT")


# The TLS handshake


@pytest.mark.rfc("6455-10.6-01", "6455-4.2.2-03", "6455-4.1-14")
@BOTH_SIDES
@BOTH_VERSIONS
def test_10_6_data_go_both_ways(ends, side, version):
    stream, peer = ends(side, version)
    assert stream.version == version
    stream.write(b"from ", b"us")
    assert receive_exactly(peer, 7) == b"from us"
    peer.sendall(b"from the peer")
    assert stream.file.read(13) == b"from the peer"
    assert stream.writes == 1


@pytest.mark.rfc("6455-4.1-16", "6455-4.2.2-03")
@BOTH_SIDES
def test_4_1_nothing_is_readable_on_the_wire(ends, side):
    gates = []
    stream, peer = ends(side, wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    stream.write(b"GET /secret HTTP/1.1")
    assert receive_exactly(peer, 20) == b"GET /secret HTTP/1.1"
    assert gates[0].sent and b"secret" not in gates[0].sent


@pytest.mark.rfc("6455-4.1-17")
def test_4_1_the_client_names_the_server_in_its_client_hello(tcp, streams, background):
    ours, theirs = tcp()
    names = []
    context = make_context(Side.SERVER)
    context.sni_callback = lambda sock, name, context: names.append(name)
    server = streams(theirs, Side.SERVER, context)
    handshake = background(server.handshake)
    streams(ours, Side.CLIENT).handshake()
    handshake.result()
    assert names == ["localhost"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_certificate_of_an_address_is_checked_too(tcp, streams, background, address):
    ours, theirs = tcp()
    handshake = background(streams(theirs, Side.SERVER).handshake)
    stream = streams(ours, Side.CLIENT, server_hostname=address)
    stream.handshake()
    handshake.result()
    assert stream.version == "TLSv1.3"


@BOTH_SIDES
@BOTH_VERSIONS
def test_handshake_and_data_that_arrive_byte_by_byte(tcp, streams, background, side, version):
    ours, theirs = tcp()
    theirs.settimeout(DEADLINE_S)
    stream = streams(ours, side, make_context(side, version))
    peer = Peer(theirs, make_context(side.peer, version), side.peer)
    handshake = background(stream.handshake)
    peer.handshake(peer.send_byte_by_byte)
    handshake.result()
    reading = background(stream.file.read, 6)
    peer.send_byte_by_byte(peer.ciphertext(b"abc") + peer.ciphertext(b"def"))
    assert reading.result() == b"abcdef"


def test_a_handshake_ends_at_its_deadline(tcp, streams):
    stream = streams(tcp()[0], Side.SERVER)
    stream.abort_at(monotonic(), "too late")
    with pytest.raises(
        ConnectionAbortedError, match=r"§4\.2\.2 item 1: the TLS handshake was not done yet"
    ):
        stream.handshake()
    assert stream.cause == "too late"


def test_a_handshake_that_the_peer_leaves_is_an_error(tcp, streams):
    ours, theirs = tcp()
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(
        ssl.SSLError,
        match=r"§4\.1 item 5: the TLS handshake failed: the connection ended in the middle",
    ):
        streams(ours, Side.CLIENT).handshake()


@pytest.mark.rfc("6455-4.2.2-02")
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            "the peer sends plain HTTP, but this port speaks TLS; use wss://",
        ),
        (b"CONNECT h:443 HTTP/1.1\r\n\r\n", "the peer sends an HTTP CONNECT, but this is no proxy"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", "the peer does not speak TLS"),
    ],
)
def test_4_2_2_what_is_no_tls_is_ended_without_an_http_reply(tcp, streams, background, sent, words):
    ours, theirs = tcp()
    theirs.settimeout(DEADLINE_S)
    handshake = background(streams(ours, Side.SERVER).handshake)
    theirs.sendall(sent)
    assert b"HTTP" not in receive_exactly(theirs, 999)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(
        ssl.SSLError, match=rf"§4\.2\.2 item 1: the TLS handshake failed: .*{words}"
    ):
        handshake.result()


def test_4_1_a_server_without_tls_is_reported_as_that(tcp, streams, background):
    ours, theirs = tcp()
    handshake = background(streams(ours, Side.CLIENT).handshake)
    theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(
        ssl.SSLError,
        match=r"§4\.1 item 5: .*the peer does not speak TLS; use ws:// for a server without TLS",
    ):
        handshake.result()


def test_the_alert_of_a_failed_handshake_arrives_though_bytes_were_not_read(
    tcp, streams, background
):
    """Closing with bytes unread makes TCP send a reset."""
    ours, theirs = tcp()
    theirs.settimeout(DEADLINE_S)
    stream = streams(ours, Side.SERVER, make_context(Side.SERVER, "TLSv1.3"))
    old = Peer(theirs, make_context(Side.CLIENT, "TLSv1.2"), Side.CLIENT)
    with pytest.raises(ssl.SSLWantReadError):
        old.tls.do_handshake()

    def flood_then_read():
        theirs.sendall(old.outgoing.read() + bytes(MANY))
        theirs.shutdown(socket.SHUT_WR)
        return receive_exactly(theirs, 99)

    flooding = background(flood_then_read)
    with pytest.raises(ssl.SSLError):
        stream.handshake()
    stream.close()
    protocol_version = b"\x02\x46"
    assert flooding.result().endswith(protocol_version)


# Certificates


def failing_handshakes(tcp, streams, background, server, client, server_hostname="localhost"):
    """The errors of (server, client)."""
    ours, theirs = tcp()
    serving = background(streams(ours, Side.SERVER, server).handshake)
    calling = background(
        streams(theirs, Side.CLIENT, client, server_hostname=server_hostname).handshake
    )
    errors = []
    for handshake in (serving, calling):
        with pytest.raises(ssl.SSLError) as caught:
            handshake.result()
        errors.append(caught.value)
    return errors


TRUST = "trust it with --ca FILE, in a program with ssl=ssl.create_default_context(cafile=FILE)"
SHOW_ONE = (
    "show one with --cert FILE and --key FILE, in a program with context.load_cert_chain(FILE, KEY)"
)

BAD_CERTIFICATES = {
    # Certificate of the server, what the client trusts, name: in the client's error; in the
    # server's
    "self-signed": (
        "localhost",
        None,
        "localhost",
        ["self-signed", TRUST, "--insecure"],
        "unknown ca",
    ),
    "unknown CA": (
        "from_root",
        None,
        "localhost",
        ["a CA that is not known here", TRUST],
        "unknown ca",
    ),
    "expired": (
        "expired",
        "expired",
        "localhost",
        ["has expired", "renewed"],
        "certificate expired",
    ),
    "not yet valid": (
        "not_yet_valid",
        "not_yet_valid",
        "localhost",
        ["not valid yet", "clocks"],
        "bad certificate",
    ),
    "other name": (
        "localhost",
        "localhost",
        "elsewhere.test",
        ["another host name", "'elsewhere.test'"],
        "bad certif",
    ),
    "other address": (
        "localhost",
        "localhost",
        "192.0.2.9",
        ["another IP address", "'192.0.2.9'"],
        "bad certificate",
    ),
}


@pytest.mark.rfc("6455-4.1-15", "6455-10.6-03")
@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_4_1_a_certificate_that_is_not_accepted_says_what_is_wrong_and_what_to_do(
    tcp, streams, background, case
):
    name, trusted, hostname, words, alert = BAD_CERTIFICATES[case]
    server, client = failing_handshakes(
        tcp,
        streams,
        background,
        make_context(Side.SERVER, name=name),
        client_context(trusted and certificate(trusted)),
        hostname,
    )
    assert isinstance(client, ssl.SSLCertVerificationError)
    for word in ("§4.1 item 5", "the peer's certificate", *words):
        assert word in str(client)
    assert "\n" not in str(client)
    assert f"the peer does not accept our certificate, its alert says '{alert}" in str(server)


def test_a_certificate_from_a_trusted_ca_is_accepted(tcp, streams, background):
    ours, theirs = tcp()
    handshake = background(
        streams(ours, Side.SERVER, make_context(Side.SERVER, name="from_root")).handshake
    )
    client = streams(theirs, Side.CLIENT, client_context(certificate("root")))
    client.handshake()
    handshake.result()
    assert client.version == "TLSv1.3"


def test_an_insecure_client_accepts_any_certificate(tcp, streams, background):
    ours, theirs = tcp()
    handshake = background(
        streams(ours, Side.SERVER, make_context(Side.SERVER, name="expired")).handshake
    )
    stream = streams(
        theirs, Side.CLIENT, client_context(insecure=True), server_hostname="elsewhere.test"
    )
    stream.handshake()
    handshake.result()
    assert stream.version == "TLSv1.3"


def test_a_client_without_the_certificate_that_the_server_wants(tcp, streams, background):
    server_side = make_context(Side.SERVER, "TLSv1.2")
    server_side.verify_mode = ssl.CERT_REQUIRED
    server, client = failing_handshakes(
        tcp, streams, background, server_side, make_context(Side.CLIENT, "TLSv1.2")
    )
    assert "peer did not return a certificate" in str(server)
    assert "the peer ended TLS with the alert 'handshake failure'" in str(client)
    assert "--client-ca" in str(server) and "show one with --cert FILE" in str(client)


def certificate_of_the_client(side, name="from_root"):
    """Contexts of which the server's wants a certificate from root.pem; the client's shows one."""
    if side is Side.SERVER:
        return server_context(LOCALHOST, KEY, certificate("root"))
    return client_context(LOCALHOST, certificate=certificate(name), key=KEY)


@BOTH_VERSIONS
def test_10_5_a_client_with_a_certificate_of_the_ca_is_let_in(tcp, streams, background, version):
    ours, theirs = tcp()
    server_side, client_side = map(certificate_of_the_client, (Side.SERVER, Side.CLIENT))
    server_side.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    server = streams(ours, Side.SERVER, server_side)
    handshake = background(server.handshake)
    client = streams(theirs, Side.CLIENT, client_side)
    client.handshake()
    handshake.result()
    client.write(b"hello")
    assert server.file.read(5) == b"hello"
    assert server.version == version


def test_both_sides_say_what_to_do_about_a_certificate_that_the_server_does_not_know(
    tcp, streams, background
):
    server_side = certificate_of_the_client(Side.SERVER)
    server_side.maximum_version = ssl.TLSVersion.TLSv1_2
    client_side = certificate_of_the_client(Side.CLIENT, "localhost")
    server, client = failing_handshakes(tcp, streams, background, server_side, client_side)
    for words in (
        "§4.2.2 item 1",
        "self-signed",
        "trust it or its CA with --client-ca FILE, in a program with "
        "context.load_verify_locations(FILE)",
    ):
        assert words in str(server)
    assert "--ca " not in str(server) and "--insecure" not in str(server)
    assert "the peer does not accept our certificate, its alert says 'unknown ca'" in str(client)


def test_in_tls_1_3_the_alert_about_the_clients_certificate_comes_with_the_first_read(
    tcp, streams, background
):
    context = make_context(Side.SERVER, "TLSv1.3")
    context.verify_mode = ssl.CERT_REQUIRED
    ours, theirs = tcp()
    handshake = background(streams(ours, Side.SERVER, context).handshake)
    client = streams(theirs, Side.CLIENT)
    client.handshake()
    with pytest.raises(ssl.SSLError, match=re.escape(f"'certificate required'; {SHOW_ONE}")):
        client.file.read(1)
    client.close()
    with pytest.raises(ssl.SSLError):
        handshake.result()


def test_versions_that_do_not_meet(tcp, streams, background):
    server, client = failing_handshakes(
        tcp,
        streams,
        background,
        make_context(Side.SERVER, "TLSv1.3"),
        make_context(Side.CLIENT, "TLSv1.2"),
    )
    assert "use TLS 1.2 or 1.3 on both sides" in str(server)
    assert "the peer ended TLS with the alert 'protocol version'" in str(client)


@pytest.mark.rfc("6455-10.6-03")
def test_10_6_a_client_checks_name_and_chain_and_takes_no_old_tls():
    context = client_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert server_context(LOCALHOST, KEY).minimum_version >= ssl.TLSVersion.TLSv1_2


def test_our_contexts_refuse_renegotiation():
    """A write in the middle of one would have to wait for the reader."""
    for context in (client_context(), server_context(LOCALHOST, KEY)):
        assert context.options & ssl.OP_NO_RENEGOTIATION


def test_files_that_cannot_be_used_are_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        server_context(LOCALHOST, missing)
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        client_context(missing)
    with pytest.raises(
        OSError,
        match=r"empty\.pem with the key in .*key\.pem: .*both must be PEM and belong together",
    ):
        server_context(str(empty), KEY)
    with pytest.raises(OSError, match=r"other_key\.pem: key values mismatch"):
        server_context(LOCALHOST, certificate("other_key"))
    with pytest.raises(OSError, match=r"localhost\.pem with the key in the same file"):
        server_context(LOCALHOST)
    with pytest.raises(
        OSError, match=r"cannot use .*empty\.pem as certificates of CAs: .*must be PEM"
    ):
        client_context(str(empty))
    with pytest.raises(
        OSError, match=r"cannot use .*empty\.pem as certificates of CAs: .*must be PEM"
    ):
        server_context(LOCALHOST, KEY, str(empty))
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        server_context(LOCALHOST, KEY, missing)
    with pytest.raises(OSError, match=r"cannot use .*empty\.pem with the key in the same file"):
        client_context(certificate=str(empty))
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        client_context(certificate=LOCALHOST, key=missing)


@BOTH_SIDES
def test_a_certificate_for_another_purpose_says_what_it_lacks(side):
    error = ssl.SSLCertVerificationError(1, "unsuitable certificate purpose")
    error.verify_code, error.verify_message = 26, "unsuitable certificate purpose"
    assert "use one whose extended key usage" in describe(error, side)
    assert ("--insecure" in describe(error, side)) is (side is Side.CLIENT)


def test_certificate_and_key_may_be_in_one_file(tmp_path):
    both = tmp_path / "both.pem"
    both.write_text(Path(LOCALHOST).read_text() + Path(KEY).read_text())
    assert server_context(str(both)).cert_store_stats()["x509"] == 0


def test_an_unknown_error_of_openssl_is_passed_on_with_advice():
    unknown = ssl.SSLError(1, "something new")
    assert (
        describe(unknown, Side.CLIENT)
        == "OpenSSL says 'something new'; try the peer with `openssl s_client` to see more"
    )
    assert "OP_NO_RENEGOTIATION" in describe(ssl.SSLWantReadError(), Side.SERVER)


# Reading


def test_the_peers_close_notify_is_the_end(ends):
    stream, peer = ends()
    peer.sendall(b"x")
    with suppress(OSError):
        peer.settimeout(0)
        peer.unwrap()
    assert stream.file.read(2) == b"x"
    assert stream.file.read(1) == b""


@BOTH_VERSIONS
@pytest.mark.parametrize("cut", ["between records", "in a record"])
def test_7_1_5_a_ragged_end_is_an_end(bent, version, cut):
    stream, peer = bent(Side.SERVER, version)
    data = peer.ciphertext(b"whole") + (
        peer.ciphertext(b"half")[:-4] if cut == "in a record" else b""
    )
    peer.sock.sendall(data)
    peer.sock.shutdown(socket.SHUT_WR)
    assert stream.file.read(99) == b"whole"
    assert stream.file.read(1) == b""


def test_a_reset_is_an_error(bent):
    stream, peer = bent()
    reset_when_closed(peer.sock)
    peer.sock.close()
    with pytest.raises(ConnectionResetError):
        stream.file.read(1)


def test_a_forged_record_is_an_error_and_the_peer_gets_an_alert(bent):
    stream, peer = bent()
    record = bytearray(peer.ciphertext(b"data"))
    record[-1] ^= 1
    peer.sock.sendall(record)
    with pytest.raises(ssl.SSLError, match="bad record mac"):
        stream.file.read(4)
    with pytest.raises(ssl.SSLError, match=r"BAD_RECORD_MAC|bad record mac"):
        peer.read(1)


@BOTH_SIDES
def test_wait_readable_counts_data_and_nothing_else(bent, side):
    """A session ticket comes first where we are the client; and half a record is not readable."""
    stream, peer = bent(side, "TLSv1.3")
    assert not wait_readable(stream, 0)
    assert not wait_readable(stream, -1)
    record = peer.ciphertext(b"ab")
    peer.sock.sendall(record[:10])
    before = stream.receives
    assert eventually(lambda: not wait_readable(stream, 0) and stream.receives > before)
    assert not wait_readable(stream, 0.02)
    peer.sock.sendall(record[10:])
    assert wait_readable(stream, DEADLINE_S)
    assert stream.file.read(1) == b"a"
    assert wait_readable(stream, 0)
    assert stream.file.read(1) == b"b"


def test_wait_readable_sees_what_openssl_holds_already(bent):
    """Two records arrive at once: after the first one the socket is empty, the stream is not."""
    stream, peer = bent()
    peer.sock.sendall(peer.ciphertext(b"first") + peer.ciphertext(b"second"))
    assert stream.file.read(5) == b"first"
    assert wait_readable(stream, DEADLINE_S)
    assert stream.file.read(6) == b"second"


def test_wait_readable_sees_the_end(ends):
    stream, peer = ends()
    peer.shutdown(socket.SHUT_WR)
    assert wait_readable(stream, DEADLINE_S)
    assert stream.file.read(1) == b""


def test_a_stream_knows_whether_a_thread_waits_and_that_bytes_arrived(bent, background):
    """Half a record counts too: it shows that the peer is alive."""
    stream, peer = bent()
    before = stream.receives
    assert not stream.waiting
    reading = background(stream.file.read, 1)
    assert eventually(lambda: stream.waiting)
    record = peer.ciphertext(b"x")
    peer.sock.sendall(record[:5])
    assert eventually(lambda: stream.receives == before + 1)
    peer.sock.sendall(record[5:])
    assert reading.result() == b"x"
    assert not stream.waiting


# Writing


@pytest.mark.rfc("6455-6.1-10")
@BOTH_VERSIONS
def test_6_1_a_long_write_to_a_slow_reader_arrives_whole(system, ends, background, version):
    stream, peer = ends(Side.SERVER, version)
    data = bytes(range(256)) * (MANY // 256)
    writing = background(stream.write, b"header", data)
    assert receive_exactly(peer, 6 + len(data)) == b"header" + data
    writing.result()
    assert stream.writes == 1


@pytest.mark.parametrize("long_size", [0, 1, WRITE_CHUNK - 10, WRITE_CHUNK, 3 * WRITE_CHUNK + 1])
@pytest.mark.parametrize("size", [0, 10, WRITE_CHUNK - 1, WRITE_CHUNK + 1])
def test_pieces_are_small_and_give_the_whole(size, long_size):
    data, long_data = b"h" * size, b"p" * long_size
    cut = list(chunks(data, long_data))
    assert b"".join(cut) == data + long_data
    assert all(0 < len(piece) <= WRITE_CHUNK for piece in cut)


def test_a_header_shares_its_record_with_the_payload():
    assert [len(piece) for piece in chunks(b"header", bytes(WRITE_CHUNK))] == [WRITE_CHUNK, 6]


def test_a_peer_that_takes_nothing_frees_the_writer_after_the_timeout_and_says_why(
    system, ends, background
):
    stream, _ = ends(write_timeout=0.05)
    writing = background(stream.write, bytes(MANY))
    with pytest.raises(OSError):
        writing.result()
    assert stream.cause == "the peer took less than 64 KiB of a frame in 0.05 s"


def test_try_write_sends_what_fits(system, ends):
    stream, peer = ends()
    assert stream.try_write(b"ping")
    assert receive_exactly(peer, 4) == b"ping"
    assert stream.writes == 1


def test_try_write_gives_false_at_once_when_nothing_fits(system, tcp, streams, background):
    ours, theirs = tcp()
    server, client = streams(ours, Side.SERVER), streams(theirs, Side.CLIENT)
    handshake = background(server.handshake)
    client.handshake()
    handshake.result()
    fill(ours)
    assert not server.try_write(b"ping")
    assert not server.try_write(b"ping")
    assert (server.writes, server.cause) == (0, "")


@pytest.mark.parametrize("room", [0, 7])
def test_a_control_frame_that_did_not_fit_comes_first_and_once(ends, room):
    """It is already encrypted: it can neither be dropped nor overtaken."""
    gates = []
    stream, peer = ends(wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    gates[0].room = room
    assert stream.try_write(b"ping1")
    assert not stream.try_write(b"ping2")
    assert stream.writes == 1
    gates[0].room = None
    assert stream.try_write(b"ping3")
    stream.write(b"data")
    assert receive_exactly(peer, 14) == b"ping1ping3data"


def test_what_did_not_fit_goes_out_before_the_next_blocking_write(ends):
    gates = []
    stream, peer = ends(wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    gates[0].room = 3
    assert stream.try_write(b"ping")
    stream.write(b"data")
    assert receive_exactly(peer, 8) == b"pingdata"


def test_writing_to_a_broken_stream_raises(system, ends):
    stream, _ = ends()
    stream.abort()
    with pytest.raises(OSError):
        stream.write(b"x")
    with pytest.raises(OSError):
        stream.try_write(b"x")
    assert stream.writes == 0


# Reader and writer at once


@BOTH_VERSIONS
def test_two_threads_of_each_side_send_and_receive_at_once(two_streams, background, version):
    """Each side writes more than the sockets hold: a reader that waited for a writer would hang."""
    numbers = array("I", range(MANY // 4)).tobytes()
    sizes = [1, 100, 70_000, 5, 16_384, 300_000, 16_385]

    def write(stream):
        start, count = 0, 0
        while start < len(numbers):
            size = sizes[count % len(sizes)]
            stream.write(numbers[start : start + 2], numbers[start + 2 : start + max(size, 2)])
            start, count = start + max(size, 2), count + 1

    server, client = two_streams(version)
    tasks = [background(write, stream) for stream in (server, client)]
    results = [background(stream.file.read, len(numbers)) for stream in (server, client)]
    assert all(result.result(4 * DEADLINE_S) == numbers for result in results)
    for task in tasks:
        task.result()


def test_a_reader_that_waits_holds_up_no_writer(ends, background):
    stream, peer = ends()
    reading = background(stream.file.read, 1)
    assert eventually(lambda: stream.waiting)
    for number in range(100):
        stream.write(b"%3d" % number)
    assert receive_exactly(peer, 300) == b"".join(b"%3d" % number for number in range(100))
    assert stream.waiting
    peer.sendall(b"x")
    assert reading.result() == b"x"


def test_a_writer_that_is_blocked_holds_up_no_reader(ends, background):
    stream, peer = ends()
    writing = background(stream.write, bytes(MANY))
    assert eventually(lambda: stream._write_deadline is not None)
    peer.sendall(b"ping")
    assert stream.file.read(4) == b"ping"
    assert receive_exactly(peer, MANY) == bytes(MANY)
    writing.result()


class SendLock:
    """The lock of the sender; calls `on_wait` before waiting, and `on_release` once, just before
    the release.
    """

    def __init__(self):
        self.lock = threading.Lock()  # not an RLock: one thread plays the reader and the sender
        self.on_wait = self.on_release = lambda: None

    def acquire(self, blocking=True):
        if blocking:
            self.on_wait()
        return self.lock.acquire(blocking)

    def release(self):
        action, self.on_release = self.on_release, lambda: None
        action()
        self.lock.release()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *error):
        self.release()


SENDERS = {
    "a writer": lambda stream: stream.write(b"data"),
    "the timer thread": lambda stream: stream.try_write(b"data"),
    "the reader itself": lambda stream: (
        stream._engine.encrypt(b"data"),
        stream._outgoing.try_send(),
    ),
}


@pytest.mark.parametrize("sender", SENDERS)
def test_an_answer_that_comes_while_the_sender_finishes_is_sent_after_it(ends, sender):
    """The sender has found nothing more but still holds the lock, so the reader leaves its answer
    to it.
    """
    stream, peer = ends()
    lock = stream._outgoing.lock = SendLock()

    def answer_as_the_reader_does():
        stream._engine.encrypt(b"answer")
        stream._outgoing.try_send()
        assert stream._outgoing.size > 0

    lock.on_release = answer_as_the_reader_does
    SENDERS[sender](stream)
    assert receive_exactly(peer, 10) == b"dataanswer"


def test_a_write_does_not_return_before_the_reader_has_sent_the_bytes_it_took(ends, background):
    """The reader sends them with its own bytes, and most of them do not fit."""
    gates = []
    stream, peer = ends(wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    engine, outgoing = stream._engine, stream._outgoing
    in_hand, go_on = threading.Event(), threading.Event()

    class SlowEngine:
        pending = property(lambda self: engine.pending)

        def take(self):
            ciphertext = engine.take()
            in_hand.set()
            assert go_on.wait(DEADLINE_S)
            return ciphertext

    outgoing._engine = SlowEngine()
    outgoing.lock = SendLock()
    gates[0].room = 5
    engine.encrypt(b"data")
    reader = background(outgoing.try_send)
    assert in_hand.wait(DEADLINE_S)
    outgoing.lock.on_wait = go_on.set
    background(stream._send_all).result()
    go_on.set()
    reader.result()
    assert receive_exactly(peer, 4) == b"data"


def test_answers_that_the_peer_does_not_read_end_the_stream(ends, background):
    gates = []
    stream, peer = ends(wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    gates[0].room = 0
    stream._engine.encrypt(bytes(module.MAX_UNSENT))
    peer.sendall(b"x")
    with pytest.raises(ConnectionAbortedError, match="does not read the answers"):
        stream.file.read(1)


class OpenSSLClient:
    """`openssl s_client`: K at the start of a line updates the keys, which `ssl` cannot do."""

    def __init__(self, address, *options):
        command = [
            "openssl",
            "s_client",
            "-connect",
            f"{address[0]}:{address[1]}",
            "-CAfile",
            LOCALHOST,
            *options,
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        self.watchdog = threading.Timer(2 * DEADLINE_S, self.process.kill)
        self.watchdog.start()

    def send(self, line):
        self.process.stdin.write(line)

    def expect(self, words):
        """Read until these words arrive."""
        seen = b""
        while words not in seen:
            octets = self.process.stdout.read(4096)
            assert octets, seen
            seen += octets

    def stop(self):
        self.watchdog.cancel()
        self.watchdog.join()
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def s_client(streams, background):
    """s_client(*options) gives (our stream, the client)."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    with ExitStack() as stack:

        def start(*options):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                client = OpenSSLClient(listener.getsockname(), *options)
                stack.callback(client.stop)
                listener.settimeout(DEADLINE_S)
                sock, _ = listener.accept()
            sock.setblocking(True)
            stream = streams(sock, Side.SERVER)
            stream.handshake()
            return stream, client

        yield start


def test_key_updates_go_both_ways(s_client):
    """RFC 8446 §4.6.3: the peer's K asks us to update our keys too."""
    stream, client = s_client("-tls1_3")
    for number in (b"1", b"2"):
        client.send(b"K\n")
        client.expect(b"KEYUPDATE")
        client.send(b"question " + number + b"\n")
        assert stream.file.readline() == b"question " + number + b"\n"
        stream.write(b"answer " + number + b"\n")
        client.expect(b"answer " + number)


def test_a_reader_answers_renegotiation_with_an_alert_by_itself(s_client, background):
    """No thread writes: only the reader can have sent the alert no_renegotiation."""
    stream, client = s_client("-tls1_2")
    reading = background(stream.file.read, 1)
    client.send(b"R\n")
    client.expect(b"no renegotiation")
    with suppress(OSError):
        reading.result()


# The end


def test_abort_wakes_a_blocked_reader(ends, background):
    stream, _ = ends()
    reading = background(stream.file.read, 1)
    assert eventually(lambda: stream.waiting)
    stream.abort("because")
    assert reading.result() == b""
    assert stream.cause == "because"


def test_abort_wakes_a_blocked_writer(ends, background):
    stream, _ = ends()
    writing = background(stream.write, bytes(MANY))
    assert eventually(lambda: stream._write_deadline is not None)
    stream.abort("because")
    with pytest.raises(OSError):
        writing.result()


def test_abort_is_a_cut_and_half_close_is_none(ends):
    stream, peer = ends()
    stream.abort()
    with pytest.raises(ssl.SSLEOFError):
        peer.recv(1)
    stream, peer = ends()
    stream.half_close()
    assert peer.recv(1) == b""


@BOTH_VERSIONS
def test_7_1_1_data_after_half_close_are_still_read(bent, version):
    """Also data that OpenSSL has decrypted already, and data that it has not."""
    stream, peer = bent(Side.SERVER, version)
    peer.sock.sendall(peer.ciphertext(bytes(10_000) + b"one") + peer.ciphertext(b"two"))
    assert stream.file.read(1) == b"\0"
    stream.write(b"last")
    stream.half_close()
    assert peer.read(99) == b"last"
    peer.sock.sendall(peer.ciphertext(b"three"))
    assert stream.file.read(10_010) == bytes(9_999) + b"onetwothree"


@pytest.mark.rfc("6455-7.1.1-01")
@BOTH_VERSIONS
def test_7_1_1_drained_bytes_do_not_turn_into_a_reset_that_eats_the_last_frame(
    ends, background, version
):
    stream, peer = ends(Side.SERVER, version)

    def flood_then_read():
        peer.sendall(bytes(MANY))
        return receive_exactly(peer, 99)

    flooding = background(flood_then_read)
    assert stream.file.read(1) == b"\0"
    stream.write(b"last")
    stream.half_close()
    draining = background(stream.drain, DEADLINE_S)
    assert flooding.result() == b"last"
    peer.close()
    draining.result()


@pytest.mark.rfc("6455-7.1.1-02")
def test_7_1_1_draining_ends_in_time_though_the_peer_never_stops(ends, background):
    stream, peer = ends()

    def flood():
        with pytest.raises(OSError):
            while True:
                peer.sendall(bytes(65536))

    flooding = background(flood)
    start = monotonic()
    stream.half_close()
    stream.drain(0.05)
    assert 0.05 <= monotonic() - start < SOON_S
    stream.close()
    with suppress(OSError):
        socket.socket.shutdown(peer, socket.SHUT_RDWR)
    flooding.result()


@BOTH_SIDES
def test_a_close_notify_while_draining_is_answered(ends, background, side):
    """`unwrap` of the ssl module waits for ours and raises if it does not come."""
    stream, peer = ends(side)
    draining = background(stream.drain, DEADLINE_S)
    with peer.unwrap() as plain:
        draining.result()
        assert plain.recv(1) == b""


def test_a_close_notify_that_does_not_fit_goes_out_while_draining(ends, background):
    gates = []
    stream, peer = ends(wrap=lambda sock: gates.append(Gate(sock)) or gates[0])
    gates[0].room = 0
    stream.half_close()
    gates[0].room = None
    draining = background(stream.drain, DEADLINE_S)
    peer.sendall(b"x")
    assert peer.recv(1) == b""
    peer.close()
    draining.result()


def test_draining_survives_a_reset(bent):
    stream, peer = bent()
    reset_when_closed(peer.sock)
    peer.sock.close()
    stream.drain(DEADLINE_S)
    with pytest.raises(OSError):
        stream.write(b"x")


def test_half_close_before_the_tls_handshake_is_a_plain_end(tcp, streams):
    ours, theirs = tcp()
    theirs.settimeout(DEADLINE_S)
    stream = streams(ours, Side.SERVER)
    with pytest.raises(OSError):
        stream.try_write(b"503")
    stream.half_close()
    assert theirs.recv(99) == b""


def test_a_tap_gets_the_bytes_inside_tls(ends):
    stream, peer = ends()
    seen = []
    stream.set_tap(
        lambda sent, data: seen.append((sent, data)), lambda data: seen.append((True, data))
    )
    stream.write(b"head", b"payload")
    assert stream.try_write(b"ping")
    peer.sendall(b"question")
    assert stream.file.read(8) == b"question"
    peer.shutdown(socket.SHUT_WR)
    assert stream.file.read(1) == b""
    stream.half_close()
    assert seen == [
        (True, b"headpayload"),
        (True, b"ping"),
        (False, b"question"),
        (False, b""),
        (True, b""),
    ]
    stream.set_tap(None)
    assert stream.file.read(1) == b""
    assert len(seen) == 5
