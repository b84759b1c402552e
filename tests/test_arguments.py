"""What serve and connect are given is checked before any socket is opened."""

import asyncio
import re
import socket
import ssl
from pathlib import Path

import pytest

from refws import connect, serve
from wire import Background

CLIENT, SERVER = (
    ssl.SSLContext(protocol) for protocol in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER)
)


async def asynchronous(connection):
    await asyncio.Event().wait()


def generator(connection):
    yield connection


BOTH = [
    ({"subprotocols": "chat"}, "use a list of str"),
    ({"subprotocols": 5}, "use a list of str"),
    ({"subprotocols": [b"chat"]}, "use str"),
    ({"subprotocols": ["chat", None]}, "use str"),
    ({"subprotocols": ["a b"]}, "a few signs"),
    ({"subprotocols": [""]}, "a few signs"),
    ({"subprotocols": ["chat", "chat"]}, "name each of them once"),
    ({"compression": "zip"}, "use None, 'deflate' or DeflateSettings"),
    ({"compression": True}, "use None, 'deflate' or DeflateSettings"),
    ({"close_timeout": None}, "use a number of seconds above 0"),
    ({"send_timeout": 0}, "use a number of seconds above 0"),
    ({"open_timeout": -1}, "or None for no limit"),
    ({"open_timeout": "10"}, "or None for no limit"),
    ({"ping_interval": float("nan")}, "or None for no limit"),
    ({"ping_timeout": 10**400}, "or None for no limit"),
    ({"max_size": 2.0**20}, "use a whole number of at least 0"),
    ({"max_fragments": 0}, "use a whole number of at least 1"),
    ({"logger": "refws"}, "use logging.getLogger(...)"),
    ({"trace": "all"}, "use a function"),
    ({"trace": [print, None]}, "use a function"),
    ({"trace": asynchronous}, "use def without async"),
    ({"ssl": True}, "use an ssl.SSLContext"),
    ({"unix_path": 5}, "use a path as str"),
    ({"unix_path": ""}, "use a path, or None for TCP"),
]

OF_SERVE = [
    ({"handler": None}, "use a function"),
    ({"handler": asynchronous}, "use def without async"),
    ({"handler": generator}, "use def without async and yield"),
    ({"process_request": "yes"}, "use a function"),
    ({"process_request": asynchronous}, "use def without async"),
    ({"host": 5}, "use a str or None"),
    ({"host": b"127.0.0.1"}, "use a str or None"),
    ({"host": []}, "use a str for each host, or None for all addresses"),
    ({"host": ()}, "use a str for each host, or None for all addresses"),
    ({"host": ["127.0.0.1", None]}, "each host of the list is None; use a str"),
    ({"host": ["127.0.0.1", 5]}, "each host of the list is 5; use a str"),
    ({"host": {"127.0.0.1"}}, "use a str or None"),
    ({"port": "8080"}, "use an int"),
    ({"port": True}, "use an int"),
    ({"port": -1}, "use 0 to 65535"),
    ({"port": 65536}, "use 0 to 65535"),
    ({"sock": 5}, "use a listening socket"),
    ({"ssl": CLIENT}, "use ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)"),
    ({"origins": "https://example.com"}, "use a list of str"),
    ({"origins": [re.compile("https://.*")]}, "https://*.example.com"),
    ({"max_connections": True}, "use a whole number"),
]

