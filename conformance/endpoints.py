"""What is tested: the server and the client of refws, or anybody's by URL and command line."""

from __future__ import annotations

import re
import shlex
import shutil
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

import fuzzing
from cases import MAX_FRAGMENTS, MAX_MESSAGE_SIZE
from refws import InvalidURI, WebSocketException, connect
from refws.protocol.client.uri import parse_uri
from workers import RunFailed

HERE = Path(__file__).resolve().parent
ECHO_CLIENT = HERE / "echo_client.py"
CERTIFICATES = HERE.parent / "tests" / "certificates"

AGENT = "refws"
AGENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

OPEN_S = 10

URL, CASE_URL, CASE, NAME = "{url}", "{case_url}", "{case}", "{agent}"
"""In a client's command, the places of what only the run knows."""


class BadEndpoint(ValueError):
    """A URL, a command or a name that cannot be used; the text says what to write instead."""


def refws() -> fuzzing.Server:
    return fuzzing.Server(AGENT, server_command)


def refws_over_tls() -> fuzzing.Server:
    """The options for TLS, with the tests' certificate, which the testsuite does not check."""
    files = ["--cert", str(CERTIFICATES / "localhost.pem"), "--key", str(CERTIFICATES / "key.pem")]
    return fuzzing.Server(AGENT, lambda port: [*server_command(port), *files], "wss")


def server_command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "refws",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        *server_options(),
    ]


def server_options() -> list[str]:
    """The options that differ from the defaults."""
    options = {
        "--max-message-size": MAX_MESSAGE_SIZE,
        "--max-fragments": MAX_FRAGMENTS,
        "--log-level": "warning",
    }
    return ["--deflate", *(str(word) for option in options.items() for word in option)]


def client_command(url: str, cases: Sequence[str]) -> list[str | Path]:
    return [sys.executable, ECHO_CLIENT, url, AGENT, *cases]


def check_agent(name: str) -> str:
    """The name, which is also that of a directory. BadEndpoint."""
    if not AGENT_NAME.fullmatch(name):
        raise BadEndpoint(
            f"{name!a} as a name: use up to 80 letters, digits, dots, hyphens and underscores"
        )
    return name


def check_url(url: str) -> str:
    """A URL for WebSocket. BadEndpoint."""
    try:
        parse_uri(url)
    except InvalidURI as error:
        raise BadEndpoint(str(error)) from None
    return url


def is_secure(url: str) -> bool:
    return parse_uri(url).secure


def check_open(url: str) -> None:
    """Open a connection and close it, because fuzzing clients wait for dead servers. RunFailed."""
    try:
        connect(url, ssl=_unverified() if is_secure(url) else None, open_timeout=OPEN_S).close()
    except (WebSocketException, OSError) as error:
        raise RunFailed(
            f"{url}: no WebSocket connection: {error}; start the server, or correct --url"
        ) from None


def _unverified() -> ssl.SSLContext:
    """The testsuite does not check certificates either."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def client(command_line: str, agent: str) -> fuzzing.Client:
    """Anybody's client, started in the current directory, without a shell. BadEndpoint."""
    words = split(command_line)
    one_case_each = any(place in word for word in words for place in (CASE, CASE_URL))

    def command(url: str, cases: Sequence[str]) -> list[str]:
        case_url = f"{url}/runCase?case=1&agent={agent}"
        known = {URL: url, CASE_URL: case_url, CASE: cases[0], NAME: agent}
        return [fill(word, known) for word in words]

    return fuzzing.Client(agent, command, None, one_case_each)


def split(command_line: str) -> list[str]:
    """The words of a client's command, checked before anything runs. BadEndpoint."""
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise BadEndpoint(f"--command {command_line!a}: {error}; quote it as in a shell") from None
    if not any(place in word for word in words for place in (URL, CASE_URL)):
        raise BadEndpoint(
            f"--command {command_line!a} has no {URL}: write it where the client expects the "
            f"address of the fuzzing server, or {CASE_URL} for a client that knows nothing of cases"
        )
    if shutil.which(words[0]) is None:
        raise BadEndpoint(
            f"--command: there is no program {words[0]!a}; name one that is on PATH, or its path"
        )
    return words


def fill(word: str, known: dict[str, str]) -> str:
    """The word with each place filled."""
    return re.sub("|".join(map(re.escape, known)), lambda place: known[place[0]], word)
