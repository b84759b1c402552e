"""`endurance abuse`: bad clients of five kinds in turn, and a good one beside them all the time.

The good client is a process of its own and does one echo every 10 ms. After each attack the server
must be back at its base: the threads and file descriptors that it has with the good client alone.
The first round of all attacks warms the server up; its memory is compared with what it was then.
"""

import contextlib
import dataclasses
import multiprocessing
import random
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe

from scripts.shared import client_wire as wire
from scripts.shared import server_process
from scripts.shared.figures import Figure, held, usage, wait_until
from scripts.shared.time_left import Progress

ROUND_TRIP_BOUND_MS = 1000
MEMORY_MARGIN_KIB = 4 * 1024
OPEN_TIMEOUT_S = 10
SEND_TIMEOUT_S = 20
MARGIN_S = 5
"""Seconds that the server may take beyond its own deadlines: lingering close, a busy machine."""

ECHO_EVERY_S = 0.01
GOOD_TIMEOUT_S = 30

KILLED_PROCESSES, SOCKETS_EACH = 10, 20
SILENT = 200
NEVER_READING = 50
GARBAGE_SEED = 6455
GARBAGE_REPEATS = 3
TLS_CLIENTS = 20

Address = tuple[str, int]


# The good client, in a process of its own


def good_client(address: Address, pipe: Pipe) -> None:
    """Echo once every 10 ms. Report the worst round trip (s) and the echoes through the pipe."""
    message = wire.client_frame(wire.TEXT, b"are you still there?")
    echo = wire.server_frame(wire.TEXT, b"are you still there?")
    worst, echoes = 0.0, 0
    with wire.open_websocket(*address, "/echo", GOOD_TIMEOUT_S) as connection:
        due = time.monotonic()
        while True:
            worst, echoes = max(worst, round_trip(connection, message, echo)), echoes + 1
            due = max(due + ECHO_EVERY_S, time.monotonic())
            if pipe.poll(due - time.monotonic()):
                if pipe.recv() == "stop":
                    return
                pipe.send((worst, echoes))
                worst, echoes = 0.0, 0


def round_trip(connection: socket.socket, message: bytes, echo: bytes) -> float:
    started = time.perf_counter()
    connection.sendall(message)
    while (frame := read_frame(connection)) != echo:
        answer_ping(connection, frame)
    return time.perf_counter() - started


def read_frame(connection: socket.socket) -> bytes:
    """A frame with fewer than 126 bytes of payload; the good client gets no other."""
    header = wire.read_exactly(connection, 2)
    return header + wire.read_exactly(connection, header[1])


def answer_ping(connection: socket.socket, frame: bytes) -> None:
    if frame[0] != wire.FIN | wire.PING:
        raise wire.WireError(
            f"the good client got neither its echo nor a Ping: {frame[:20].hex(' ')}"
        )
    connection.sendall(wire.client_frame(wire.PONG, frame[2:]))


class GoodClient:
    """The good client as its parent sees it."""

    def __init__(self, address: Address) -> None:
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=good_client, args=(address, other), daemon=True
        )
        self.process.start()
        other.close()

    def report(self) -> tuple[float, int]:
        """The worst round trip (ms) and the echoes since the last report; WireError if it died."""
        try:
            self.pipe.send("report")
            if self.pipe.poll(GOOD_TIMEOUT_S):
                worst, echoes = self.pipe.recv()
                return worst * 1000, echoes
        except (EOFError, OSError):
            pass
        raise wire.WireError(
            f"the good client lost its connection or had no echo for {GOOD_TIMEOUT_S} s"
        )

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send("stop")
        self.process.join(1)
        self.process.kill()
        self.process.join()


# The attacks: each returns how many of its connections were cut, or ended by the server in time


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
    """Send frames piece by piece on many connections at a time, until killed."""
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
    """What a connection still has to send; when all is sent, empty sends notice the end."""

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


def garbage(source: random.Random, address: Address) -> Iterator[bytes]:
    request = wire.request("/echo", *address)
    for _ in range(GARBAGE_REPEATS):
        yield from random_bytes(source)
        yield from broken_heads(source, request)
        yield from (request + frame for frame in broken_frames(source))


def random_bytes(source: random.Random) -> Iterator[bytes]:
    for size in (1, 100, 10_000, 1_000_000):
        yield source.randbytes(size)
    yield bytes(100_000)
    yield b"\n" * 100_000
    yield b"\r\n" * 50_000
    yield b"SSH-2.0-OpenSSH_9.6\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
    yield bytes([22, 3, 1]) + source.randbytes(500)