OF_CONNECT = [
    ({"uri": None}, "use a str"),
    ({"uri": b"ws://127.0.0.1/"}, "use a str"),
    ({"uri": "http://127.0.0.1/"}, "ws://"),
    ({"uri": "wss://127.0.0.1/", "ssl": SERVER}, "use ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)"),
    ({"ssl": CLIENT}, "wss://"),
    ({"server_hostname": 5}, "use a str or None"),
    ({"proxy": 5}, "use a str, True for the proxy of the environment, or None"),
    ({"proxy": False}, "None for no proxy"),
    ({"proxy": "socks5://localhost"}, "http://host:port"),
    ({"proxy": "http://localhost", "unix_path": "x"}, "leave proxy out"),
    ({"origin": re.compile("x")}, "use a str or None"),
    ({"origin": "https://example.com/"}, "write https://example.com"),
    ({"origin": "https://b\u00fccher.example"}, "write https://xn--bcher-kva.example"),
    ({"origin": "https://*.example.com"}, "write https://example.com"),
    ({"origin": "*"}, "write https://example.com"),
    ({"origin": "example.com"}, "scheme://host"),
    ({"additional_headers": "Cookie: a=b"}, "use a dict of str to str"),
    ({"additional_headers": 5}, "of type int; use a dict of str to str"),
    ({"additional_headers": False}, "of type bool; use a dict of str to str"),
    ({"additional_headers": {"Cookie": 5}}, "use a dict of str to str"),
    ({"additional_headers": [("Cookie",)]}, "use a dict of str to str"),
    ({"additional_headers": {"Authorization": b"s3cr3t"}}, "has (str, bytes); use a dict of str"),
    ({"additional_headers": {"Authorization": "s3cr3t\n"}}, "no latin-1 in its value, '\\n' ("),
    ({"additional_headers": {"Host": "another"}}, "the URI says it"),
    ({"additional_headers": {"A": "b\r\nC: d"}}, "a control character"),
    ({"user_agent_header": "a\r\nB: c"}, "a control character"),
]


@pytest.fixture
def no_socket(monkeypatch, nothing_left_behind):
    def never(*arguments, **options):
        pytest.fail("a socket was opened")

    for name in ("socket", "socketpair", "create_server", "getaddrinfo"):
        monkeypatch.setattr(socket, name, never if name != "socket" else NoSocket)


class NoSocket(socket.socket):
    def __init__(self, *arguments, **options):
        pytest.fail("a socket was opened")


@pytest.mark.parametrize("arguments, what_to_use", BOTH + OF_SERVE)
def test_serve_refuses_what_it_cannot_use_before_it_opens_a_socket(
    no_socket, arguments, what_to_use
):
    with pytest.raises((TypeError, ValueError), match=re.escape(what_to_use)):
        serve(**{"handler": print, "port": 0, **arguments})


@pytest.mark.parametrize("arguments, what_to_use", BOTH + OF_CONNECT)
def test_connect_refuses_what_it_cannot_use_before_it_opens_a_socket(
    no_socket, arguments, what_to_use
):
    with pytest.raises((TypeError, ValueError), match=re.escape(what_to_use)):
        connect(**{"uri": "ws://127.0.0.1:1/", **arguments})


def test_a_socket_beside_a_path_is_refused_and_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        with pytest.raises(ValueError, match="leave unix_path out"):
            serve(print, sock=sock, unix_path="x")
        assert sock.fileno() >= 0


@pytest.mark.skipif(not hasattr(socket, "SO_ACCEPTCONN"), reason="the system cannot say it")
def test_a_socket_that_does_not_listen_is_refused_and_stays_open():
    with socket.socket() as sock:
        with pytest.raises(ValueError, match="use socket.create_server"):
            serve(print, sock=sock)
        assert sock.fileno() >= 0


def test_lists_may_be_any_iterable_and_a_path_a_path(tmp_path, nothing_left_behind):
    def handler(connection):
        connection.send(connection.subprotocol + connection.request.headers["X-Name"])

    path = tmp_path / "socket"
    subprotocols = (name for name in ("chat",))
    with serve(handler, unix_path=Path(path), subprotocols=subprotocols) as server:
        accepting = Background(server.serve_forever)
        for headers in (iter([("X-Name", "!")]), {"X-Name": "!"}):
            with connect(
                "ws://localhost/",
                unix_path=path,
                subprotocols=iter(["chat"]),
                additional_headers=headers,
            ) as connection:
                assert connection.recv() == "chat!"
        server.stop()
        accepting.result()


def test_none_is_no_list_and_no_headers(serving):
    running = serving(lambda connection: connection.send("hello"))
    nothing = {"subprotocols": None, "additional_headers": None, "trace": None, "origin": None}
    with connect(running.uri, **running.way, **nothing) as connection:
        assert connection.recv() == "hello"
