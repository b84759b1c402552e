"""RFC 6455 §4.1 item 2, RFC 8305: names, slots at addresses, and several addresses at a time."""

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from refws import WebSocketException, connect, serve
from refws.endpoint.client import racing
from refws.endpoint.client.connecting import SLOTS, Deadline, Place, Slots, slot_at
from refws.endpoint.client.resolving import interleaved
from refws.endpoint.tls.certificates import client_context, server_context
from wire import DEADLINE_S, Background, eventually

pytestmark = pytest.mark.transport("tcp", reason="enough: it is about addresses")

PROJECT = Path(__file__).resolve().parent.parent
CERTIFICATE, KEY = (
    str(PROJECT / "tests" / "certificates" / name) for name in ("localhost.pem", "key.pem")
)
URI = "ws://several.example/"
IN_TIME = 0.2
NEVER = 60

linux = pytest.mark.skipif(sys.platform != "linux", reason="a full backlog is refused elsewhere")


def echo(connection):
    for message in connection:
        connection.send(message)


@contextmanager
def silent():
    """The address of a server that takes no TCP connection, and refuses none."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


def refusing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()


@pytest.fixture
def found(monkeypatch):
    """found(address, ...) are all addresses that the resolver knows."""

    def set_found(*addresses):
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answer)

    return set_found


def says_echo(connection):
    connection.send("hello")
    assert connection.recv() == "hello"


def is_broken_off(uri):
    with pytest.raises((OSError, WebSocketException)):
        connect(uri)


# Several addresses


@linux
@pytest.mark.parametrize("silent_ones", [1, 2])
def test_8305_5_a_silent_address_delays_the_next_one_only(serving, found, silent_ones):
    assert racing.ATTEMPT_DELAY == 0.25
    with ExitStack() as stack:
        running = serving(echo)
        found(*[stack.enter_context(silent()) for _ in range(silent_ones)], running.address)
        with connect(URI, open_timeout=DEADLINE_S / 2) as connection:
            assert connection.remote_address == running.address
            says_echo(connection)
    assert not SLOTS._limited


@linux
def test_8305_5_the_first_address_has_time_before_the_next_one_is_tried(
    serving, found, monkeypatch
):
    monkeypatch.setattr(racing, "ATTEMPT_DELAY", NEVER)
    other, running = serving(echo), serving(echo)
    found(running.address, other.address)
    with connect(URI) as connection:
        assert connection.remote_address == running.address
        assert other.server.all_connections == set()


def test_8305_5_after_a_failed_attempt_the_next_one_begins_at_once(serving, found, monkeypatch):
    monkeypatch.setattr(racing, "ATTEMPT_DELAY", NEVER)
    running = serving(echo)
    found(refusing(), refusing(), running.address)
    with connect(URI, open_timeout=DEADLINE_S / 2) as connection:
        says_echo(connection)


def test_if_all_addresses_refuse_that_is_the_error(found, nothing_left_behind):
    found(refusing(), refusing())
    with pytest.raises(ConnectionRefusedError):
        connect(URI)
    assert not SLOTS._limited


@linux
def test_if_all_addresses_are_silent_the_deadline_names_them(found, nothing_left_behind):
    with silent() as one, silent() as other:
        found(one, other)
        names = "connecting to {}:{} and {}:{}".format(*one, *other)
        with pytest.raises(TimeoutError, match=f"{names} took longer than 0.2 s"):
            connect(URI, open_timeout=IN_TIME)
    assert not SLOTS._limited


def test_a_family_that_the_system_lacks_is_a_failed_attempt(serving, monkeypatch):
    running = serving(echo)
    answer = [
        (family, socket.SOCK_STREAM, 0, "", running.address) for family in (12345, socket.AF_INET)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answer)
    with connect(URI) as connection:
        says_echo(connection)


def test_8305_4_the_families_take_turns():
    places = [Place(family, (str(number), 80), None) for number, family in enumerate([6, 6, 6, 4])]
    assert [place.address[0] for place in interleaved(places)] == ["0", "3", "1", "2"]
    assert interleaved([]) == []


def test_4_1_item_2_a_taken_slot_delays_the_next_address_only(serving, found):
    busy, running = serving(echo), serving(echo)
    found(busy.address, running.address)
    with SLOTS.slot(slot_at(busy.address), Deadline(1)):
        with connect(URI, open_timeout=DEADLINE_S / 2) as connection:
            assert connection.remote_address == running.address
    assert not SLOTS._limited and not SLOTS._waiting


def test_4_1_item_2_an_attempt_begins_when_its_slot_is_given_back(serving, found, background):
    running = serving(echo)
    found(running.address, refusing())
    with SLOTS.slot(slot_at(running.address), Deadline(1)):
        connecting = background(connect, URI, open_timeout=DEADLINE_S / 2)
        assert eventually(lambda: SLOTS._waiting)
    with connecting.result() as connection:
        says_echo(connection)
    assert not SLOTS._limited and not SLOTS._waiting


def test_4_1_item_2_a_slot_that_stays_taken_is_named_at_the_deadline(found, nothing_left_behind):
    one, other = refusing(), refusing()
    found(one, other)
    what = "§4.1 item 2: another opening handshake with {}:{}".format(*one)
    with SLOTS.slot(slot_at(one), Deadline(1)):
        with pytest.raises(TimeoutError, match=re.escape(what)):
            connect(URI, open_timeout=5 * IN_TIME)
        assert len(SLOTS._limited) == 1 and not SLOTS._waiting


# Slots


@pytest.mark.parametrize(
    "address, slot",
    [
        (("127.0.0.1", 80), "127.0.0.1:80"),
        (("::ffff:127.0.0.1", 80, 0, 0), "127.0.0.1:80"),
        (("::FFFF:7f00:1", 80, 0, 0), "127.0.0.1:80"),
        (("127.0.0.1", 81), "127.0.0.1:81"),
        (("::1", 80, 0, 0), "[::1]:80"),
        (("0:0::1", 80, 0, 0), "[::1]:80"),
        (("fe80::1", 80, 0, 2), "[fe80::1%2]:80"),
        (("fe80::1%eth0", 80, 0, 2), "[fe80::1%2]:80"),
        ("/tmp/socket", "/tmp/socket"),
    ],
)
def test_4_1_item_2_a_slot_is_for_an_address_and_port(address, slot):
    assert slot_at(address) == slot


def test_4_1_item_2_a_silent_port_blocks_no_other_port_of_the_address(serving, background):
    running = serving(echo)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = "ws://{}:{}/".format(*mute.getsockname())
        waiting = background(is_broken_off, uri)
        peer = mute.accept()[0]
        with connect(running.uri) as connection:
            says_echo(connection)
        peer.close()
        waiting.result()


@pytest.mark.rfc("6455-4.1-06", "6455-4.1-07")
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
def test_4_1_item_2_an_ipv4_address_and_the_same_inside_of_ipv6_take_turns(background):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = listener.getsockname()[1]
        first = background(is_broken_off, f"ws://127.0.0.1:{port}/")
        peer = listener.accept()[0]
        with pytest.raises(TimeoutError, match="another opening handshake with 127.0.0.1"):
            connect(f"ws://[::ffff:127.0.0.1]:{port}/", open_timeout=5 * IN_TIME)
        peer.close()
        first.result()


@pytest.mark.rfc("6455-4.1-09")
@pytest.mark.parametrize("direct", [0, 10, 11])
def test_4_1_item_2_the_limit_behind_a_proxy_counts_only_clients_behind_a_proxy(direct):
    slots = Slots()
    with ExitStack() as stack:
        for number in range(direct):
            stack.enter_context(slots.slot(f"192.0.2.{number}", Deadline(1)))
        for number in range(10):
            stack.enter_context(slots.slot(f"{number}.example", Deadline(1), 10))
        with pytest.raises(TimeoutError), slots.slot("one.more", Deadline(IN_TIME), 10):
            pass
        with slots.slot("without.a.proxy", Deadline(IN_TIME)):
            pass


# Names


def test_the_time_of_the_resolver_counts_and_it_is_not_waited_for(monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answer.wait(NEVER))
    with pytest.raises(TimeoutError, match="finding the addresses of several.example took longer"):
        connect(URI, open_timeout=IN_TIME)
    (resolver,) = [thread for thread in threading.enumerate() if "resolver" in thread.name]
    assert resolver.daemon
    answer.set()
    resolver.join(DEADLINE_S)
    assert not resolver.is_alive()


def test_a_resolver_that_never_answers_keeps_no_process_from_ending():
    program = f"""
