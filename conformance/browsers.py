"""Browsers as clients under test: each opens a page that connects for one case after the other.

The page follows Autobahn's convention: /runCase for each case, /updateReports at the end.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import environment
import processes

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>A client under test</title>
<script>
const [address, count] = location.hash.slice(1).split("|");

function connect(resource, subprotocols) {
  return new Promise((done) => {
    const socket = new WebSocket(address + resource, subprotocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => socket.send(event.data);
    socket.onclose = done;
  });
}

async function run() {
  for (let number = 1; number <= count; number++) {
    await connect(`/runCase?case=${number}&agent=browser`, ["chat", "superchat"]);
  }
  await connect("/updateReports?agent=browser", []);
}

run();
</script>
"""

FIREFOX_PREFERENCES = {
    "network.websocket.delay-failed-reconnects": "false",
    "browser.shell.checkDefaultBrowser": "false",
    "datareporting.policy.dataSubmissionEnabled": "false",
    "app.normandy.enabled": "false",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
}
"""The first: it would wait for up to a minute after answers that it refuses, which many cases have.

The others keep it from connecting elsewhere.
"""


@dataclass(frozen=True)
class Browser:
    """A browser: the names of its program, its options for a profile, and a word on its setup."""

    name: str
    programs: Sequence[str]
    options: Callable[[Path], Sequence[str]]
    setup: str

    @property
    def versions(self) -> str:
        """What it says of itself; "-" if it is not installed."""
        found = self.find()
        words = environment.output(found, "--version").split() if found else []
        return next((word for word in words if word[0].isdigit()), "-")

    def find(self) -> str | None:
        return next(filter(None, map(shutil.which, self.programs)), None)

    @contextmanager
    def running(self, address: str, count: int) -> Iterator[None]:
        """The browser with the page, for that many cases at ws://host:port. Unavailable."""
        program = self.find()
        if program is None:
            package = self.programs[0]
            raise environment.Unavailable(
                f"no {package} is on PATH; on Debian: apt-get install {package}"
            )
        with (
            page_at() as url,
            TemporaryDirectory(ignore_cleanup_errors=True) as profile,
            processes.Process(
                [program, *self.options(Path(profile)), f"{url}#{address}|{count}"],
                Path(profile) / "log",
            ),
        ):
            yield


class PageHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *arguments: object) -> None:
        """Write nothing: no one reads it."""


@contextmanager
def page_at() -> Iterator[str]:
    """The URL of the page, which is there until the end of the block."""
    with HTTPServer(("127.0.0.1", 0), PageHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def chromium_options(profile: Path) -> Sequence[str]:
    return (
        "--headless=new",
        "--no-sandbox",  # root has none
        "--disable-gpu",
        "--disable-dev-shm-usage",  # containers have little of it
        "--disable-background-networking",
        "--disable-background-timer-throttling",
        "--no-first-run",
        "--no-proxy-server",
        f"--user-data-dir={profile}",
    )


def firefox_options(profile: Path) -> Sequence[str]:
    lines = [f'user_pref("{name}", {value});\n' for name, value in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines), "utf-8")
    return "--headless", "--no-remote", "--profile", str(profile)


BROWSERS = (
    Browser(
        "Chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        chromium_options,
        "headless, a page with a `WebSocket`.",
    ),
    Browser(
        "Firefox",
        ("firefox-esr", "firefox"),
        firefox_options,
        "headless, a page with a `WebSocket`; it does not wait before it connects again.",
    ),
)
