"""The wire log of a case as a tape: `replay` reads it, and it has the bytes and no others."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest

import expectations
import report
import tapes
import wire
from fake_autobahn import write_report
from outcome import Outcome
from refws.__main__ import main
from refws.course.record.tape import Chunk
from refws.course.record.tape_reader import TapeReader
from refws.protocol.frame import Side
from test_conformance_show import REQUEST, RESPONSE, noted, octets

INVALID_TEXT = bytes.fromhex("8182 00000000 c328")
LEGAL_RESPONSE = wire.response(wire.SAMPLE_KEY).decode()
CLOSE = bytes.fromhex("8802 03ef")


def case(*events: object, **changes: object) -> dict[str, object]:
    return noted(*events, behavior="FAILED", behaviorClose="UNCLEAN", **changes)


def chunks(noted: dict[str, object]) -> list[tuple[float, Side, bytes]]:
    reader = TapeReader(io.BytesIO(tapes.tape("6.4.3", noted).encode("ascii")))
    entries = [entry for entry in reader if isinstance(entry, Chunk)]
    return [(entry.seconds, entry.sender, entry.data) for entry in entries]


def test_a_tape_of_a_server_has_heads_bytes_and_the_end_in_order() -> None:
    noted = case(["TO", octets(INVALID_TEXT), False], ["RO", octets(CLOSE)])
    assert chunks(noted) == [
        (0, Side.CLIENT, REQUEST.encode()),
        (0, Side.SERVER, RESPONSE.encode()),
        (0, Side.CLIENT, INVALID_TEXT),
        (0, Side.SERVER, CLOSE),
        (0, Side.SERVER, b""),
    ]


def test_in_a_tape_of_a_client_the_testsuite_is_the_server() -> None:
    log = [
        ["RO", octets(REQUEST.encode())],
        ["TO", octets(RESPONSE.encode()), False],
        ["TO", octets(CLOSE), False],
    ]
    assert chunks(case(wirelog=log, isServer=True, droppedByMe=True)) == [
        (0, Side.CLIENT, REQUEST.encode()),
        (0, Side.SERVER, RESPONSE.encode()),
        (0, Side.SERVER, CLOSE),
        (0, Side.SERVER, b""),
    ]


def test_bytes_that_came_with_the_response_are_kept() -> None:
    log = [["RO", [len(RESPONSE) + 4, (RESPONSE.encode() + CLOSE).hex()]]]
    assert chunks(case(wirelog=log))[2:] == [(0, Side.SERVER, CLOSE), (0, Side.SERVER, b"")]


def test_a_log_without_heads_and_heads_without_an_empty_line_are_completed() -> None:
    """As kosoku writes them."""
    noted = case(
        wirelog=[["RO", octets(CLOSE)]],
        httpRequest=REQUEST.rstrip(),
        httpResponse=RESPONSE.rstrip(),
    )
    assert [data for _, _, data in chunks(noted)] == [
        REQUEST.encode(),
        RESPONSE.encode(),
        CLOSE,
        b"",
    ]


def test_a_head_that_the_testsuite_has_not_seen_is_left_out() -> None:
    log = [["TO", octets(REQUEST.encode()), False]]
    assert chunks(case(wirelog=log, httpResponse="?")) == [
        (0, Side.CLIENT, REQUEST.encode()),
        (0, Side.SERVER, b""),
    ]


def test_times_are_those_of_the_waits_that_have_ended() -> None:
    noted = case(
        ["CT", 1, "A"],
        ["TO", octets(INVALID_TEXT), False],
        ["CTE", "A"],
        ["KL", 1.5],
        ["RO", octets(CLOSE)],
        ["KLE"],
    )
    assert [seconds for seconds, _, _ in chunks(noted)] == [0, 0, 0, 1, 2.5]


def test_a_tape_ends_where_the_report_does_not_keep_all_bytes_and_says_so() -> None:
    noted = case(["RO", octets(bytes(100))], ["RO", octets(CLOSE)])
    assert chunks(noted)[2:] == [(0, Side.SERVER, bytes(64))]
    assert tapes.tape("6.4.3", noted).endswith("# 36 bytes follow that the report does not keep\n")


def test_no_text_of_a_report_can_add_a_line_to_a_tape() -> None:
    noted = case(result="Bad\n0.0 1 client 00", description="a<br>\n0.0 1 client 00")
    assert [data for _, _, data in chunks(noted)] == [REQUEST.encode(), RESPONSE.encode(), b""]


def outcome(directory: Path, verdicts: dict[str, tuple[str, str]], *notes: object) -> Outcome:
    """A run whose report is in `directory`; every case that is not OK has these events."""
    write_report(directory, verdicts, "mine")
    for name in verdicts:
        page = directory / f"mine_case_{name.replace('.', '_')}.json"
        noted = case(
            *notes, httpRequest=wire.request().decode(), httpResponse=LEGAL_RESPONSE, wirelog=notes
        )
        page.write_text(json.dumps(noted), "utf-8")
    results = report.read(directory, "mine")
    failures = expectations.failures(list(verdicts), results)
    return Outcome(
        "server", "mine", "ws://[::1]/", "kosoku 0.1.0", datetime(2026, 11, 26, 12), 1.5,
        directory, list(verdicts), results, failures,
    )  # fmt: skip


def test_there_is_a_tape_of_each_case_that_is_not_ok_and_replay_explains_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ["TO", octets(INVALID_TEXT), False]
    verdicts = {
        "1.1.1": ("OK", "OK"),
        "6.4.3": ("NON-STRICT", "OK"),
        "7.1.6": ("INFORMATIONAL", "INFORMATIONAL"),
        "7.3.1": ("OK", "WRONG CODE"),
    }
    written = tapes.write(outcome(tmp_path, verdicts, text), tmp_path / "tapes")
    assert [file.name for file in written] == ["mine-6.4.3.tape", "mine-7.3.1.tape"]
    assert main(["replay", str(written[0])]) == 1
    assert "VIOLATION §8.1: text that is not UTF-8" in capsys.readouterr().out


def test_a_case_without_a_page_has_no_tape(tmp_path: Path) -> None:
    run = outcome(tmp_path, {"6.4.3": ("FAILED", "OK")})
    (tmp_path / "mine_case_6_4_3.json").unlink()
    assert tapes.write(run, tmp_path / "tapes") == []
