"""The attacks. Each returns how many of its connections were cut, or ended in time."""

import contextlib
import multiprocessing
import random
import selectors
import socket
import ssl
import time
from multiprocessing.connection import Connection as Pipe

from scripts.endurance.garbage import garbage
from scripts.endurance.good_client import GOOD_TIMEOUT_S, Address
from scripts.shared import client_wire as wire

OPEN_TIMEOUT_S = 10
SEND_TIMEOUT_S = 20
MARGIN_S = 5
"""Seconds that the server may take beyond its own deadlines: lingering close, a busy machine."""

KILLED_PROCESSES, SOCKETS_EACH = 10, 20
SILENT = 200
NEVER_READING = 50
GARBAGE_SEED = 6455
TLS_CLIENTS = 20


def kill_in_mid_frame(address: Address) -> int:
    """Kill, with SIGKILL, processes whose connections are all in the middle of a frame."""
    pipes, processes = [], []
    for _ in range(KILLED_PROCESSES):
        pipe, other = multiprocessing.Pipe()
        process = multiprocessing.Process(
            target=send_without_end, args=(address, other), daemon=True
        )
        process.start()
        other.close()
        pipes.append(pipe)
        processes.append(process)
    try:
        for pipe in pipes:
            if not pipe.poll(GOOD_TIMEOUT_S):
                raise wire.WireError("the clients to be killed could not connect")
            pipe.recv()
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
    return KILLED_PROCESSES * SOCKETS_EACH


def send_without_end(address: Address, pipe: Pipe) -> None:
    """Send frames in small parts on many connections at the same time, until killed."""
    frame = wire.header(wire.BINARY, 1 << 20, masked=True) + wire.MASKING_KEY
    connections = [
        wire.open_websocket(*address, "/echo", GOOD_TIMEOUT_S) for _ in range(SOCKETS_EACH)
    ]
    for connection in connections:
        connection.sendall(frame + bytes(1000))
    pipe.send("in mid-frame")
    for _ in range(1000):
        for connection in connections:
            connection.sendall(bytes(1000))


def send_half_a_handshake(address: Address) -> int:
    """Send half a request and then nothing, or, every second client, a byte each second."""
    half = wire.request("/echo", *address)[:60]
    connections = [connect(address) for _ in range(SILENT)]
    for connection in connections:
        connection.sendall(half)
    trickling = connections[::2]
    deadline = time.monotonic() + OPEN_TIMEOUT_S + MARGIN_S
    while trickling and time.monotonic() < deadline:
        time.sleep(1)
        trickling = [connection for connection in trickling if still_takes(connection, b"x")]
    return ended(connections, deadline)


def never_read(address: Address) -> int:
    """Ask for big echoes, as much as the system lets us, and read none of them."""
    frame = wire.client_frame(wire.BINARY, bytes(1 << 20))
    connections = [connect(address, receive_buffer=4096) for _ in range(NEVER_READING)]
    for connection in connections:
        connection.sendall(wire.request("/echo", *address))
        wire.check_response(wire.read_head(connection))
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_WRITE, Rest(connection, frame * 8))
        still_open = send_all(selector, time.monotonic() + SEND_TIMEOUT_S + 2 * MARGIN_S)
    for connection in connections:
        connection.close()
    return NEVER_READING - still_open


class Rest:
    """The bytes that a connection still has to send; when all are sent, the end is noticed."""

    def __init__(self, connection: socket.socket, data: bytes) -> None:
        self.connection, self.data = connection, memoryview(data)

    def send(self) -> None:
        self.data = self.data[self.connection.send(self.data) :]


def send_all(selector: selectors.BaseSelector, deadline: float) -> int:
    """Send to each connection until the server ends it; how many it has not ended in time."""
    while selector.get_map() and time.monotonic() < deadline:
        for key, _ in selector.select(1):
            try:
                key.data.send()
            except OSError:
                selector.unregister(key.fileobj)
    return len(selector.get_map())


def talk_nonsense(address: Address) -> int:
    """Send everything that is no opening handshake, and frames that no client may send."""
    connections = []
    for nonsense in garbage(random.Random(GARBAGE_SEED), address):
        connection = connect(address)
        connections.append(connection)
        with contextlib.suppress(OSError):
            connection.sendall(nonsense)
    return ended(connections, time.monotonic() + OPEN_TIMEOUT_S + MARGIN_S)


def say_hello_in_tls(address: Address) -> int:
    """Send a ClientHello to the plain port; then half of the clients wait, half end."""
    connections = [connect(address) for _ in range(TLS_CLIENTS)]
    hello = client_hello()
    for connection in connections:
        connection.sendall(hello)
    for connection in connections[::2]:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
    return ended(connections, time.monotonic() + OPEN_TIMEOUT_S + MARGIN_S)


def client_hello() -> bytes:
    """What a TLS client sends first."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="localhost"
    )
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


# What the attacks share


def connect(address: Address, receive_buffer: int | None = None) -> socket.socket:
    connection = socket.socket()
    try:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(GOOD_TIMEOUT_S)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def still_takes(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def ended(connections: list[socket.socket], deadline: float) -> int:
    """How many connections the server ended before the deadline; closes all of them."""
    count = 0
    for connection in connections:
        with connection, contextlib.suppress(TimeoutError):
            count += reaches_end(connection, deadline)
    return count


def reaches_end(connection: socket.socket, deadline: float) -> bool:
    """True at the end of the stream; TimeoutError if it is not reached."""
    while True:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            if not connection.recv(65536):
                return True
        except TimeoutError:
            raise
        except OSError:
            return True
