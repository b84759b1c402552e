"""RFC 6455 §5.3, §10.3: the masking keys of a client: present, new for each frame, at random."""

from __future__ import annotations

from itertools import combinations, pairwise

from ....protocol.frame import PING, TEXT
from ...case import Case, Group, Need
from ..frames import frame, then_close
from ..outcomes import Shows
from ..seen import MANY_MASKS, ClientSeen

SIXTEEN = tuple(bytes([number]) for number in range(16))

BITS = 32


def numbers(keys: list[bytes]) -> list[int]:
    return [int.from_bytes(key) for key in keys]


def are_masked(seen: ClientSeen) -> bool:
    return bool(seen.keys) and not seen.violation


def are_all_different(seen: ClientSeen) -> bool:
    return len(seen.keys) > 1 and len(set(seen.keys)) == len(seen.keys)


def are_not_zero(seen: ClientSeen) -> bool:
    return bool(seen.keys) and bytes(4) not in seen.keys


def all_keys(seen: ClientSeen) -> list[bytes]:
    return [*seen.history.masks, *seen.keys]


def fixed_bits(seen: ClientSeen) -> int:
    """How many of the 32 bits are the same in all keys."""
    always = never = 2**BITS - 1
    for number in numbers(all_keys(seen)):
        always, never = always & number, never & ~number
    fixed: int = always | never
    return fixed.bit_count()


def is_counter(seen: ClientSeen) -> bool:
    """Whether each key of this connection is the one before plus a constant, in either order."""
    for order in (seen.keys, [key[::-1] for key in seen.keys]):
        steps = {(later - earlier) % 2**BITS for earlier, later in pairwise(numbers(order))}
        if len(seen.keys) > 3 and len(steps) == 1:
            return True
    return False


def is_linear(seen: ClientSeen) -> bool:
    """Whether each key is the one before times a constant, plus a constant, as of `rand()`."""
    orders = (seen.keys, [key[::-1] for key in seen.keys])
    return any(is_linear_sequence(numbers(keys)) for keys in orders)


def is_linear_sequence(sequence: list[int]) -> bool:
    """Then each step is the one before times that constant; an odd step says which."""
    size = 2**BITS
    steps = list(pairwise((later - earlier) % size for earlier, later in pairwise(sequence)))
    odd = next((pair for pair in steps if pair[0] % 2), None)
    if odd is None or len(steps) < 3:
        return False
    factor = odd[1] * pow(odd[0], -1, size)
    return all((step * factor - following) % size == 0 for step, following in steps)


def repeats_a_byte(seen: ClientSeen) -> bool:
    """Whether two bytes of a key are the same in all keys, as if one byte were made for both."""
    columns = list(zip(*all_keys(seen), strict=True))
    return any(one == other for one, other in combinations(columns, 2))


def look_random(seen: ClientSeen) -> bool:
    enough = len(all_keys(seen)) >= MANY_MASKS
    patterns = (fixed_bits, repeats_a_byte, is_counter, is_linear)
    return enough and not any(has_pattern(seen) for has_pattern in patterns)


def do_not_repeat(seen: ClientSeen) -> bool:
    """Whether no earlier connection began with the same key."""
    return bool(seen.keys) and seen.keys[0] not in seen.history.starts


def show_keys(seen: ClientSeen) -> str:
    """The first keys of this connection; or what is wrong with its frames."""
    if seen.violation or not seen.keys:
        return str(seen)
    shown = ", ".join(key.hex(" ") for key in seen.keys[:3]) + ("..." if seen.keys[3:] else "")
    if len(seen.keys) == 1:
        return f"1 frame with the key {shown}"
    return f"{len(seen.keys)} frames with the keys {shown}"


def show_pattern(seen: ClientSeen) -> str:
    if is_counter(seen):
        return f"{show_keys(seen)}: each is the one before plus a constant"
    if is_linear(seen):
        return f"{show_keys(seen)}: each is the one before times a constant, plus a constant"
    fixed, count = fixed_bits(seen), len(all_keys(seen))
    if not fixed and repeats_a_byte(seen):
        return f"{show_keys(seen)}: two bytes of each key are always the same"
    return f"{count} keys, in which {fixed} of the {BITS} bits are always the same"


def show_start(seen: ClientSeen) -> str:
    again = "" if do_not_repeat(seen) else ", of which the first began an earlier connection"
    return show_keys(seen) + again


PINGS = then_close(b"".join(frame(PING, payload) for payload in SIXTEEN), pongs=len(SIXTEEN))
"""Each Pong, and the Close, is a frame with a key; so clients that send no message are judged."""

MIXED = then_close(frame(TEXT, b"Hello") + frame(PING, b""), pongs=1)

MASKING = Group(
    "masking",
    "Masking",
    (
        Case(
            "5.1-all-frames-masked",
            "A client masks every frame: messages, Pongs, also empty ones, and its Close.",
            "6455-5.1-01",
            Shows("the MASK bit 1 in each frame", are_masked, show_keys),
            steps=MIXED,
        ),
        Case(
            "5.3-key-not-zero",
            "A masking key of zero masks nothing.",
            "6455-5.3-04",
            Shows("keys that are not 00 00 00 00", are_not_zero, show_keys),
            steps=PINGS,
        ),
        Case(
            "5.3-new-key-for-each-frame",
            "Each frame has a masking key of its own.",
            "6455-5.3-03",
            Shows("a key of its own for each frame", are_all_different, show_keys),
            steps=PINGS,
            needs=frozenset({Need.FRAMES}),
        ),
        Case(
            "5.3-key-not-predictable",
            "From one masking key the next cannot be computed.",
            "6455-5.3-05",
            Shows("keys without a pattern", look_random, show_pattern),
            steps=PINGS,
            needs=frozenset({Need.MASKS}),
        ),
        Case(
            "10.3-keys-differ-between-connections",
            "Each connection has other masking keys: the source of them is not seeded alike.",
            "6455-10.3-01",
            Shows("a key that no earlier connection began with", do_not_repeat, show_start),
            steps=PINGS,
            needs=frozenset({Need.STARTS}),
        ),
    ),
)
