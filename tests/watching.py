"""A page without a browser, for tests: its watch connection, and connections that belong to it."""

import itertools
import json

from wire import PING, PONG, TEXT, Wire, request

PAGE = "0123456789abcdef" * 2


class Page:
    """The watch connection of a page to a running server; events are read as JSON."""

    def __init__(self, running, page=PAGE, *headers):
        self.running = running
        self.page = page
        self.wire = running.open(f"/watch?page={page}", *headers)
        self.numbers = itertools.count(1)
        self.answers = {}
        self.hello = self.next()

    def close(self):
        """The closing handshake, and the end of the TCP connection from either side."""
        self.wire.finish()
        self.wire.close()

    def next(self):
        """The next event."""
        header, payload = self.wire.receive()
        while header.opcode == PING:
            header, payload = self.wire.receive()
        assert header.opcode == TEXT, (header, payload)
        return json.loads(payload)

    def until(self, event, **fields):
        """All events up to the first of this kind that has these fields."""
        found = []
        while not found or found[-1]["event"] != event or not fields.items() <= found[-1].items():
            found.append(self.next())
        return found

    def items(self, event="closed", **fields):
        """What was explained until then."""
        return [found["item"] for found in self.until(event, **fields) if found["event"] == "item"]

    def open(self, path="/echo", *headers):
        """A connection of this page, its opening handshake done, and its number; the events up to
        then are read.
        """
        client = self.running.open(self.target(path), *headers)
        number = self.until("connection")[-1]["connection"]
        self.until("item", connection=number)
        self.until("item", connection=number)
        return client, number

    def read_at_a_time(self, client, number, size):
        """Have the server read at most `size` bytes of this connection at a time; the events up to
        then are read.
        """
        waiting = {"ping", "pong", self.send("read", connection=number, size=size)}
        client.send_frame(PONG, client.receive()[1])
        while waiting:
            event = self.next()
            if event["event"] != "partial":
                waiting -= {event.get("id"), event.get("item", {}).get("name")}

    def target(self, path="/echo"):
        return f"{path}{'&' if '?' in path else '?'}page={self.page}"

    def send(self, command, **fields):
        """Send a command; its id."""
        number = next(self.numbers)
        self.wire.send_frame(
            TEXT, json.dumps({"command": command, "id": number, **fields}).encode()
        )
        return number

    def answer(self, number):
        """The answer to a command, "answer" or "error"; answers to other commands are kept."""
        while number not in self.answers:
            event = self.next()
            if event["event"] in ("answer", "error"):
                self.answers[event["id"]] = event
        return self.answers.pop(number)

    def command(self, command, **fields):
        """Send a command and wait for its answer."""
        return self.answer(self.send(command, **fields))


def refused(running, target, *headers):
    """(status, text) of the answer to an opening handshake that is not accepted."""
    client = Wire.connect(running.address)
    running.clients.append(client)
    client.send(request(target, *headers))
    status, _ = client.receive_head()
    return status, client.file.read().decode()
