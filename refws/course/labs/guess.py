"""RFC 7692 §8: what compression tells. A secret and a guess in one window: the length answers.

The cast: a server whose first message has a secret, and which repeats what it is sent; a user; and
an attacker, who makes the user's page send guesses, and sees how long the answers are: TLS hides
what is in a frame, and not how long it is. ("CRIME", Rizzo and Duong, 2012.)
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from ...endpoint.connection import Connection
from ...protocol.deflate.negotiation import DeflateSettings
from ...protocol.frame import TEXT
from .cast import Cast, no_log
from .story import Crossed, Lab, Step
from .talk import masked, talk_with

KNOWN = "session="
"""What the attacker knows of the first message, before the secret."""

DIGITS = "0123456789abcdef"
SECRET_LENGTH = 8

OFFER = "permessage-deflate"


def play(cast: Cast) -> Iterator[Step]:
    """The message with the secret, the length of each answer to one guess, and the whole secret."""
    attack = Attack(cast, secrets.token_hex(SECRET_LENGTH // 2))
    found = cast.defence == "off"
    with talk_with(cast, attack.port, extensions=OFFER) as talk:
        welcome = talk.say(answers=1)[1]
        hidden = attack.secret.encode() not in welcome.data
        yield Step("secret", hidden is (cast.defence != "on"), (*talk.opened, welcome))

    exchanges = {digit: attack.exchange(digit) for digit in DIGITS}
    lengths = {digit: length_of(exchange) for digit, exchange in exchanges.items()}
    shortest = [digit for digit in DIGITS if lengths[digit] == min(lengths.values())]
    facts = {"lengths": table(lengths), "shortest": f'"{KNOWN}{shortest[0]}"'}
    came_out = (shortest == [attack.secret[0]]) is found
    yield Step("one digit", came_out, exchanges[shortest[0]], facts)

    guessed = attack.guess()
    facts = {"guessed": guessed, "secret": attack.secret, "tries": f"{attack.tries}"}
    yield Step("all digits", (guessed == attack.secret) is found, (), facts)


LAB = Lab("guess", "RFC 7692 §8", 10, play, ("on", "off", "context"))


class Attack:
    """The server with the secret, and the user whom the attacker makes connect to it.

    The lengths that the attacker sees are of frames; over TLS each is a few bytes longer.
    """

    def __init__(self, cast: Cast, secret: str) -> None:
        self.secret = secret
        self.tries = 0
        self._cast = cast
        self.port = cast.websocket(
            self._handler, compression=compression(cast.defence), logger=no_log()
        )

    def _handler(self, connection: Connection) -> None:
        connection.send(f"Welcome. Your cookie: {KNOWN}{self.secret}; path=/")
        for message in connection:
            connection.send(message)

    def exchange(self, guess: str) -> tuple[Crossed, ...]:
        """A guess and its answer, in a new connection, whose window has the secret alone."""
        self.tries += 1
        with talk_with(self._cast, self.port, extensions=OFFER) as talk:
            _, secret = talk.say(answers=1)
            tried = talk.say(masked(TEXT, f"{KNOWN}{guess}".encode()), answers=1)
        return (*talk.opened, secret, *tried)

    def guess(self) -> str:
        """Digit by digit, the one whose answer is the shortest."""
        guessed = ""
        for _ in self.secret:
            lengths = {digit: length_of(self.exchange(guessed + digit)) for digit in DIGITS}
            guessed += min(DIGITS, key=lengths.__getitem__)
        return guessed


def length_of(exchange: tuple[Crossed, ...]) -> int:
    """Bytes of the answer: the attacker sees no more of it."""
    return len(exchange[-1].data)


def compression(defence: str) -> DeflateSettings | None:
    """Off with the switch at "on"; "context" gives each message a window of its own."""
    if defence == "on":
        return None
    return DeflateSettings(threshold=0, server_no_context_takeover=defence == "context")


def table(lengths: dict[str, int]) -> str:
    return ", ".join(f"{guess}: {length}" for guess, length in lengths.items())
