"""After `os.fork`: the clients of a child have their own timer thread and slots, and the sockets
of its parent stay as they are, in whatever way it ends.

Each test is a program that forks, in a process of its own, because pytest itself has threads.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

TESTS = Path(__file__).resolve().parent
DEADLINE_S = 90

BEGIN = """
import gc, os, signal, socket, sys, threading
from refws import ConnectionClosed, connect, serve
from refws.endpoint.client.connect import SLOTS, TIMERS
from wire import CLOSE, PING, PONG, TEXT, Wire, close_body, eventually, frame, response

signal.alarm(60)  # ends a program that hangs

def fork(function):
    '''The id of a child that runs the function, and then ends like any program.'''
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(30)
    function()
    gc.collect()
    sys.exit(7)

def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def in_thread(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread

def echo(connection):
    for message in connection:
        connection.send(message)

def says_echo(connection, message):
    connection.send(message)
    assert connection.recv() == message

def uri(address):
    return "ws://{}:{}/".format(*address)

def listening():
    return socket.create_server(("127.0.0.1", 0))

def opened(listener):
    '''The raw end of the next connection, after the opening handshake.'''
    peer = Wire(listener.accept()[0])
    _, fields = peer.receive_request()
    peer.send(response(fields["sec-websocket-key"]))
    return peer
"""


def run(code, *arguments):
    """The program's exit status is 0, and it prints nothing to stderr."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEGIN + code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# The clients of a child


def test_a_childs_client_has_a_heartbeat_of_its_own():
    """The parent's timer thread runs at the fork; it does not exist in the child."""
    run("""
def child():
    with connect(uri(listener.getsockname()), ping_interval=0.02) as connection:
        assert connection.recv() == "two Pings seen"

with serve(echo, port=0) as server, listening() as listener:
    in_thread(server.serve_forever)
    with connect(uri(server.address)) as connection:
        assert "refws-timers of clients" in [thread.name for thread in threading.enumerate()]
        pid = fork(child)
        peer, pings = opened(listener), 0
        while (received := peer.receive())[0].opcode != CLOSE:
            assert received[0].opcode == PING
            peer.send_frame(PONG, received[1], masked=0)
            pings += 1
            if pings == 2:
                peer.send_frame(TEXT, b"two Pings seen", masked=0)
        peer.send_frame(CLOSE, close_body(1000), masked=0)
        peer.close()
        assert status(pid) == 7
        says_echo(connection, "of the parent")
""")


def test_4_1_item_2_a_child_waits_for_no_slot_of_a_thread_that_it_does_not_have():
    """At the fork another thread is inside `connect`, in an opening handshake with the server."""
    run("""
def child():
    with connect(uri(mute.getsockname()), open_timeout=5):
        pass

def ends(peer):
    peer.receive()
    peer.send_frame(CLOSE, close_body(1000), masked=0)
    peer.close()

with listening() as mute:
    connecting = in_thread(lambda: connect(uri(mute.getsockname()), open_timeout=None).close())
    peer = Wire(mute.accept()[0])
    _, fields = peer.receive_request()
    pid = fork(child)
    ends(opened(mute))
    assert status(pid) == 7
    peer.send(response(fields["sec-websocket-key"]))
    ends(peer)
    connecting.join()
""")


def test_a_child_waits_for_no_lock_that_another_thread_holds():
    run("""
def child():
    with connect(uri(server.address), open_timeout=5) as connection:
        says_echo(connection, "of the child")

def hold():
    with TIMERS._lock, SLOTS._condition:
        held.set()
        released.wait()

held, released = threading.Event(), threading.Event()
with serve(echo, port=0) as server:
    in_thread(server.serve_forever)
    holding = in_thread(hold)
    held.wait()
    assert status(fork(child)) == 7
    released.set()
    holding.join()
""")


def test_children_connect_while_the_threads_of_their_parent_do():
    """Wherever in `connect` and `close` the other threads are at a fork."""
    run("""
def child():
    with connect(uri(server.address), open_timeout=5) as connection:
        says_echo(connection, "of the child")

def client():
    while not done.is_set():
        with connect(uri(server.address)) as connection:
            says_echo(connection, "of the parent")

done = threading.Event()
with serve(echo, port=0) as server:
    in_thread(server.serve_forever)
    clients = [in_thread(client) for _ in range(3)]
    assert [status(fork(child)) for _ in range(20)] == 20 * [7]
    done.set()
    for thread in clients:
        thread.join()
""")


# The parent's sockets


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "os._exit(7)",
        "connection.close()",
        "connection.abort()",
        "connection.end()",
        "global connection; del connection; gc.collect()",
        "os.execl(sys.executable, sys.executable, '-c', 'raise SystemExit(7)')",
    ],
)
def test_a_child_ends_and_its_parents_client_stays_open(ending):
    """With `pass` the end of the `with` is also the child's; it may not say 1011 for it."""
    run(f"""
def child():
    {ending}

with serve(echo, port=0) as server:
    in_thread(server.serve_forever)
    with connect(uri(server.address)) as connection:
        says_echo(connection, "before the child")
        assert status(fork(child)) == 7
        says_echo(connection, "after the child")
    assert connection.close_code == 1000
""")


