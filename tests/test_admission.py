"""RFC 6455 §4.1 item 2: the limits on the number of connections, for all and for each address."""

import socket
from types import SimpleNamespace

import pytest

from refws.endpoint.admission import Admission, network_of
from wire import TEXT, Wire, eventually, request

TWO_ADDRESSES = pytest.mark.skipif(
    not hasattr(socket, "SO_DOMAIN"), reason="only Linux has 127.0.0.2 without configuration"
)


def echo(connection):
    for message in connection:
        connection.send(message)


# What an address counts as


@pytest.mark.parametrize(
    "address, network",
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::", 5, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:3::", 5, 0, 0), "2001:db8:1:3::/64"),
        (("::1", 5, 0, 0), "::/64"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::/64"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("::ffff:192.0.2.2", 5, 0, 0), "192.0.2.2"),
        ((3, 1024), "3"),
        ("/tmp/a client's socket", None),
        ("", None),
        (b"\0abstract", None),
        (None, None),
    ],
)
def test_ipv4_counts_as_itself_ipv6_as_its_network_and_a_unix_socket_not_at_all(address, network):
    assert network_of(address) == network


# Counting


def threads(*hosts):
    """Threads of connections, with what the admission asks them for."""
    return [
        SimpleNamespace(connection=Connection((host, 5) if host else ""), network=None)
        for host in hosts
    ]


class Connection:
    def __init__(self, remote_address):
        self.remote_address = remote_address


def test_each_address_has_its_limit_and_gets_its_place_back():
    admission = Admission(None, 2)
    first, second, third, other = threads("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")
    assert [admission.admit(one) for one in (first, second, other)] == [None, None, None]
    reason = "2 connections from 192.0.2.1 are open, the limit for each address"
    assert admission.admit(third) == ("max_connections_per_address", reason)
    admission.forget(first)
    assert admission.admit(third) is None
    assert admission.threads == (second, other, third)


def test_nothing_is_kept_of_addresses_that_have_left_not_even_of_those_that_changed():
    """An application behind a proxy may write the address of its client to the connection."""
    admission = Admission(None, 1)
    for number in range(3):
        (thread,) = threads(f"192.0.2.{number}")
        assert admission.admit(thread) is None
        thread.connection.remote_address = ("198.51.100.1", 1)
        admission.forget(thread)
        admission.forget(thread)
    assert admission.threads == () and not admission._networks


def test_a_connection_that_is_refused_is_not_counted():
    admission = Admission(1, 1)
    inside, twin, other = threads("192.0.2.1", "192.0.2.1", "192.0.2.2")
    assert admission.admit(inside) is None
    full = ("max_connections", "1 connections are open, the limit of this server")
    assert admission.admit(twin) == full
    admission.forget(other)
    admission.forget(twin)
    assert admission.threads == (inside,)
    assert admission.admit(other) == full


def test_without_a_limit_for_each_address_none_is_counted():
    admission = Admission(None, None)
    for thread in threads(*["192.0.2.1"] * 5):
        assert admission.admit(thread) is None
    assert not admission._networks


def test_what_has_no_address_has_no_limit():
    admission = Admission(None, 1)
    for thread in threads(*[""] * 5):
        assert admission.admit(thread) is None


# On real sockets


@pytest.mark.transport("tcp", reason="Unix sockets have no address, and TLS has none of its own")
@TWO_ADDRESSES
def test_4_1_item_2_150_silent_connections_keep_no_client_of_another_address_out(serving):
    running = serving(echo, max_connections=100, max_connections_per_address=40)
    silent = [running.connect() for _ in range(150)]
    assert eventually(lambda: len(running.server.all_connections) == 40)
    status, headers = silent[-1].receive_head()
    body = b"40 connections from 127.0.0.1 are open, the limit for each address; try again later.\n"
    assert (status, silent[-1].read(int(headers["content-length"]))) == (503, body)
    for _ in range(20):
        good = Wire.connect(running.address, bind_to=("127.0.0.2", 0))
        running.clients.append(good)
        good.send(request())
        assert good.receive_head()[0] == 101
        good.send_frame(TEXT, b"a good one")
        good.expect(TEXT, b"a good one")
    assert len(running.server.all_connections) == 60
    for client in silent:
        client.close()
    assert eventually(lambda: len(running.server.all_connections) == 20)
    running.open().finish()
    assert eventually(lambda: list(running.server._admission._networks) == ["127.0.0.2"])


@pytest.mark.transport("unix", reason="it is about Unix sockets")
def test_over_a_unix_socket_there_is_no_limit_for_each_address(serving):
    running = serving(echo, max_connections_per_address=1)
    for client in [running.open() for _ in range(3)]:
        client.finish()
