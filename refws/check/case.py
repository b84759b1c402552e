"""A case: what is sent to the endpoint under test, and which outcomes the RFCs allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .opening import VALID, Opening
from .outcomes import Outcome


class Level(Enum):
    """How strongly the RFC asks for what a case checks (RFC 2119)."""

    MUST = "must"
    SHOULD = "should"
    CHOICE = "choice"


class Need(Enum):
    """What an endpoint may leave out; a case that needs it is then skipped, with this reason."""

    ECHO = "it does not send a message back as it was"
    BINARY = "it does not send a binary message back as it was"
    DEFLATE = "it declines permessage-deflate"
    AGREEMENT = "its answer to an offer of permessage-deflate breaks a rule: mend that first"
    LARGE = "it takes no message of 65,536 bytes"
    THIS_OFFER = "it declines this offer of permessage-deflate"
    TAKEOVER = "it wants each compressed message to begin with an empty window"

    # Of a client
    ORIGIN = "it sends no Origin"
    SUBPROTOCOLS = "it lists no subprotocol"
    SUBPROTOCOLS_VALID = "it lists no valid subprotocol"
    EXTENSIONS = "it offers no extension"
    OFFER = "it does not offer permessage-deflate"
    OFFER_VALID = "it makes no valid offer of permessage-deflate"
    CONTEXT = "it asks for server_no_context_takeover, so no message can refer to another"
    CLIENT_WINDOW = "it does not offer client_max_window_bits"
    EARLIER = "it has connected only once so far, so there is nothing to compare with"
    STARTS = "it has sent no frame on an earlier connection, so there is nothing to compare with"
    KEYS = "it has sent too few valid keys so far to judge them"
    MASKS = "it has sent too few frames to judge its masking keys"
    FRAMES = "it answers no Ping, so there is only one masking key"


@dataclass(frozen=True, slots=True)
class Drip:
    """Bytes that are sent in parts of `size`, `pause` seconds apart: one by one, if not given."""

    data: bytes
    pause: float = 0.002
    size: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for so long; what arrives meanwhile is read."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Nothing is sent until this is seen, the connection is over, or nothing arrives for a while.

    That is `seconds` of silence; the target's timeout if it is None.
    """

    outcome: Outcome
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class HalfClose:
    """The end of TCP in one direction: nothing more is sent, but what arrives is read."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another connection, while this one is neither read nor written; it is dropped at the end.

    `steps` are taken on it after its own opening handshake. Unless `outcome` is seen there, the
    case has not its best outcome.
    """

    steps: tuple[Step, ...]
    outcome: Outcome


Step = bytes | Drip | Pause | Until | HalfClose | Elsewhere


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `best` passes; an outcome in `weak` is allowed, but not the best; others fail.

    The name begins with the section: `5.2-rsv1`, or with the RFC if that is not RFC 6455:
    `7692-7.2.3.4-final-block`. `rule` is the sentence that it checks, `requirement` its id.
    `before` is sent on a connection of its own, which is then reset; `steps` go to the next one.
    """

    name: str
    rule: str
    requirement: str
    best: Outcome
    weak: tuple[Outcome, ...] = ()
    steps: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()
    opening: Opening = VALID
    needs: frozenset[Need] = frozenset()
    level: Level = Level.MUST
    slow: bool = False

    @property
    def section(self) -> str:
        """Such as "§5.2" or "RFC 7692 §7.2.3.4"."""
        first, second, *_ = self.name.split("-")
        return f"§{first}" if "." in first else f"RFC {first} §{second}"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of one subject; `title` is for people, `name` for --group."""

    name: str
    title: str
    cases: tuple[Case, ...]
