"""Headless Firefox for tests, driven over WebDriver BiDi by our own client; always ended.

with firefox() as page:
    page.open("http://127.0.0.1:8080/")
    page.wait_for("document.title !== ''")
    assert page.problems == []
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chromium import STOP_S, BrowserError, TimedOut
from refws import connect

NAMES = ("firefox", "firefox-esr")
START_S = ANSWER_S = 60
"""Seconds to start and to answer: it is slower than Chromium, above all for the first time."""

LOOK_AGAIN_S = 0.05
MAX_ANSWER = 64 * 2**20
LISTENS = re.compile(r"BiDi listening on (ws://\S+)\s")


def why_not():
    """Why there can be no Firefox here, and what to do about it; None if there can be one."""
    if any(map(shutil.which, NAMES)):
        return None
    return "Firefox is not installed; on Debian: apt-get install firefox-esr"


@contextmanager
def firefox():
    """The one Page of a Firefox with a profile of its own."""
    with ExitStack() as stack:
        profile = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        )
        process = start(profile)
        stack.callback(stop, process)
        uri = f"{uri_of(process, words_of(profile))}/session"
        connection = stack.enter_context(connect(uri, max_size=MAX_ANSWER, open_timeout=START_S))
        yield Page(connection)


def start(profile):
    path = next(filter(None, map(shutil.which, NAMES)))
    options = ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile]
    with words_of(profile).open("wb") as words:
        return subprocess.Popen(
            [path, *options],
            env=os.environ | {"HOME": profile},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )


def words_of(profile):
    return Path(profile) / "words.txt"


def uri_of(process, words):
    """Where it listens, which it writes into this file."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := LISTENS.search(words.read_text(errors="replace")):
            return found[1]
        time.sleep(LOOK_AGAIN_S)
    raise BrowserError(f"Firefox does not listen: {words.read_text(errors='replace')[-2000:]}")


def stop(process):
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Page:
    """A tab. `problems` are the errors and warnings that its console has got."""

    def __init__(self, connection):
        self.problems = []
        self._connection = connection
        self._last_id = 0
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self._context = self.command("browsingContext.create", type="tab")["context"]

    def command(self, method, **parameters):
        """The result of a command. BrowserError if it is refused."""
        self._last_id += 1
        self._connection.send(
            json.dumps({"id": self._last_id, "method": method, "params": parameters})
        )
        while True:
            message = json.loads(self._connection.recv(timeout=ANSWER_S))
            if message.get("id") == self._last_id:
                break
            self._note(message)
        if message["type"] == "error":
            raise BrowserError(f"{method} was refused: {message}")
        return message["result"]

    def _note(self, event):
        entry = event.get("params", {})
        if event.get("method") == "log.entryAdded" and entry["level"] in ("error", "warn"):
            self.problems.append(entry["text"])

    def open(self, url):
        self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression):
        """The value of a JavaScript expression: a text, a number, a boolean or null."""
        found = self.command(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise BrowserError(f"{expression}: {found['exceptionDetails']['text']}")
        return found["result"].get("value")

    def wait_for(self, condition):
        deadline = time.monotonic() + ANSWER_S
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimedOut(f"not true within {ANSWER_S} s: {condition}; {self.problems}")
            time.sleep(LOOK_AGAIN_S)
