"""RFC 6455 §5.5.1, §7.1, §7.4: the body of a Close both ways, every code, and the states of a
connection.
"""

import itertools
import random

import pytest

from refws.protocol.close import (
    CLOSED,
    CLOSING,
    CONNECTING,
    OPEN,
    Close,
    ClosingHandshake,
    State,
    cut_reason,
)
from refws.protocol.close_codes import CloseCode, is_valid_on_wire
from refws.protocol.errors import ConnectionFailure, InvalidData, ProtocolError

ON_WIRE = [
    # §7.4.1 with §11.7, and what IANA's registry of close codes has added to it
    (1000, "Normal Closure"),
    (1001, "Going Away"),
    (1002, "Protocol error"),
    (1003, "Unsupported Data"),
    (1007, "Invalid frame payload data"),
    (1008, "Policy Violation"),
    (1009, "Message Too Big"),
    (1010, "Mandatory Ext."),
    (1011, "Internal Error"),
    (1012, "Service Restart"),
    (1013, "Try Again Later"),
    (1014, "Bad gateway"),
]
RANGES_ON_WIRE = [(3000, 3999, "libraries, frameworks, applications"), (4000, 4999, "private use")]
"""§7.4.2"""

VALID = {code for code, _ in ON_WIRE} | {
    code for low, high, _ in RANGES_ON_WIRE for code in range(low, high + 1)
}
EVERY_CODE = [*range(5001), 32767, 32768, 65534, 65535]

# Codes


@pytest.mark.rfc(
    "6455-5.5.1-02",
    "6455-7.4.1-01",
    "6455-7.4.1-06",
    "6455-7.4.1-07",
    "6455-7.4.1-08",
    "6455-7.4.1-16",
    "6455-7.4.2-01",
    "6455-7.4.2-02",
    "6455-7.4.2-03",
    "6455-7.4.2-04",
    "6455-11.7-02",
)
@pytest.mark.parametrize("reason", ["", "why"])
def test_7_4_every_code_is_received_if_it_may_stand_in_a_close_frame_and_fails_with_1002_if_not(
    reason,
):
    for code in EVERY_CODE:
        body = bytes((code >> 8, code & 255)) + reason.encode()
        try:
            close = Close.parse(body)
        except ProtocolError as failure:
            assert code not in VALID
            assert (failure.section, failure.close_code) == ("§7.4", 1002)
        else:
            assert code in VALID
            assert close == Close(code, reason)


@pytest.mark.rfc(
    "6455-5.5.1-02",
    "6455-7.4.1-01",
    "6455-7.4.1-06",
    "6455-7.4.1-08",
    "6455-7.4.1-16",
    "6455-7.4.2-01",
    "6455-7.4.2-02",
    "6455-11.7-02",
)
@pytest.mark.parametrize("reason", ["", "why"])
def test_7_4_every_code_is_sent_if_it_may_stand_in_a_close_frame_and_refused_if_not(reason):
    for code in (-1, *EVERY_CODE, 65536, 66536, 10**9):
        if code == 1005 and not reason:
            continue
        if code in VALID:
            assert (
                Close(code, reason).serialize() == bytes((code >> 8, code & 255)) + reason.encode()
            )
        else:
            with pytest.raises(ValueError) as caught:
                Close(code, reason).serialize()
            assert str(caught.value).startswith(f"§7.4: close code {code} must not be sent; use ")


@pytest.mark.parametrize("code, name", ON_WIRE)
def test_11_7_the_codes_of_the_registry_have_names(code, name):
    assert CloseCode(code) == code
    assert is_valid_on_wire(CloseCode(code))


def test_7_4_1_no_other_code_has_a_name_but_those_that_are_only_reported():
    assert sorted(CloseCode) == sorted([1005, 1006, 1015, *(code for code, _ in ON_WIRE)])


def test_7_4_1_every_assigned_code_has_a_meaning_of_one_short_line():
    assert CloseCode(1002).meaning == "protocol error: a rule of the RFC was broken"
    meanings = [code.meaning for code in CloseCode]
    assert all(0 < len(meaning) < 80 and meaning.isprintable() for meaning in meanings)
    assert len(set(meanings)) == len(meanings)


# Bodies


@pytest.mark.rfc("6455-5.5.1-01", "6455-7.1.5-02", "6455-7.1.6-02", "6455-7.4-01", "6455-7.4.1-07")
def test_7_1_5_a_close_without_a_body_is_1005_which_is_never_in_a_body():
    assert Close.parse(b"") == Close(1005, "")
    assert Close(1005).serialize() == b""
    assert Close(CloseCode.NO_STATUS_RCVD).serialize() == b""
    with pytest.raises(ValueError, match=r"^§7\.4: close code 1005 must not be sent"):
        Close(1005, "why").serialize()


