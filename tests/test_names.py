"""The README's table of what differs from the `websockets` library names all that refws lacks."""

import inspect
import json
import re
import subprocess
from pathlib import Path

import pytest

import peers
import refws
from installed import directory_of

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")

pytestmark = pytest.mark.programs

NAMES = """
import inspect, json
from websockets import datastructures, exceptions, http11, typing
from websockets.sync import client, server
print(json.dumps({
    **{f.__name__: list(inspect.signature(f).parameters)
       for f in (server.serve, client.connect, server.basic_auth)},
    **{c.__name__: [name for name in dir(c) if name[0] != "_"]
       for c in (server.Server, server.ServerConnection, client.ClientConnection,
                 datastructures.Headers, http11.Request, http11.Response)},
    "refws": [*exceptions.__all__, *server.__all__, *client.__all__, *typing.__all__],
    "exceptions": {name: [*inspect.signature(getattr(exceptions, name).__init__).parameters]
                   for name in exceptions.__all__},
}))
"""

UNDOCUMENTED = {
    "SHUTDOWN_POLLING_INTERVAL",
    "ExtensionName",
    "ExtensionParameter",
    "acknowledge_pings",
    "args",
    "close_exc",
    "close_socket",
    "exception",
    "handshake",
    "keepalive",
    "kwargs",
    "maybe_raise_legacy_warning",
    "parse",
    "process_event",
    "recv_bufsize",
    "recv_events",
    "self",
    "send_context",
    "send_data",
    "set_connection_exc",
    "start_keepalive",
    "terminate_pending_pings",
}
"""Public by their names, but not in the documentation of `websockets`."""


@pytest.fixture
def names():
    """What `websockets` has: the parameters of functions, the attributes of classes, all names."""
    python = directory_of("websockets") / "bin" / "python"
    run = subprocess.run([python, "-c", NAMES], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def has(owner, name):
    if inspect.isfunction(owner):
        return name in inspect.signature(owner).parameters
    return hasattr(owner, name)


def words_of_the_table():
    table = README.partition("## Beside the `websockets` library")[2].partition("\n## ")[0]
    return set(re.findall(r"\w+", table))


def test_the_table_names_what_refws_lacks(names):
    words = words_of_the_table()
    del names["exceptions"]
    owners = {name: refws if name == "refws" else getattr(refws, name) for name in names}
    lacking = {
        f"{owner}: {name}"
        for owner, found in names.items()
        for name in found
        if not has(owners[owner], name) and name not in UNDOCUMENTED | words
    }
    assert lacking == set()


def test_the_table_names_the_attributes_that_exceptions_lack(names):
    """Those that `websockets` makes an exception with are its attributes."""
    words = words_of_the_table()
    lacking = {
        f"{name}: {attribute}"
        for name, attributes in names["exceptions"].items()
        for attribute in attributes
        if hasattr(refws, name) and attribute not in UNDOCUMENTED | words
    }
    assert lacking == set()


def test_the_table_is_about_the_version_that_is_tested():
    (peer,) = (peer for peer in peers.PEERS if peer.name == "websockets")
    assert f"here {peer.versions})" in README
