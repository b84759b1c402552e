"""`python3 -m refws check --listen PORT`: where the client under test connects, and its results."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Sequence

from ...check.case import Case, Group
from ...check.clients.listening import Listener, NoClient, Security
from ...check.clients.program import BadCommand
from ...check.clients.running import DEADLINE, run_clients
from ...check.engine import Result
from ...check.target import TIMEOUT
from ...endpoint.tls.certificates import describe, server_context
from ...protocol.frame import Side
from ..options import pem_problem

ADVICE = {
    errno.EADDRINUSE: "stop the program that uses it, or give another port (--listen 0: any)",
    errno.EACCES: "ports below 1024 are for privileged users; give a higher one: --listen 9000",
    errno.EADDRNOTAVAIL: "this machine has no such address; give one that it has",
}


def security_from(certificate: str, key: str | None) -> Security:
    """TLS with these PEM files. CannotListen if one of them cannot be used."""
    try:
        context = server_context(certificate, key)
    except OSError as error:
        raise CannotListen(pem_problem(error, "--cert and --key")) from None
    return Security(context, lambda error: describe(error, Side.SERVER))


class CannotListen(Exception):
    """No client can be checked; the message says why, and what to do."""


def check_clients(
    host: str,
    port: int,
    groups: Sequence[Group],
    command: str | None,
    note: Callable[[Result], None],
    *,
    security: Security | None = None,
    timeout: float = TIMEOUT,
    wait: float | None = None,
    jobs: int = 1,
) -> list[Result]:
    """The results of these groups of `CLIENT_GROUPS`, in their order; `note` gets each at once.

    It says on stderr where to connect. Blocks until all cases have run, the client says that it is
    done, nothing connects for `wait` seconds, or Ctrl-C: then the cases that have not run have no
    result. A command has `wait` seconds for each case. CannotListen if it cannot begin, or if no
    client ever comes.
    """
    cases = [case for group in groups for case in group.cases]
    try:
        listener = Listener(host, port, security)
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "give another port, such as --listen 9000")
        what = f"cannot listen on {host} port {port}, {error.strerror}"
        raise CannotListen(f"{what}: {advice}") from None
    with listener:
        print(*where_to_connect(listener, cases, command), sep="\n", file=sys.stderr)
        try:
            return run_clients(
                listener,
                cases,
                command,
                note,
                timeout=timeout,
                deadline=DEADLINE if wait is None else wait,
                wait=wait,
                jobs=jobs,
            )
        except BadCommand as error:
            raise CannotListen(f"--command {error}") from None
        except NoClient as error:
            advice = f"start it with {listener.uri('/')}, or give a longer --wait"
            raise CannotListen(f"{error}, so nothing is checked: {advice}") from None


def where_to_connect(
    listener: Listener, cases: Sequence[Case], command: str | None
) -> Iterator[str]:
    count = f"{len(cases)} cases" if len(cases) != 1 else "1 case"
    if command is not None:
        yield f"{count}: the command is started for each, with a URL of {listener.uri('/')}"
        return
    yield f"listening for the client under test, which must send each message back: {count}"
    yield f"  {listener.uri('/')}  the next case for each connection"
    yield f"  {listener.uri('/getCaseCount')}  for clients of Autobahn's fuzzing server, then"
    yield f"  {listener.uri('/runCase?case=1&agent=NAME')} and so on, and"
    yield f"  {listener.uri('/updateReports?agent=NAME')}  at the end"
    yield "Ctrl-C ends the run; what has run until then is reported"