@pytest.mark.rfc("6455-5.5.1-02")
@pytest.mark.parametrize("octet", [0x00, 0x03, 0x0F, 0xFF])
def test_5_5_1_a_body_of_1_byte_fails_with_1002(octet):
    with pytest.raises(ProtocolError) as caught:
        Close.parse(bytes((octet,)))
    assert (caught.value.section, caught.value.close_code) == ("§5.5.1", 1002)


REASONS = {
    "empty": "",
    "one-byte": "x",
    "greek": "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "122-bytes": "x" * 122,
    "123-bytes": "x" * 123,
    "123-bytes-of-3": "\u20ac" * 41,
    "123-bytes-of-4-and-3": "\U0001f600" * 30 + "\u20ac",
    "nul": "\0",
    "byte-order-mark": "\ufeff",
}
every_reason = pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)


@pytest.mark.rfc("6455-5.5.1-01", "6455-5.5.1-02", "6455-5.5.1-03", "6455-7.4-01")
@every_reason
def test_5_5_1_a_reason_of_up_to_123_bytes_follows_the_code_in_either_direction(reason):
    body = b"\x03\xe8" + reason.encode()
    assert Close(1000, reason).serialize() == body
    assert Close.parse(body) == Close(1000, reason)
    assert len(body) <= 125


@pytest.mark.rfc("6455-5.5-02", "6455-5.5.1-04")
@pytest.mark.parametrize(
    "reason", ["x" * 124, "\u20ac" * 41 + "x", "x" * 122 + "\u00e9", "x" * 200, "x" * 100_000]
)
def test_5_5_1_a_reason_above_123_bytes_is_not_sent(reason):
    with pytest.raises(
        ValueError, match=f"^§5.5.1: a reason of {len(reason.encode())} bytes .* shorten it to 123$"
    ):
        Close(1000, reason).serialize()


@pytest.mark.rfc("6455-5.5.1-04")
def test_5_5_1_a_reason_that_utf_8_cannot_hold_is_not_sent():
    with pytest.raises(ValueError):
        Close(1000, "\ud800").serialize()


def test_a_close_in_words_has_its_section_and_no_control_character():
    close = Close(1011, "§5.5.2: nothing\nERROR forged \x1b[2J é \\xa7")
    assert str(close) == r"1011 '§5.5.2: nothing\nERROR forged \x1b[2J \xe9 \\xa7'"


@pytest.mark.rfc("6455-5.5.1-04", "6455-8.1-01", "6455-7.4.1-09")
@pytest.mark.parametrize(
    "bad", ["80", "c0 80", "c2", "c2 41", "e0 80 80", "e2 82", "ed a0 80", "f4 90 80 80", "ff"]
)
@pytest.mark.parametrize("before", [b"", b"Hello ", b"x" * 119])
def test_5_5_1_a_reason_that_is_not_utf_8_fails_with_1007(bad, before):
    with pytest.raises(InvalidData) as caught:
        Close.parse(b"\x03\xe8" + before + bytes.fromhex(bad))
    assert (caught.value.section, caught.value.close_code) == ("§5.5.1", 1007)


def test_7_4_a_bad_code_is_refused_before_a_bad_reason():
    with pytest.raises(ProtocolError) as caught:
        Close.parse(b"\x03\xed\xff")
    assert caught.value.section == "§7.4"


@pytest.mark.rfc("6455-10.7-01")
def test_10_7_any_body_is_a_close_that_gives_the_same_body_again_or_a_failure():
    chance = random.Random(741)
    closes = failures = 0
    for _ in range(5000):
        start = chance.choice([b"", b"\x03\xe8", b"\x0f\xa0", chance.randbytes(2)])
        body = start + chance.choice(
            [b"", b"bye", "\u20ac".encode(), chance.randbytes(chance.randrange(5))]
        )
        try:
            close = Close.parse(body)
        except ConnectionFailure:
            failures += 1
        else:
            closes += 1
            assert close.serialize() == body
    assert closes > 1000 and failures > 1000


@pytest.mark.parametrize(
    "close, shown",
    [
        (Close(1000), "1000"),
        (Close(CloseCode.GOING_AWAY), "1001"),
        (Close(1000, "bye"), "1000 'bye'"),
        (Close(4000, "a\r\nb\x1b[2J\u202e"), r"4000 'a\r\nb\x1b[2J\u202e'"),
    ],
)
def test_a_close_is_shown_in_printable_ascii_whatever_the_peer_wrote(close, shown):
    assert str(close) == shown


