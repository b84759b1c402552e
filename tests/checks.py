"""What the tests of check/ share: cases, results, servers, and what a server makes of a case."""

import xml.etree.ElementTree as ET
from contextlib import contextmanager
from datetime import UTC, datetime
from socket import create_server

from refws.check.case import Case, Group, Level
from refws.check.engine import Grade, Result, run
from refws.check.link import Crossed
from refws.check.outcomes import Echoes, Fails, failed
from refws.check.runner import Report
from refws.check.seen import Message, Seen
from refws.check.target import Target
from refws.protocol.client.handshake import Agreement
from refws.protocol.client.uri import parse_uri
from refws.protocol.frame import Side
from wire import (
    CLOSE,
    SAMPLE_KEY,
    TEXT,
    Background,
    Wire,
    close_body,
    connected,
    frame,
    request,
    response,
)

ECHO = Case(
    "5.6-text",
    "A text message comes back.",
    "6455-5.2-09",
    Echoes((Message(TEXT, b"Hi"),)),
    steps=(frame(TEXT, b"Hi"), frame(CLOSE, close_body(1000))),
)
UNMASKED = Case(
    "5.1-unmasked",
    "A frame without a mask fails the connection.",
    "6455-5.1-03",
    Fails(),
    failed(1002),
    steps=(frame(TEXT, b"Hi", masked=0),),
    level=Level.MUST,
)
FRAMES = Group("frames", "Frames", (ECHO, UNMASKED))
SLOW = Case("10.4-slow", "Slow.", "", Echoes(()), level=Level.SHOULD, slow=True)
LIMITS = Group("limits", "Limits | time", (SLOW,))

EXCHANGE = (
    Crossed(0.0, Side.CLIENT, request("/?token=secret", "Authorization: Basic c2VjcmV0")),
    Crossed(0.001, Side.SERVER, response(SAMPLE_KEY)),
    Crossed(0.002, Side.CLIENT, frame(TEXT, b"Hi", masked=0)),
    Crossed(0.003, Side.SERVER, frame(TEXT, b"Hi", masked=0)),
    Crossed(1.5, Side.SERVER, b""),
)
"""An unmasked frame, which comes back, and then the end of TCP."""

OPENED = Seen(agreement=Agreement(None, (), None))


def result(case=UNMASKED, grade=Grade.FAIL, seen="text 'Hi', TCP ends", **fields):
    fields = {"crossed": EXCHANGE, "observed": OPENED, "seconds": 1.5, **fields}
    return Result(case, grade, seen, case.best.words, **fields)


def report(*results, groups=(FRAMES,), **fields):
    started = datetime(2025, 1, 31, 12, tzinfo=UTC)
    fields = {"lacks": frozenset(), "started": started, "seconds": 2.0, **fields}
    return Report("ws://127.0.0.1:9000/", groups=groups, results=results, **fields)


MIXED = report(result(ECHO, Grade.PASS, "fine", crossed=(), observed=None), result())
"""One case passed, one failed."""


@contextmanager
def answering(answer):
    """A server whose thread calls `answer` with the Wire of each client; its port."""

    def serve():
        while True:
            sock, _ = listener.accept()
            with sock:
                if done:
                    return
                wire = Wire(sock)
                try:
                    answer(wire)
                except (OSError, AssertionError):
                    pass  # the client has gone
                finally:
                    wire.close()

    done = []
    with create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        thread = Background(serve)
        try:
            yield address[1]
        finally:
            done.append(True)
            connected(address).close()
            thread.result()


def echo(connection):
    for message in connection:
        connection.send(message)


def careless(wire):
    """Answers the opening handshake, then sends every frame back, whether it is masked or not."""
    _, headers = wire.receive_request()
    wire.send(response(headers["sec-websocket-key"]))
    send_back(wire)


def send_back(wire):
    """Send every frame back, the Close last."""
    while True:
        header, payload = wire.receive()
        wire.send_frame(header.opcode, payload, fin=header.fin, masked=0)
        if header.opcode == CLOSE:
            return


def from_server(opcode, payload=b"", **fields):
    return frame(opcode, payload, masked=0, **fields)


def target_of(running, timeout=2):
    """The target for a server that the fixture `serving` has started."""
    return Target(parse_uri(running.uri), timeout=timeout)


def not_passed(cases, target, abilities):
    """(grade, what was seen) of each case that was not passed, by its name."""
    results = [run(case, target, abilities) for case in cases]
    return {
        result.case.name: (result.grade, result.seen)
        for result in results
        if result.grade is not Grade.PASS
    }


def check_words(cases):
    """Each case has a name of its own, a section, and words that a person reads in one breath."""
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert "§" in case.section and case.rule.endswith("."), case.name
        assert len(case.best.words) < 250, case.name


JENKINS = {
    "testsuites": ("name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors time skipped timestamp hostname id package file log url group",
        "testsuite properties testcase system-out system-err",
    ),
    "properties": ("", "property"),
    "property": ("name value", ""),
    "testcase": ("name time classname group", "skipped error failure system-out system-err"),
    "failure": ("type message", ""),
    "skipped": ("type message", ""),
    "system-out": ("", ""),
}
"""The attributes and the children that Jenkins' schema of JUnit's XML (junit-10.xsd) allows."""


def not_read_by_jenkins(root: ET.Element) -> list[str]:
    """The attributes and elements below `root` for which Jenkins refuses the file."""
    found: list[str] = []
    for element in root.iter():
        attributes, children = (allowed.split() for allowed in JENKINS[element.tag])
        found += [f"{element.tag} {name}" for name in element.attrib if name not in attributes]
        found += [f"{element.tag} {child.tag}" for child in element if child.tag not in children]
    return found