def broken_heads(source: random.Random, request: bytes) -> Iterator[bytes]:
    yield request.replace(b"\r\n", b"\n")
    yield request.replace(b"GET", b"POST")
    yield request.replace(b"HTTP/1.1", b"HTTP/9.9")
    yield request.replace(b"GET /echo HTTP/1.1", b"GET /echo")
    yield request.replace(b"Host:", b"Host :")
    yield request.replace(b"Upgrade: websocket", b"Upgrade: \x00\xff")
    yield request.replace(b"/echo", b"/" + b"a" * 100_000)
    yield request.replace(b"Host:", b"a: " + b"b" * 1_000_000 + b"\r\nHost:")
    yield request.replace(b"Host:", b"a: b\r\n" * 10_000 + b"Host:")
    yield request.replace(b"Host:", b"Content-Length: -1\r\nHost:")
    yield request.replace(b"Host:", b"Content-Length: 100000000\r\nHost:") + bytes(1000)
    yield request.replace(b"Host:", b"Transfer-Encoding: chunked\r\nHost:") + b"ffffffff\r\n"
    cut = source.randrange(1, len(request))
    yield request[:cut] + source.randbytes(20) + request[cut:]


def broken_frames(source: random.Random) -> Iterator[bytes]:
    yield wire.server_frame(wire.TEXT, b"not masked")
    yield wire.client_frame(wire.TEXT, b"\xff\xfe not UTF-8")
    yield wire.client_frame(0x3, b"reserved opcode")
    yield wire.client_frame(0x0, b"continues nothing")
    yield wire.client_frame(wire.PING, bytes(126))
    yield wire.client_frame(wire.CLOSE, b"\x03")
    yield wire.client_frame(wire.CLOSE, (1005).to_bytes(2, "big"))
    yield b"\x82\xff" + b"\xff" * 8 + source.randbytes(100)
    yield b"\x82\xff" + (1 << 40).to_bytes(8, "big") + source.randbytes(100)
    yield b"\xf2" + source.randbytes(1000)


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


# The rounds


@dataclasses.dataclass(frozen=True)
class Attack:
    """An attack: `attack` returns how many of its `connections` were cut or ended in time."""

    name: str
    attack: Callable[[Address], int]
    connections: int
    expected_s: float


ATTACKS = (
    Attack("killed in mid-frame", kill_in_mid_frame, KILLED_PROCESSES * SOCKETS_EACH, 1),
    Attack("half a handshake", send_half_a_handshake, SILENT, OPEN_TIMEOUT_S + 1),
    Attack("never reading", never_read, NEVER_READING, SEND_TIMEOUT_S + 1),
    Attack(
        "garbage",
        talk_nonsense,
        len(list(garbage(random.Random(GARBAGE_SEED), ("", 0)))),
        OPEN_TIMEOUT_S,
    ),
    Attack("TLS ClientHello", say_hello_in_tls, TLS_CLIENTS, 1),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One attack: the good client's worst round trip, and what the server held 5 s later."""

    attack: Attack
    worst_ms: float
    ended: int
    left_over: int


def carry_out(
    attack: Attack, address: Address, pid: int, base: tuple[int, int], good: GoodClient
) -> Outcome:
    good.report()
    ended = attack.attack(address)
    wait_until(lambda: held(pid) <= base, MARGIN_S)
    left_over = sum(max(0, now - before) for now, before in zip(held(pid), base, strict=True))
    return Outcome(attack, good.report()[0], ended, left_over)


def run(rounds: int) -> list[Figure]:
    """The figures of all attacks on a server with the default deadlines."""
    address = server_process.HOST, server_process.free_port()
    progress = Progress(rounds * sum(attack.expected_s for attack in ATTACKS))
    with server_process.running(server_process.refws_command(), address[1]) as server:
        good = GoodClient(address)
        try:
            good.report()
            base = held(server.pid)
            outcomes, memory_kib = [], []
            for number in range(1, rounds + 1):
                for attack in ATTACKS:
                    progress.show(f"round {number} of {rounds}: {attack.name}")
                    outcomes.append(carry_out(attack, address, server.pid, base, good))
                memory_kib.append(usage(server.pid).pss_kib)
        finally:
            good.stop()
    progress.done()
    growth = Figure(
        "memory (PSS) since the first round",
        memory_kib[-1] - memory_kib[0],
        MEMORY_MARGIN_KIB,
        "KiB",
    )
    return [*(figure for attack in ATTACKS for figure in judge(attack, outcomes)), growth]


def judge(attack: Attack, outcomes: list[Outcome]) -> list[Figure]:
    """The worst of all rounds of one attack."""
    rounds = [outcome for outcome in outcomes if outcome.attack is attack]
    ended = min(outcome.ended for outcome in rounds)
    left_over = max(outcome.left_over for outcome in rounds)
    worst_ms = max(outcome.worst_ms for outcome in rounds)
    return [
        Figure(f"{attack.name}: connections ended in time", ended, attack.connections, floor=True),
        Figure(f"{attack.name}: threads and descriptors left over", left_over, 0),
        Figure(
            f"{attack.name}: good client's worst round trip", worst_ms, ROUND_TRIP_BOUND_MS, "ms"
        ),
    ]