def test_a_close_is_a_value_that_cannot_be_changed():
    assert Close(1000, "bye") == Close(1000, "bye") != Close(1001, "bye")
    with pytest.raises(AttributeError):
        Close(1000).code = 1001


# Reasons that are cut


@every_reason
def test_5_5_1_a_reason_that_fits_is_not_cut(reason):
    assert cut_reason(reason) == reason


@pytest.mark.rfc("6455-5.5.1-04")
@pytest.mark.parametrize("character", ["x", "\u00e9", "\u20ac", "\U0001f600"], ids=ascii)
def test_5_5_1_a_long_reason_is_cut_at_the_last_character_that_fits(character):
    size = len(character.encode())
    for before in range(118, 127):
        reason = "x" * before + character * 6
        expected = "x" * min(before, 123) + character * (max(123 - before, 0) // size)
        assert cut_reason(reason) == expected
        assert Close(1000, cut_reason(reason)).serialize() == b"\x03\xe8" + expected.encode()


# States


OURS, THEIRS, SECOND = Close(1001, "ours"), Close(4000, "theirs"), Close(4001, "second")

ROWS = [
    # Close sent?, Close received?, TCP closed? -> state, clean?, code, reason; all after `open`
    (False, False, False, OPEN, False, None, None),
    (True, False, False, CLOSING, False, None, None),
    (False, True, False, CLOSING, False, 4000, "theirs"),
    (True, True, False, CLOSING, False, 4000, "theirs"),
    (True, True, True, CLOSED, True, 4000, "theirs"),
    (False, False, True, CLOSED, False, 1006, ""),
    (True, False, True, CLOSED, False, 1006, ""),
    (False, True, True, CLOSED, False, 4000, "theirs"),
]


def opened() -> ClosingHandshake:
    closing = ClosingHandshake()
    closing.open()
    return closing


@pytest.mark.rfc(
    "6455-5.5.1-16",
    "6455-7.1.3-01",
    "6455-7.1.4-01",
    "6455-7.1.4-02",
    "6455-7.1.5-01",
    "6455-7.1.5-03",
    "6455-7.1.6-01",
    "6455-7.1.6-02",
)
@pytest.mark.parametrize("sent, received, tcp_closed, state, clean, code, reason", ROWS)
def test_7_1_the_table_of_states(sent, received, tcp_closed, state, clean, code, reason):
    steps = [ClosingHandshake.send] * sent + [ClosingHandshake.receive] * received
    for order in itertools.permutations(steps):
        closing = opened()
        for step in order:
            step(closing, OURS if step is ClosingHandshake.send else THEIRS)
        if tcp_closed:
            closing.tcp_closed()
        assert closing.state is state
        assert closing.was_clean is clean
        assert (closing.code, closing.reason) == (code, reason)
        assert (closing.sent, closing.received) == (
            OURS if sent else None,
            THEIRS if received else None,
        )


def test_7_1_the_rows_are_all_there_are():
    assert {row[:3] for row in ROWS} == set(itertools.product((False, True), repeat=3))


def test_4_1_a_connection_is_connecting_until_it_is_open():
    closing = ClosingHandshake()
    assert closing.state is CONNECTING
    assert (closing.was_clean, closing.code, closing.reason) == (False, None, None)
    closing.open()
    assert closing.state is OPEN


@pytest.mark.rfc("6455-7.1.4-03", "6455-7.1.5-03")
def test_7_1_4_a_connection_never_established_is_closed_and_not_cleanly():
    closing = ClosingHandshake()
    closing.tcp_closed()
    assert closing.state is CLOSED
    assert (closing.was_clean, closing.code, closing.reason) == (False, 1006, "")


@pytest.mark.rfc("6455-7.1.5-01", "6455-7.1.6-01")
@pytest.mark.parametrize("first", [THEIRS, Close(1005)])
def test_7_1_5_only_the_first_close_received_counts(first):
    closing = opened()
    for close in (first, SECOND):
        closing.receive(close)
        assert (closing.code, closing.reason) == (first.code, first.reason)
    closing.send(OURS)
    closing.tcp_closed()
    assert (closing.code, closing.reason, closing.was_clean) == (first.code, first.reason, True)


@pytest.mark.rfc("6455-7.1.5-02", "6455-7.1.6-02")
def test_7_1_5_a_close_without_a_code_is_reported_as_1005():
    closing = opened()
    closing.receive(Close.parse(b""))
    assert (closing.code, closing.reason) == (1005, "")


def test_the_states_are_those_of_the_rfc():
    assert [state.value for state in State] == ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]
