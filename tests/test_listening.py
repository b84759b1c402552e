"""Listening sockets: which addresses a host means, and the one that others can open."""

import errno
import socket
from contextlib import ExitStack, closing

import pytest

from refws import connect, serve
from refws.endpoint import listening
from wire import Background


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 address")
both_families = pytest.mark.parametrize("host", ["", None, "::", "localhost", "LocalHost."])


def addresses(connection):
    connection.send(f"{connection.remote_address[0]} {connection.local_address[1]}")


def assert_reached_by_both_families(server):
    accepting = Background(server.serve_forever)
    port = server.address[1]
    for name, authority in ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"):
        with connect(f"ws://{authority}:{port}/") as connection:
            assert connection.recv() == f"{name} {port}"
    server.stop()
    accepting.result()


@needs_ipv6
@both_families
def test_a_host_of_both_families_is_reached_by_both(host, nothing_left_behind):
    with serve(addresses, host, 0) as server:
        assert_reached_by_both_families(server)


@pytest.mark.parametrize(
    "host, family",
    [("127.0.0.1", "AF_INET"), ("0.0.0.0", "AF_INET"), ("::ffff:127.0.0.1", "AF_INET")],
)
def test_an_ipv4_address_is_of_one_family(host, family):
    (sock,) = listening.listen(host, 0)
    with sock:
        assert sock.family.name == family


def without_ipv6(error):
    create_server = socket.create_server

    def refusing(address, *, family, backlog):
        if family == socket.AF_INET6:
            raise OSError(error, "no")
        return create_server(address, family=family, backlog=backlog)

    return refusing


@both_families
@pytest.mark.parametrize("error", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_without_ipv6_it_listens_on_ipv4_alone(host, error, monkeypatch):
    monkeypatch.setattr(socket, "create_server", without_ipv6(error))
    (sock,) = listening.listen(host, 0)
    with sock:
        assert sock.family is socket.AF_INET


def test_an_ipv6_address_that_the_machine_has_not_is_an_error(monkeypatch):
    monkeypatch.setattr(socket, "create_server", without_ipv6(errno.EADDRNOTAVAIL))
    with pytest.raises(OSError) as caught:
        listening.listen("::1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@needs_ipv6
@pytest.mark.parametrize("family, taken", [("AF_INET", "127.0.0.1"), ("AF_INET6", "::1")])
def test_a_port_that_is_in_use_in_one_family_is_an_error_and_nothing_stays_open(
    family, taken, nothing_left_behind
):
    """Else half of the clients would reach another program."""
    with socket.create_server((taken, 0), family=socket.AddressFamily[family]) as other:
        with pytest.raises(OSError) as caught:
            listening.listen("localhost", other.getsockname()[1])
        assert caught.value.errno == errno.EADDRINUSE


@needs_ipv6
def test_a_free_port_is_free_in_both_families(monkeypatch, nothing_left_behind):
    create_server, failed = socket.create_server, []

    def in_use_once(address, *, family, backlog):
        if family == socket.AF_INET6 and not failed:
            failed.append(address[1])
            raise OSError(errno.EADDRINUSE, "in use")
        return create_server(address, family=family, backlog=backlog)

    monkeypatch.setattr(socket, "create_server", in_use_once)
    with ExitStack() as stack:
        socks = [stack.enter_context(sock) for sock in listening.listen("localhost", 0)]
        assert len(failed) == 1
        assert len(socks) == 2 and len({sock.getsockname()[1] for sock in socks}) == 1


@needs_ipv6
@pytest.mark.parametrize("host", [["127.0.0.1", "::1"], ("::1", "127.0.0.1")])
def test_each_host_of_a_list_is_reached_on_the_same_port(host, nothing_left_behind):
    with serve(addresses, host, 0) as server:
        assert server.address[0] == host[0]
        assert_reached_by_both_families(server)


@pytest.mark.parametrize(
    "hosts, expected",
    [
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", "localhost"], ["127.0.0.1", "::1"]),
        (["localhost", "127.0.0.1"], ["127.0.0.1", "::1"]),
        (["::ffff:127.0.0.1", "127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", "0.0.0.0"], ["0.0.0.0"]),
        (["0.0.0.0", "127.0.0.1", "::1"], ["0.0.0.0", "::1"]),
        (["::1", "::", "127.0.0.1"], ["::", "0.0.0.0"]),
        (["", "localhost"], ["0.0.0.0", "::"]),
    ],
)
def test_no_socket_is_in_the_way_of_another_of_the_same_server(hosts, expected):
    found = [each for host in hosts for each in listening.addresses_of(host, 80)]
    assert [each.address[0] for each in listening.without_covered(found)] == expected


def test_a_host_that_another_one_covers_starts_nevertheless(nothing_left_behind):
    with ExitStack() as stack:
        socks = listening.listen(["127.0.0.1", "0.0.0.0"], 0)
        assert len([stack.enter_context(sock) for sock in socks]) == 1


@pytest.mark.parametrize("hosts", [["127.0.0.1", "192.0.2.254"], ["192.0.2.254", "127.0.0.1"]])
def test_each_host_needs_an_address_that_the_machine_has(hosts, monkeypatch, nothing_left_behind):
    """Else a server would start, and no one could reach it where its user said."""
    create_server = socket.create_server

    def only_loopback(address, **options):
        if address[0] != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "no")
        return create_server(address, **options)

    monkeypatch.setattr(socket, "create_server", only_loopback)
    with pytest.raises(OSError) as caught:
        listening.listen(hosts, 0)
    assert (caught.value.errno, caught.value.filename) == (errno.EADDRNOTAVAIL, "192.0.2.254")


@needs_ipv6
def test_of_several_hosts_the_error_names_the_one_that_is_in_use(nothing_left_behind):
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(OSError) as caught:
            listening.listen(["::1", "127.0.0.1"], other.getsockname()[1])
    assert (caught.value.errno, caught.value.filename) == (errno.EADDRINUSE, "127.0.0.1")


@pytest.mark.parametrize("host", ["x" * 64, "nowhere.invalid"])
def test_of_several_hosts_the_error_names_the_one_that_has_no_address(host, monkeypatch):
    def unknown(host, *arguments, **options):
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return getaddrinfo(host, *arguments, **options)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror) as caught:
        listening.listen(["127.0.0.1", host], 0)
    assert (caught.value.errno, caught.value.filename) == (socket.EAI_NONAME, host)


def test_a_name_means_all_its_addresses_that_this_machine_has(monkeypatch, nothing_left_behind):
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0))
        for host in ("192.0.2.254", "127.0.0.1", "127.0.0.1")
    ]
    create_server = socket.create_server

    def only_loopback(address, **options):
        if address[0] != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "no")
        return create_server(address, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    monkeypatch.setattr(socket, "create_server", only_loopback)
    (sock,) = listening.listen("this.machine", 0)
    with sock:
        assert sock.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_address_for_others_is_one_of_this_machine(host):
    with closing(listening.listen(listening.open_to_others(host), 0)[0]) as sock:
        assert sock.getsockname()[0] not in ("0.0.0.0", "::")


def test_without_a_route_to_others_it_is_the_loopback_address(monkeypatch):
    monkeypatch.setitem(listening.OUTSIDE, "0.0.0.0", ("no address", "127.0.0.1"))
    assert listening.open_to_others("0.0.0.0") == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.0.2.7"])
def test_one_address_is_its_own(host):
    assert listening.open_to_others(host) == host
