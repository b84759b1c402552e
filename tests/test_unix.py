"""Unix sockets by the names of the `websockets` library: unix_serve and unix_connect."""

import socket
import sys

import pytest

from refws import Side, unix_connect, unix_serve
from transports import contexts
from wire import Background

pytestmark = [
    pytest.mark.transport("tcp", reason="it listens on Unix sockets of its own"),
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets"),
]


def say_path(connection):
    connection.send(f"{connection.request.headers['Host']}{connection.request.path}")


@pytest.mark.parametrize(
    "uri, host_and_path", [(None, "localhost/"), ("ws://a.example/b?c", "a.example/b?c")]
)
def test_unix_connect_reaches_unix_serve(tmp_path, nothing_left_behind, uri, host_and_path):
    path = tmp_path / "socket"
    with unix_serve(say_path, path, ping_interval=None) as server:
        accepting = Background(server.serve_forever)
        with unix_connect(path, uri, open_timeout=5) as connection:
            assert connection.recv() == host_and_path
        server.stop()
        accepting.result()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names without files")
def test_a_name_of_linux_that_has_no_file_is_a_path_too(tmp_path, nothing_left_behind):
    path = f"\0{tmp_path}"
    with unix_serve(say_path, path) as server:
        accepting = Background(server.serve_forever)
        with unix_connect(path) as connection:
            assert connection.recv() == "localhost/"
        with pytest.raises(OSError, match="in use"):
            unix_serve(say_path, path)
        server.stop()
        accepting.result()


def test_unix_connect_with_a_context_speaks_tls(tmp_path, nothing_left_behind):
    path = tmp_path / "socket"
    with unix_serve(say_path, str(path), ssl=contexts()[Side.SERVER]) as server:
        accepting = Background(server.serve_forever)
        with unix_connect(str(path), ssl=contexts()[Side.CLIENT]) as connection:
            assert connection.recv() == "localhost/"
        server.stop()
        accepting.result()


def test_without_a_path_nothing_is_opened():
    with pytest.raises(TypeError, match="path is None"):
        unix_serve(say_path, None)
    with pytest.raises(TypeError, match="path is None"):
        unix_connect(None)
