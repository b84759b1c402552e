"""One round: a server, its connections, its end; then everything that is judged."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import refws
from refws import Connection, Side
from scripts.shared.figures import wait_until
from scripts.stress.judge import Broken, judge, last_events
from scripts.stress.leftovers import (
    SETTLED_WITHIN_S,
    Pulse,
    heartbeats,
    held,
    left_over,
    stack_of,
    watching,
)
from scripts.stress.pairs import JOIN_S, SETTINGS, Pair
from scripts.stress.places import Place
from scripts.stress.plans import Kind, RoundPlan
from scripts.stress.times import CLOSE_TIMEOUT_S, LINGER_S

SHUTDOWN_S = CLOSE_TIMEOUT_S + 2 * LINGER_S
STACK_LINES = 14


class Round:
    """Runs a plan. `broken` is what was found."""

    def __init__(self, plan: RoundPlan, slack_s: float) -> None:
        self.plan = plan
        self.slack_s = slack_s
        self.pairs = [Pair(pair, plan.deflate) for pair in plan.pairs]
        self.broken: list[Broken] = []
        self.is_stuck = False

    def run(self) -> list[Broken]:
        base = held()
        place = Place(self.plan.transport)
        with watching() as watch, Pulse() as pulse:
            before = sys.getswitchinterval()
            sys.setswitchinterval(self.plan.switch_s)
            try:
                self.serve(place)
            finally:
                sys.setswitchinterval(before)
                place.close()
            self.judge(pulse.worst_s)
        for pair in self.pairs:
            pair.release()
        self.broken += [Broken("the log has no error", str(self.plan), w) for w in watch.lines]
        if not self.is_stuck and (left := left_over(base)):
            self.broken.append(Broken("a round leaves nothing", str(self.plan), ", ".join(left)))
        return self.broken

    # Running

    def serve(self, place: Place) -> None:
        server = self.start_server(place, place.listen())
        accepting = threading.Thread(target=server.serve_forever, name="accept", daemon=True)
        accepting.start()
        clients = [
            threading.Thread(
                target=pair.run_client,
                args=(place, server.address),
                name=f"{pair.plan.number} client main",
                daemon=True,
            )
            for pair in self.pairs
        ]
        for client in clients:
            client.start()
        if self.plan.server_ending:
            threading.Event().wait(self.plan.server_ends_after_s)
            self.end_server(server)
        self.join(clients)
        self.join([thread for pair in self.pairs for thread in pair.threads])
        if not self.plan.server_ending:
            self.count_heartbeats()
            self.connect_again(place, server.address)
            self.shut_down(server)
        self.join([accepting])
        if self.plan.server_ending:
            self.serve_again(place, server.address)

    def start_server(self, place: Place, listener: Any) -> refws.Server:
        return refws.serve(
            self.handle,
            sock=listener,
            compression="deflate" if self.plan.deflate else None,
            trace=self.trace,
            **place.serving,
            **SETTINGS,
        )

    def trace(self, connection: Connection) -> Any:
        """The tap of a connection of the server, which does not know yet whose it is."""
        early: list[tuple[Side, bytes]] = []

        def tap(sender: Side, data: bytes) -> None:
            request = connection.request
            if request is None or (pair := self.pair_of(request.path)) is None:
                early.append((sender, data))
                return
            for one in early:
                pair.journal.tap(Side.SERVER, *one)
            early.clear()
            pair.journal.tap(Side.SERVER, sender, data)

        return tap

    def pair_of(self, path: str) -> Pair | None:
        name = path.strip("/")
        return self.pairs[int(name)] if name.isdecimal() else None

    def handle(self, connection: Connection) -> None:
        assert connection.request is not None
        pair = self.pair_of(connection.request.path)
        if pair is None:
            for message in connection:
                connection.send(message)
        else:
            pair.handle(connection)

    def end_server(self, server: refws.Server) -> None:
        """`shutdown` or `abort` while all connections are in use."""
        is_shutdown = self.plan.server_ending == "shutdown"
        for pair in (one for one in self.pairs if one.plan.kind is not Kind.RAW_SERVER):
            reason = "the server is stopping"
            code = 1001 if is_shutdown else None
            what = "shutdown" if is_shutdown else "server abort"
            pair.journal.cause(Side.SERVER, what, code, reason)
        if is_shutdown:
            self.shut_down(server)
        else:
            self.in_time("server.abort", server.abort, 0)
            self.shut_down(server)

    def shut_down(self, server: refws.Server) -> None:
        self.in_time("server.shutdown", server.shutdown, SHUTDOWN_S)

    def in_time(self, name: str, function: Any, bound_s: float) -> None:
        started = time.monotonic()
        function()
        took = time.monotonic() - started
        if took > bound_s + self.slack_s:
            what = f"{name} took {took:.1f} s; at most {bound_s + self.slack_s:.1f} s were allowed"
            self.broken.append(Broken("calls end in time", str(self.plan), what))

    def join(self, threads: list[threading.Thread]) -> None:
        """Wait for them; a thread that stays is a broken invariant, and the last one of the run."""
        until = time.monotonic() + JOIN_S
        for thread in threads:
            thread.join(max(0, until - time.monotonic()))
            if thread.is_alive():
                self.is_stuck = True
                lines = stack_of(thread).splitlines()[-STACK_LINES:]
                what = f"thread {thread.name} has not ended; it is here:\n" + "\n".join(lines)
                self.broken.append(Broken("calls end in time", self.where(thread), what))

    def where(self, thread: threading.Thread) -> str:
        number = thread.name.split()[0]
        plan = f"; {self.plan.pairs[int(number)]}" if number.isdecimal() else ""
        return f"{self.plan}{plan}"

    def connect_again(self, place: Place, address: Any) -> None:
        """No lock is held: a fresh connection to the same address works."""
        try:
            uri = place.uri(address, "echo")
            with refws.connect(uri, **place.way(address), **SETTINGS) as connection:
                connection.send("still there?")
                answer: object = connection.recv(SETTINGS["open_timeout"])
        except Exception as error:
            answer = error
        if answer != "still there?":
            what = f"a fresh connection got {answer!r}"
            self.broken.append(Broken("a fresh connection works", str(self.plan), what))

    def count_heartbeats(self) -> None:
        """No heartbeat of a connection is left while the server still runs."""
        if self.is_stuck:
            return
        wait_until(lambda: not heartbeats(), SETTLED_WITHIN_S)
        if left := heartbeats():
            what = f"{left} heartbeats of connections that have ended"
            self.broken.append(Broken("a round leaves nothing", str(self.plan), what))

    def serve_again(self, place: Place, address: Any) -> None:
        """A fresh server at the same address, for a fresh connection."""
        server = self.start_server(place, place.listen(again=address))
        accepting = threading.Thread(target=server.serve_forever, name="accept again", daemon=True)
        accepting.start()
        self.connect_again(place, address)
        self.shut_down(server)
        self.join([accepting])

    # Judging

    def judge(self, late_s: float) -> None:
        for pair in self.pairs:
            found = judge(pair.history(str(self.plan), self.slack_s, late_s))
            self.broken += found
            for thread, (name, started) in pair.journal.running().items():
                what = f"{thread}: {name} has not returned after {time.monotonic() - started:.1f} s"
                events = last_events(pair.journal.events())
                where = f"{self.plan}; {pair.plan}"
                self.broken.append(Broken("calls end in time", where, what, events))