def test_a_child_ends_while_another_thread_of_its_parent_receives():
    """`close` would wait for the other thread's receive, which never ends in the child."""
    run("""
def receive():
    received.append(connection.recv())

received = []
with serve(echo, port=0) as server:
    in_thread(server.serve_forever)
    with connect(uri(server.address)) as connection:
        receiving = in_thread(receive)
        assert eventually(lambda: connection._stream.waiting)
        assert status(fork(lambda: None)) == 7
        connection.send("after the child")
        receiving.join()
    assert (received, connection.close_code) == (["after the child"], 1000)
""")


@pytest.mark.parametrize("ending", ["pass", "server.shutdown()", "server.abort()"])
def test_a_child_ends_and_its_parents_server_goes_on(ending):
    """Not even the path of its Unix socket is removed."""
    code = f"""
def child():
    {ending}

path = sys.argv[1] + "/socket"
with serve(echo, unix_path=path) as server:
    in_thread(server.serve_forever)
    with connect("ws://localhost/", unix_path=path) as connection:
        says_echo(connection, "before the child")
        assert status(fork(child)) == 7
        says_echo(connection, "after the child")
        assert len(server.all_connections) == 1
    with connect("ws://localhost/", unix_path=path) as another:
        says_echo(another, "new")
"""
    with tempfile.TemporaryDirectory() as directory:
        run(code, directory)


@pytest.mark.parametrize("ending", ["return", "os._exit(0)"])
def test_a_handler_forks_and_its_connection_stays_the_parents(ending):
    run(f"""
def handler(connection):
    pid = os.fork()
    if not pid:
        {ending}
    connection.send(str(status(pid)))
    echo(connection)

with serve(handler, port=0) as server:
    in_thread(server.serve_forever)
    with connect(uri(server.address)) as connection:
        assert connection.recv() == "0"
        says_echo(connection, "after the child")
    assert connection.close_code == 1000
""")


def test_a_child_serves_with_a_server_of_its_own_on_the_same_listening_socket():
    run("""
def child():
    with serve(say_who, sock=listener) as server:
        in_thread(server.serve_forever)
        os.read(end, 1)

def say_who(connection):
    connection.send(str(os.getpid()))

end, ended = os.pipe()
listener = listening()
pid = fork(child)
with connect(uri(listener.getsockname())) as connection:
    assert connection.recv() == str(pid)
os.write(ended, b"1")
assert status(pid) == 7
listener.close()
""")


def test_a_server_of_the_parent_does_not_serve_in_a_child():
    """The wake-up of its `stop` would reach one of the two processes, whichever reads first."""
    run("""
def child():
    try:
        server.serve_forever()
    except RuntimeError as error:
        assert "call serve(handler, sock=...) here" in str(error)
        os._exit(3)

with serve(echo, port=0) as server:
    assert status(fork(child)) == 3
""")
