"""RFC 7617, RFC 6455 §10.5: a `process_request` that wants a user name and a password."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from ..protocol.credentials import CONTROL_CHARACTER, basic_credentials, fault, parse_basic
from ..protocol.errors import Fault, HandshakeError
from ..protocol.handshake import refuse
from ..protocol.http import Headers, Request, Response, count_lines
from .arguments import check_function, check_text
from .server_handshake import ProcessRequest, ServerConnection

Credentials = tuple[str, str]
CheckCredentials = Callable[[str, str], bool]

CHALLENGE = "WWW-Authenticate"

WHAT_TO_USE = "use credentials=(user, password), or a list of such pairs"
INSTEAD = "check_credentials, a function of user and password that returns True or False"


def basic_auth(
    realm: str = "",
    credentials: Credentials | Iterable[Credentials] | None = None,
    check_credentials: CheckCredentials | None = None,
) -> ProcessRequest:
    """A function for `process_request` of `serve`, which lets in users by name and password.

    `credentials` is one pair (user, password) or several; or `check_credentials(user, password)`
    decides, called in the connection's thread. A request with the right ones goes on, and
    `connection.username` is the user's name. Any other gets 401: a browser then asks its user, and
    sends the answer with each later request to this server, for a page or a WebSocket. `realm` says
    what the login is for. Without TLS, everyone on the way can read the password (RFC 7617 §4).

    TypeError or ValueError for an argument that cannot be used.
    """
    if (credentials is None) == (check_credentials is None):
        raise ValueError(f"basic_auth needs one way to check; {WHAT_TO_USE}, or {INSTEAD}")
    challenge = challenge_for(realm)
    if check_credentials is None:
        check_credentials = checker(pairs_of(credentials))
    check_function("check_credentials", check_credentials)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        user = known_user(request, check_credentials)
        if isinstance(user, Fault):
            connection.settings.logger.info("%s: %s", connection.peer, user)
            response = refuse(HandshakeError([user]))
            response.headers[CHALLENGE] = challenge
            return response
        connection.username = user
        return None

    return process_request


def challenge_for(realm: str) -> str:
    """The value of WWW-Authenticate in a 401. ValueError for a realm that no header can hold."""
    check_text("realm", realm, optional=False)
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')  # RFC 9110 §5.6.4
    challenge = f'Basic realm="{quoted}", charset="UTF-8"'
    Headers([(CHALLENGE, challenge)])
    return challenge


def pairs_of(credentials: object) -> list[Credentials]:
    """The pairs in the argument. No error repeats one: it may be in a log that others read."""
    if is_pair(credentials):
        credentials = [credentials]
    if isinstance(credentials, str) or not isinstance(credentials, Iterable):
        raise TypeError(f"credentials is of type {type(credentials).__name__}; {WHAT_TO_USE}")
    pairs = list(credentials)
    if not all(map(is_pair, pairs)):
        raise TypeError(f"credentials has what is no pair of str; {WHAT_TO_USE}")
    if any(":" in user or CONTROL_CHARACTER.search(user + password) for user, password in pairs):
        raise ValueError(
            "credentials has a user name with a colon, or a control character; no client can send "
            "them (RFC 7617 §2): choose others"
        )
    return pairs


def is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and [type(part) for part in value] == [str, str]


def checker(pairs: Iterable[Credentials]) -> CheckCredentials:
    """The function that says whether a user name and password are one of the pairs.

    It compares with all of them, each to its last byte, so that the time of an answer says nothing
    about which user exists, or how much of a password is right.
    """
    known = [basic_credentials(*pair).encode() for pair in pairs]

    def check(user: str, password: str) -> bool:
        given = basic_credentials(user, password).encode()
        matches = [hmac.compare_digest(given, each) for each in known]
        return any(matches)

    return check


def known_user(request: Request, check: CheckCredentials) -> str | Fault:
    """The name of the user who sends the request, or why it is not known."""
    values = request.headers.get_all("Authorization")
    if len(values) != 1:
        seen = count_lines("Authorization", values)
        return fault(seen, "one, with Basic and user:password in base64")
    found = parse_basic(values[0])
    if isinstance(found, Fault):
        return found
    user, _ = found
    return user if check(*found) else fault("a wrong user name or password", "a right one")
