"""One connection of a round: its two ends, their threads, its planned end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import refws
from refws import Connection, Side, State
from scripts.stress.actors import Actors
from scripts.stress.call_rules import Planned
from scripts.stress.history import End, History
from scripts.stress.journal import Journal
from scripts.stress.places import Place
from scripts.stress.plans import LONGEST_TRAFFIC_S, SERVER_ENDINGS, SILENCE, Kind, PairPlan
from scripts.stress.raw_peer import RawPeer
from scripts.stress.times import (
    ALONE_S,
    CLOSE_TIMEOUT_S,
    LINGER_S,
    OPEN_TIMEOUT_S,
    SEND_S,
    SEND_TIMEOUT_S,
    SILENCE_S,
)

SETTINGS: dict[str, Any] = {
    "ping_interval": 0.15,
    "ping_timeout": 30,
    "close_timeout": CLOSE_TIMEOUT_S,
    "send_timeout": SEND_TIMEOUT_S,
    "open_timeout": OPEN_TIMEOUT_S,
}
"""Heartbeats come often; no machine is so slow that a peer which lives is given up."""

GRACE_S = 0.7
"""Seconds from the planned end to the `close` that every connection gets in the end."""

LONG_GRACE_S = 4.0
"""The same between two sides of refws that are to end without it."""

ALONE_END_S = ALONE_S + CLOSE_TIMEOUT_S + LINGER_S
JOIN_S = 20.0
"""Seconds after which a thread that still runs is a broken invariant."""


T = TypeVar("T")


class Pair:
    """A connection of the round. The threads of both sides use it; the journal has its own lock."""

    def __init__(self, plan: PairPlan, deflate: bool) -> None:
        self.plan = plan
        self.deflate = deflate
        self.journal = Journal()
        self.threads: list[threading.Thread] = []
        self.actors: dict[Side, Actors] = {}
        self.served = threading.Event()

    # Both sides

    def start(self, side: Side, what: str, function: Callable[..., None], *arguments: Any) -> None:
        name = f"{self.plan.number} {side.value} {what}"
        thread = threading.Thread(target=function, args=arguments, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def trace(self, side: Side) -> Callable[[Side, bytes], None]:
        return lambda sender, data: self.journal.tap(side, sender, data)

    def act(self, side: Side, connection: Connection) -> Actors:
        """Start the threads of this side, except its receiver."""
        connection.read_size = self.plan.read_size
        bound_s = SEND_S if self.plan.kind is Kind.BOTH else None
        actors = Actors(self.journal, side, connection, self.plan.seed, bound_s)
        self.actors[side] = actors
        if self.plan.alone is not side.peer:
            for sender in range(self.plan.senders):
                self.start(side, f"sender {sender}", actors.send_until_the_end, sender)
        alone = self.plan.alone is side
        self.start(side, "pinger", actors.ping_until_the_end, alone)
        self.start(side, "ender", self.end, actors)
        return actors

    def end(self, actors: Actors) -> None:
        """The planned end, if it is this side's; then, a little later, a `close` of this side."""
        ending, over = self.plan.ending, actors.over
        over.wait(ending.after_s)
        own = ending.side is actors.side
        if ending.what == "both close" or (own and ending.what == "close"):
            actors.close(ending.code, ending.reason)
        elif own and ending.what == "close after sending":
            actors.close_after_sending(ending.code, ending.reason)
        elif own and ending.what == "abort":
            actors.abort()
        elif own and ending.what == "broken message":
            actors.send_broken_message()
        elif own and ending.what in (*SERVER_ENDINGS, "close of the receiver"):
            over.set()
        if self.ends_itself(actors):
            self.wait_until_closed(actors, ALONE_END_S)
            return
        self.wait_until_closed(actors, self.grace_s)
        if actors.connection.state is not State.CLOSED:
            self.journal.cause(actors.side, "close", 1000)
        actors.close(1000, "", final=True)

    @property
    def grace_s(self) -> float:
        if self.plan.ending.what == SILENCE:
            return SILENCE_S
        return LONG_GRACE_S if self.plan.kind is Kind.BOTH else GRACE_S

    def ends_itself(self, actors: Actors) -> bool:
        """Whether the end must come without a `close` of this side: it aborted, or is alone."""
        aborted = self.plan.ending.what == "abort" and self.plan.ending.side is actors.side
        return aborted or self.plan.alone is actors.side

    def wait_until_closed(self, actors: Actors, seconds: float) -> None:
        until, pause = time.monotonic() + seconds, threading.Event()
        while actors.connection.state is not State.CLOSED and time.monotonic() < until:
            pause.wait(0.01)

    def receive(self, actors: Actors) -> None:
        """In the thread that receives; then the ends that only this thread can bring about."""
        ending = self.plan.ending
        if self.plan.alone is not actors.side:
            actors.receive_until_the_end()
        if ending.side is actors.side and actors.over.is_set():
            if ending.what == "close of the receiver":
                actors.close(ending.code, ending.reason)
            elif ending.what == "handler returns":
                self.journal.cause(actors.side, ending.what, 1000)
            elif ending.what == "handler raises":
                reason = "the handler failed; the server's log says why"
                self.journal.cause(actors.side, ending.what, 1011, reason)
                raise Planned

    # The server

    def handle(self, connection: Connection) -> None:
        """The handler: it returns once all threads of its side have ended, unless that is its end.

        A handler that returns or raises early leaves its threads to find that out.
        """
        try:
            actors = self.act(Side.SERVER, connection)
            self.receive(actors)
            if self.plan.ending.what not in SERVER_ENDINGS or not actors.over.is_set():
                self.join(Side.SERVER)
        finally:
            self.served.set()

    def join(self, side: Side) -> None:
        prefix = f"{self.plan.number} {side.value} "
        for thread in list(self.threads):
            if thread.name.startswith(prefix) and thread is not threading.current_thread():
                thread.join(JOIN_S)

    # The client

    def run_client(self, place: Place, address: Any) -> None:
        """The client's side, or the raw peers."""
        if self.plan.kind is Kind.RAW_CLIENT:
            self.run_raw(Side.CLIENT, lambda: place.connect(address), address)
        elif self.plan.kind is Kind.RAW_SERVER:
            with place.listen() as listener:
                self.start(Side.SERVER, "raw", self.serve_raw, place, listener)
                self.run_refws(place, listener.getsockname())
                self.join(Side.SERVER)
        else:
            self.run_refws(place, address)

    def run_refws(self, place: Place, address: Any) -> None:
        connection = self.connected(
            Side.CLIENT,
            lambda: refws.connect(
                place.uri(address, str(self.plan.number)),
                compression="deflate" if self.deflate else None,
                trace=lambda connection: self.trace(Side.CLIENT),
                **place.way(address),
                **SETTINGS,
            ),
        )
        if connection is not None:
            actors = self.act(Side.CLIENT, connection)
            self.receive(actors)
            self.join(Side.CLIENT)

    def connected(self, side: Side, connect: Callable[[], T]) -> T | None:
        """What `connect` returns; None if it raises, and the judge says whether it may."""
        try:
            with self.journal.call(side, "connect", OPEN_TIMEOUT_S):
                return connect()
        except Exception:
            return None

    def serve_raw(self, place: Place, listener: socket.socket) -> None:
        self.run_raw(Side.SERVER, lambda: place.accept(listener), None)

    def run_raw(self, side: Side, connect: Callable[[], socket.socket], address: Any) -> None:
        if (sock := self.connected(side, connect)) is None:
            return
        with closing(sock):
            path, source = str(self.plan.number), self.plan.source("raw")
            peer = RawPeer(self.journal, side, sock, source, path, lambda: self.is_over(side.peer))
            if self.connected(side, lambda: peer.open(address)) is None:
                return
            ending = self.plan.ending
            own = ending.side is side
            peer.talk(ending.after_s if own else 3 * LONGEST_TRAFFIC_S + GRACE_S)
            peer.end(ending if own else None)

    def is_over(self, side: Side) -> bool:
        """Whether this side, which is refws, reports the end."""
        actors = self.actors.get(side)
        return actors is not None and actors.connection.state is State.CLOSED

    # Afterwards

    def history(self, name: str, slack_s: float, late_s: float) -> History:
        ends = {
            side: End(one.connection.state, one.connection.close_code, one.connection.close_reason)
            for side, one in self.actors.items()
        }
        return History(
            f"{name}; {self.plan}",
            self.journal.events(),
            {side: self.journal.seen(side, side) for side in Side},
            {side: self.journal.seen(side, side.peer) for side in Side},
            ends,
            self.deflate and self.plan.kind is Kind.BOTH,
            (self.plan.alone,) if self.plan.alone else (),
            slack_s + late_s,
            late_s,
            self.plan.read_size > 0,
        )

    def release(self) -> None:
        """Hold no connection, so that the ones that are left over can be counted."""
        self.actors.clear()