import socket, threading
from refws import connect
socket.getaddrinfo = lambda *arguments, **options: threading.Event().wait()
try:
    connect({URI!r}, open_timeout=0.1)
except TimeoutError:
    print("given up")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S * 4,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")


def test_an_error_of_the_resolver_is_the_error(monkeypatch, nothing_left_behind):
    def fail(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(socket.gaierror, match="unknown"):
        connect(URI)


def test_an_ip_address_needs_no_resolver(serving, monkeypatch):
    running, names, start = serving(echo), [], threading.Thread.start

    def noting(thread):
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noting)
    with connect(running.uri):
        pass
    assert names and not [name for name in names if "resolver" in name]


@pytest.mark.parametrize("options", [{}, {"server_hostname": "localhost."}])
def test_6066_3_the_name_in_sni_has_no_dot_at_its_end(tmp_path, nothing_left_behind, options):
    names = []

    def note(sock: ssl.SSLObject, name: str, context: ssl.SSLContext) -> None:
        names.append(name)

    context = server_context(CERTIFICATE, KEY)
    context.sni_callback = note
    path = str(tmp_path / "s")
    trusted = client_context(CERTIFICATE)
    with serve(echo, unix_path=path, ssl=context) as server:
        accepting = Background(server.serve_forever)
        with connect("wss://localhost./", unix_path=path, ssl=trusted, **options):
            pass
        server.stop()
        accepting.result()
    assert names == ["localhost"]
