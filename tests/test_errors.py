"""RFC 6455 §7.1.7, §4.2.1: what a refusal carries: its section, what was seen and expected, its
code or status.
"""

import copy
import pickle
from http import HTTPStatus

import pytest

from refws import (
    Close,
    ConnectionClosedError,
    Headers,
    IncompleteHead,
    InvalidResponse,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    Response,
)
from refws.protocol.errors import (
    ConnectionFailure,
    Fault,
    HandshakeError,
    InvalidData,
    MessageTooBig,
    PolicyViolation,
    ProtocolError,
    Violation,
    WebSocketException,
)
from refws.protocol.origin_form import BadOrigin

FAILURES = [
    (ProtocolError, 1002),
    (InvalidData, 1007),
    (PolicyViolation, 1008),
    (MessageTooBig, 1009),
]
every_failure = pytest.mark.parametrize("failure, code", FAILURES)


@pytest.mark.rfc("6455-7.4.1-04", "6455-7.4.1-09", "6455-7.4.1-10", "6455-7.4.1-11")
@every_failure
def test_7_4_1_each_kind_of_failure_has_its_close_code(failure, code):
    assert failure("§5.2", "this", "that").close_code == code
    assert failure.close_code == code


@every_failure
def test_7_1_7_a_failure_carries_its_section_what_was_seen_and_what_was_expected(failure, code):
    error = failure("§5.2", "this", "that", "opcode")
    assert error.violation == Violation("§5.2", "this", "that", field="opcode")
    assert str(error) == "§5.2: this; expected that"
    assert str(error.violation) == str(error)


@every_failure
def test_7_1_7_every_failure_is_caught_by_its_base(failure, code):
    assert issubclass(failure, ConnectionFailure)
    assert issubclass(failure, WebSocketException)


def test_7_1_7_a_failure_of_no_special_kind_is_1002():
    assert ConnectionFailure("§5.2", "this", "that").close_code == 1002


def test_4_2_1_a_fault_is_400_unless_it_says_otherwise():
    assert Fault("§4.2.1 item 5", "this", "that").status is HTTPStatus.BAD_REQUEST
    assert Fault("§4.4", "this", "that", status=HTTPStatus.UPGRADE_REQUIRED).status == 426


def test_4_2_1_a_fault_is_shown_like_a_failure():
    assert str(Fault("§4.2.1 item 5", "this", "that")) == "§4.2.1 item 5: this; expected that"


def test_4_2_1_a_handshake_error_has_all_faults_in_their_order_and_the_status_of_the_first():
    faults = [
        Fault("§4.4", "a", "b", status=HTTPStatus.UPGRADE_REQUIRED),
        Fault("§4.2.1 item 1", "c", "d"),
    ]
    error = HandshakeError(iter(faults))
    assert error.faults == tuple(faults)
    assert error.status == 426
    assert str(error) == "§4.4: a; expected b\n§4.2.1 item 1: c; expected d"
    assert isinstance(error, WebSocketException) and not isinstance(error, ConnectionFailure)


NOT_HERE = Response(404, "Not Found", Headers({"Server": "x"}), b"gone")


@pytest.mark.parametrize(
    "error",
    [
        InvalidURI("§3", "this", "that"),
        BadOrigin("this", "why", "that"),
        HandshakeError([Fault("§4.2.1", "this", "that")]),
        InvalidResponse([Fault("§4.1", "this", "that")], NOT_HERE),
        InvalidStatus(NOT_HERE),
        ProxyError([Fault("§4.1", "this", "that")], NOT_HERE),
        IncompleteHead(5, "response"),
        ConnectionClosedError(Close(1011, "x"), None, "why"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(
    "copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"]
)
def test_an_exception_can_be_copied_and_sent_to_another_process(error, copied):
    """As concurrent.futures and multiprocessing do with what a worker raises."""
    other = copied(error)
    assert type(other) is type(error)
    assert (str(other), vars(other)) == (str(error), vars(error))
