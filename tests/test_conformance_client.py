"""The client that the testsuite tests: echo_client.py, with refws as the fuzzing server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import echo_client
import endpoints
import processes
import refws
from refws.protocol.deflate.negotiation import offer


class FuzzingServer:
    """Sends messages in each case and keeps the echoes; answers `refused` resources with 404."""

    def __init__(self, *messages: str | bytes | list[str], refused: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self.offers: list[str | None] = []
        self.echoes: list[str | bytes] = []
        self._messages = messages
        self._refused = refused

    def handle(self, connection: refws.Connection) -> None:
        assert connection.request is not None
        if "/runCase" in connection.request.path:
            for message in self._messages:
                connection.send(message)
                self.echoes.append(connection.recv(timeout=10))

    def note(
        self, connection: refws.ServerConnection, request: refws.Request
    ) -> refws.Response | None:
        self.asked.append(request.path)
        self.offers.append(request.headers.get("Sec-WebSocket-Extensions"))
        return connection.respond(404, "no such case") if request.path in self._refused else None


@pytest.fixture
def run_client(serving: Callable[..., Any]) -> Callable[..., int]:
    """run_client(fuzzing_server, *cases) gives the exit status."""

    def run(server: FuzzingServer, *cases: str) -> int:
        options = {"process_request": server.note, "max_size": 2**21, "compression": "deflate"}
        _, port = serving(server.handle, **options).address
        return echo_client.main(f"ws://127.0.0.1:{port}", "refws", *cases)

    return run


def test_the_client_runs_the_cases_in_order_and_asks_for_the_reports_last(
    run_client: Callable[..., int],
) -> None:
    server = FuzzingServer()
    assert run_client(server, "1.1.1", "13.2.1") == 0
    assert server.asked == [
        "/runCase?case=1&agent=refws",
        "/runCase?case=2&agent=refws",
        "/updateReports?agent=refws",
    ]


def test_the_client_sends_back_what_it_gets_of_the_same_type(
    run_client: Callable[..., int],
) -> None:
    messages: list[str | bytes] = ["grün", b"\x00\xff", ""]
    server = FuzzingServer(*messages)
    assert run_client(server, "1.1.1") == 0
    assert server.echoes == messages


def test_the_client_takes_longer_messages_and_more_fragments_than_by_default(
    run_client: Callable[..., int],
) -> None:
    server = FuzzingServer("x" * (2**20 + 1), ["x"] * 1025)
    assert run_client(server, "9.1.1") == 0
    assert server.echoes == ["x" * (2**20 + 1), "x" * 1025]


def test_a_case_that_breaks_off_is_logged_and_the_others_run(
    run_client: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    server = FuzzingServer("hello", refused=["/runCase?case=1&agent=refws"])
    assert run_client(server, "1.1.1", "1.1.2") == 0
    assert server.echoes == ["hello"]
    assert "1.1.1 broke off" in caplog.text and "404" in caplog.text


def test_without_reports_the_client_ends_with_1_and_says_so(
    run_client: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_client(FuzzingServer(refused=["/updateReports?agent=refws"]), "1.1.1") == 1
    assert echo_client.main(f"ws://127.0.0.1:{processes.free_port()}", "refws") == 1
    assert capsys.readouterr().err.count("no reports: ") == 2


@pytest.mark.parametrize(
    ("case", "parameters"),
    [
        ("13.2.1", {"server_no_context_takeover"}),
        ("13.3.1", {"server_max_window_bits=9"}),
        ("13.4.1", {"server_max_window_bits=15"}),
        ("13.5.1", {"server_no_context_takeover", "server_max_window_bits=9"}),
        ("13.6.1", {"server_no_context_takeover", "server_max_window_bits=15"}),
        ("13.7.1", {"server_no_context_takeover", "server_max_window_bits=9"}),
    ],
)
def test_the_client_offers_what_the_title_of_the_case_says_and_lets_the_server_limit_it(
    run_client: Callable[..., int], case: str, parameters: set[str]
) -> None:
    server = FuzzingServer()
    run_client(server, case)
    first, *others = (server.offers[0] or "").split(", ")
    assert others[-1] == "permessage-deflate; client_max_window_bits=15"
    assert set(first.split("; ")) == parameters | {
        "permessage-deflate",
        "client_max_window_bits=15",
    }


@pytest.mark.parametrize("case", ["1.1.1", "3.1", "12.1.1", "13.1.1"])
def test_in_all_other_cases_the_client_offers_what_it_offers_by_default(
    run_client: Callable[..., int], case: str
) -> None:
    server = FuzzingServer()
    run_client(server, case)
    assert server.offers[0] == offer(refws.DeflateSettings())


def test_the_command_for_the_client_runs_it_with_url_agent_and_cases() -> None:
    program, *words = endpoints.client_command("ws://127.0.0.1:9", ["1.1.1", "2.1"])[1:]
    assert words == ["ws://127.0.0.1:9", "refws", "1.1.1", "2.1"]
    assert Path(program) == Path(echo_client.__file__)
