"""RFC 6455 §4.1: the client under test. It asks a fuzzing server for its cases, and echoes.

    python3 conformance/echo_client.py ws://127.0.0.1:9001 refws 1.1.1 9.1.6

The server has these cases in this order, so its first one is case 1. At the end the client asks it
to write its reports; exit status 1 if that is not possible.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from cases import MAX_FRAGMENTS, MAX_MESSAGE_SIZE

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from refws import ConnectionClosed, DeflateSettings, WebSocketException, connect

TITLES = {
    "13.2": (True, None),
    "13.3": (False, 9),
    "13.4": (False, 15),
    "13.5": (True, 9),
    "13.6": (True, 15),
    "13.7": (True, 9),
}
"""The client's offers for these groups, by their titles: no_context_takeover, max_window_bits.

Both are about what the server sends. The server accepts any offer that has client_max_window_bits,
so all of these pass with the default one too; but only with their own offers does it compress
without context takeover, and with windows of 9 and 15 bits. refws adds offers to fall back on, as
the title of 13.7 does; a server that grants the first does not use them.
"""


def main(url: str, agent: str, *cases: str) -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    for number, case in enumerate(cases, 1):
        print(case, flush=True)
        run_case(f"{url}/runCase?case={number}&agent={agent}", case)
    return update_reports(url, agent)


def run_case(uri: str, case: str) -> None:
    """Run a case. The server judges it; errors here are only logged, so the other cases run."""
    try:
        echo(uri, settings_of(case))
    except ConnectionClosed:
        pass
    except Exception:
        logging.exception("%s broke off", case)


def echo(uri: str, compression: DeflateSettings) -> None:
    with connect(
        uri, compression=compression, max_size=MAX_MESSAGE_SIZE, max_fragments=MAX_FRAGMENTS
    ) as connection:
        for message in connection:
            connection.send(message)


def settings_of(case: str) -> DeflateSettings:
    """The offer that the case's title asks for; elsewhere the default, which suits all cases."""
    subgroup = case.rpartition(".")[0]
    if subgroup not in TITLES:
        return DeflateSettings()
    no_context_takeover, window_bits = TITLES[subgroup]
    return DeflateSettings(
        server_no_context_takeover=no_context_takeover,
        server_max_window_bits=window_bits,
        client_max_window_bits=15,
    )


def update_reports(url: str, agent: str) -> int:
    """Have the server write its reports before it closes; 0 if it did."""
    try:
        with connect(f"{url}/updateReports?agent={agent}") as connection:
            for _ in connection:
                pass
    except (WebSocketException, OSError) as error:
        print(f"no reports: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 3 else __doc__)
