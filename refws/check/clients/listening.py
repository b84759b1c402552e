"""The address to which the client under test connects, and which case each connection is for.

    /getCaseCount                   answered with a message that is the number of cases
    /runCase?case=N&agent=X         case N, from 1 on
    /getCaseInfo?case=N             answered with its name and its rule, in JSON
    /getCaseStatus?case=N&agent=X   answered with its grade so far, in JSON
    /updateReports?agent=X          the client has finished
    any other path                  the next case, for clients that know only one address

The first five are the convention of Autobahn's fuzzing server, so a client that was written for
that one can be tested here as it is.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple, Self
from urllib.parse import parse_qs

from ...protocol.authority import join_authority
from ...protocol.client.uri import parse_uri
from ...protocol.frame import TEXT, Side
from ...protocol.handshake import is_upgrade_attempt
from ...protocol.http import Request, Response
from ..case import Case
from ..engine import Grade, Result
from ..link import Link
from ..target import TIMEOUT, Target
from .answer import REDIRECTED
from .frames import GOOD_BYE, frame
from .outcomes import Accepts
from .request import receive_request
from .seen import ClientSeen, History
from .serving import FINISH_TIME, ClientRun, run_case

BACKLOG = 16

HEAD_TIMEOUT = 5.0
"""Seconds that a client has for its request."""

AFTER_LAST = 1.0
"""Seconds after the last case for which a client may still ask for its results."""

RUN_CASE = "/runCase"
CONVENTION = ("/getCaseCount", RUN_CASE, "/getCaseInfo", "/getCaseStatus", "/updateReports")

BEHAVIORS = {
    Grade.PASS: "OK",
    Grade.WEAK: "NON-STRICT",
    Grade.FAIL: "FAILED",
    Grade.SKIPPED: "UNIMPLEMENTED",
}
"""Autobahn's words for the grades."""

ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""A host that means all addresses of this machine -> one that a client on it can connect to."""

NO_HANDSHAKE = (
    "This is refws check: it tests WebSocket clients. Connect to it with the client under test.\n"
)

CONNECTION = "a connection for each case"

NOT_CONNECTED = "it did not connect for this case"


class Security(NamedTuple):
    """TLS for the connections of the clients: a context, and an error of it in words."""

    context: ssl.SSLContext
    describe: Callable[[ssl.SSLError], str]


class Listener:
    """A listening TCP socket; a `with` block closes it. OSError if it cannot be opened.

    With `security` the clients come over TLS, to wss:// URLs.
    """

    def __init__(self, host: str, port: int, security: Security | None = None) -> None:
        self._host, self._security = host, security
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self.port: int = self.sock.getsockname()[1]
        self.authority = join_authority(ALL_ADDRESSES.get(host, host), self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    def another(self) -> Listener:
        """One of the same kind, on a free port."""
        return Listener(self._host, 0, self._security)

    def uri(self, resource_name: str) -> str:
        scheme = "ws" if self._security is None else "wss"
        return f"{scheme}://{self.authority}{resource_name}"

    def accept(self, timeout: float | None) -> socket.socket | None:
        """The next connection; None after `timeout` seconds without one."""
        self.sock.settimeout(timeout)
        try:
            sock, _ = self.sock.accept()
        except TimeoutError:
            return None
        with suppress(OSError):  # it is reset already: the case will see that
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def secured(self, sock: socket.socket) -> socket.socket:
        """The same connection after its TLS handshake, if there is to be one.

        NoTLS if it fails; the connection is closed then.
        """
        if self._security is None:
            return sock
        sock.settimeout(HEAD_TIMEOUT)
        try:
            sock.getpeername()  # OSError if it is reset: wrap_socket would not close it then
            return self._security.context.wrap_socket(sock, server_side=True)
        except ssl.SSLEOFError:  # it has only looked whether the port is open
            raise NoTLS from None
        except ssl.SSLError as error:
            raise NoTLS(self._security.describe(error)) from None
        except OSError:
            sock.close()
            raise NoTLS from None


class NoTLS(Exception):
    """The TLS handshake has failed; the message says why, if the client has begun it."""


class NoClient(Exception):
    """Nothing has connected for any case; the message says so, and what happened instead."""


class Run(NamedTuple):
    """A case that has run: its number, from 1 on, and its result."""

    number: int
    result: Result


class Session:
    """The cases, and which of them have run. For one thread; `results` may be asked at any time.

    `progress` gets each result. `timeout` is for each answer of the client. `tls_problem` says why
    the last TLS handshake that failed did so.
    """

    def __init__(
        self,
        listener: Listener,
        cases: Sequence[Case],
        progress: Callable[[Result], None],
        timeout: float = TIMEOUT,
        history: History | None = None,
    ) -> None:
        self.listener = listener
        self._cases = tuple(cases)
        self._progress = progress
        self._target = Target(parse_uri(listener.uri("/")), timeout=timeout)
        self._results: dict[int, Result] = {}
        self._finished = False
        self._history = history or History()
        self.tls_problem = ""

    def results_so_far(self) -> list[Result]:
        """The results of the cases that have run, in their order."""
        return [self._results[number] for number in sorted(self._results)]

    def results(self) -> list[Result]:
        """A result for each case, in their order; one that has not run is skipped."""
        reason = with_problem(NOT_CONNECTED, self.tls_problem)
        return [
            self._results.get(number) or Result(case, Grade.SKIPPED, reason, case.best.words)
            for number, case in enumerate(self._cases, 1)
        ]

    def beside(self, listener: Listener) -> Session:
        """A session with the same client and cases, for a thread of its own."""
        timeout = self._target.timeout
        return Session(listener, self._cases, self._progress, timeout, self._history)

    def uri_of(self, number: int) -> str:
        """Where the client connects for this case."""
        return self.listener.uri(resource_of(number))

    def listen(self, wait: float | None = None) -> None:
        """Run a case for each connection, until all have run or the client says that it is done.

        `wait` limits the seconds between two connections; None waits for ever. A client that does
        not come again has failed the next case; NoClient if none was ever run.
        """
        while not self._finished:
            is_last = len(self._results) == len(self._cases)
            sock = self.listener.accept(AFTER_LAST if is_last else wait)
            if sock is None:
                if not is_last:
                    self._miss(wait)
                return
            if run := self.serve(sock):
                self.note(*run)
        if not self._results:
            raise NoClient("the client says that it is done, and has connected for no case")

    def _miss(self, wait: float | None) -> None:
        seen = with_problem(f"nothing has connected for a case within {wait:g} s", self.tls_problem)
        if not self._results:
            raise NoClient(seen)
        number = self._next()
        case = self._cases[number - 1]
        self.note(number, Result(case, Grade.FAIL, seen, CONNECTION))

    def note(self, number: int, result: Result) -> None:
        """Keep the result of a case; of several runs the last one counts.

        What crossed is kept only if a report may show it, so that the memory stays small.
        """
        if result.grade not in (Grade.FAIL, Grade.WEAK):
            result = replace(result, crossed=(), observed=None)
        self._results[number] = result
        self._progress(result)

    def serve(self, sock: socket.socket, number: int | None = None) -> Run | None:
        """Serve one connection; the case that it was for and its result, None if for none.

        `number` is the case whose URL the client was given, if that is known.
        """
        try:
            secured = self.listener.secured(sock)
        except NoTLS as error:
            self.tls_problem = str(error) or self.tls_problem
            return None
        seen = ClientSeen(port=self.listener.port, history=self._history)
        if number is not None:
            seen.resource_name, seen.authority = resource_of(number), self.listener.authority
        with Link(secured, Side.SERVER) as link:
            receive_request(link, seen, HEAD_TIMEOUT)
            if seen.request is None:
                is_silent = not any(crossed.data for crossed in link.crossed)
                return None if is_silent else self._run(number or self._next(), link, seen)
            return self._dispatch(link, seen, seen.request, number)

    def _dispatch(
        self, link: Link, seen: ClientSeen, request: Request, given: int | None
    ) -> Run | None:
        page, number = request.absolute_path, number_of(request)
        if given is not None and page != REDIRECTED and number in (given, 0):
            return self._run(given, link, seen)
        if given is not None or page == REDIRECTED:
            refuse(link)  # what a command of an earlier case has left
        elif page == RUN_CASE:
            return self._run(number, link, seen)
        elif page in CONVENTION:
            self._answer(page, number, link, seen, request)
        elif is_upgrade_attempt(request):
            return self._run(self._next(), link, seen)
        else:
            refuse(link)
        return None

    def _next(self) -> int:
        """The number of the first case that has not run; 0 after the last."""
        numbers = range(1, len(self._cases) + 1)
        return next((number for number in numbers if number not in self._results), 0)

    def _run(self, number: int, link: Link, seen: ClientSeen) -> Run | None:
        if not 1 <= number <= len(self._cases):
            refuse(link)
            return None
        case = self._cases[number - 1]
        try:
            result = run_case(case, link, seen, self._target)
        except Exception as error:
            words = f"an internal error of refws, {error!a}: please report it"
            result = Result(case, Grade.FAIL, words, case.best.words)
        return Run(number, result)

    def _answer(
        self, page: str, number: int, link: Link, seen: ClientSeen, request: Request
    ) -> None:
        """Answer a page of the convention with a message, if it has one, and a Close."""
        message = self._message(page, number)
        steps = (frame(TEXT, message.encode()), GOOD_BYE) if message else (GOOD_BYE,)
        case = Case("1.1-convention", "", "", Accepts(), steps=steps)
        ClientRun(case, link, seen, request, self._target).seen()
        link.finish(FINISH_TIME)
        self._history.note(seen, (), Accepts().is_seen(seen))
        self._finished = page == "/updateReports"

    def _message(self, page: str, number: int) -> str:
        if page == "/getCaseCount":
            return str(len(self._cases))
        if page == "/updateReports":
            return ""
        if not 1 <= number <= len(self._cases):
            return json.dumps({})
        case, result = self._cases[number - 1], self.results()[number - 1]
        if page == "/getCaseInfo":
            return json.dumps({"id": case.name, "description": case.rule})
        return json.dumps({"behavior": BEHAVIORS[result.grade]})


def resource_of(number: int) -> str:
    """What the client of a command is asked to request for this case."""
    return f"{RUN_CASE}?case={number}&agent=command"


def number_of(request: Request) -> int:
    """The number in the query, as in `case=3`; 0 if there is none."""
    values = parse_qs(request.query).get("case", [""])
    return int(values[0]) if values[0].isdecimal() and len(values[0]) < 6 else 0


def with_problem(seen: str, tls_problem: str) -> str:
    return f"{seen}; no TLS: {tls_problem}" if tls_problem else seen


def refuse(link: Link) -> None:
    """Answer what is no case, such as a page asked for in a browser."""
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade, close")]
    status = HTTPStatus.UPGRADE_REQUIRED
    link.send(Response.text(status, NO_HANDSHAKE, headers).to_bytes(), HEAD_TIMEOUT)
    link.finish(FINISH_TIME)
