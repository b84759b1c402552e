"""Headless Chromium for tests, driven over its DevTools WebSocket by our own client; always ended.

    with browser() as b:
        page = b.new_page("http://127.0.0.1:8080/")
        page.wait_for("document.querySelector('#state').textContent === 'open'")
        page.press("Tab")
        page.screenshot("page.png", 390, 844, dark=True)
        assert page.problems == []

Every wait is bounded. What fails raises an error that has what the page wrote to its console and
threw until then.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from refws import ConnectionClosed, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

OPTIONS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--password-store=basic",
)

START_S = 30
ANSWER_S = 20
STOP_S = 5
LOOK_AGAIN_S = 0.02

MAX_ANSWER = 64 * 2**20
"""Bytes of the largest message from the browser: a screenshot in base64."""

WIDE = 1280, 800

KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, ""),
    "Escape": ("Escape", 27, ""),
    "Backspace": ("Backspace", 8, ""),
    "Delete": ("Delete", 46, ""),
    " ": ("Space", 32, " "),
    "PageUp": ("PageUp", 33, ""),
    "PageDown": ("PageDown", 34, ""),
    "End": ("End", 35, ""),
    "Home": ("Home", 36, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
}
"""KeyboardEvent.key -> its code, the number that goes with it, and the text that it types."""

MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


class BrowserError(Exception):
    """Chromium did not start, did not answer, or refused a command."""


class PageError(BrowserError):
    """What was evaluated in the page has thrown."""


class TimedOut(BrowserError):
    """A condition has not come true in time."""


def find():
    """The path of Chromium; None where it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def why_not():
    """Why there can be no browser on this machine, and what to do about it; None if there can be
    one.
    """
    return None if find() else "Chromium is not installed; on Debian: apt-get install chromium"


@contextmanager
def browser(*options):
    """A Browser with a profile of its own, started with these further options. Ended with all its
    processes.
    """
    with ExitStack() as stack:
        profile = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        )
        process = start(profile, options)
        stack.callback(stop, process, profile)
        uri = devtools_uri(process, Path(profile))
        connection = stack.enter_context(connect(uri, max_size=MAX_ANSWER, open_timeout=START_S))
        devtools = DevTools(connection)
        stack.callback(devtools.stop)
        yield Browser(devtools, uri, profile)


# The process


def start(profile, options):
    """Chromium at the head of a process group of its own, its words in a file of the profile."""
    path = find()
    if path is None:
        raise BrowserError(why_not())
    homes = dict.fromkeys(
        ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), profile
    )  # for its crash reports
    with (Path(profile) / "words.txt").open("wb") as words:
        return subprocess.Popen(
            [path, *OPTIONS, *options, f"--user-data-dir={profile}", "about:blank"],
            env=os.environ | homes,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )


def devtools_uri(process, profile):
    """Where its DevTools WebSocket is, once it is there: in a file of two lines, port and path."""
    found = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(FileNotFoundError):
            port, _, path = found.read_text().partition("\n")
            if path:
                return f"ws://127.0.0.1:{port}{path.strip()}"
        time.sleep(LOOK_AGAIN_S)
    ended = (
        "does not answer" if process.poll() is None else f"ended with status {process.returncode}"
    )
    words = (profile / "words.txt").read_text(errors="replace")
    raise BrowserError(f"Chromium {ended}; its last words:\n{words[-2000:]}")


def stop(process, profile):
    """End Chromium and whatever it has started."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + STOP_S
    while (left := processes_with(profile)) and time.monotonic() < deadline:
        for number in left:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(LOOK_AGAIN_S)


def processes_with(profile):
    """The ids of the processes that have this profile on their command line; none where the system
    does not tell.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if profile.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found


# The protocol


class DevTools:
    """Commands and their answers, and the events, by session; one thread receives."""

    def __init__(self, connection):
        self._connection = connection
        self._changed = threading.Condition()
        self._answers = {}
        self._events = {}
        self._crashed = set()
        self._last_id = 0
        self._ended = None
        self._thread = threading.Thread(target=self._receive, name="DevTools", daemon=True)
        self._thread.start()

    def _receive(self):
        try:
            for message in self._connection:
                self._take(json.loads(message))
            ended = "the browser has closed the connection"
        except Exception as error:
            ended = str(error)
        with self._changed:
            self._ended = ended
            self._changed.notify_all()

    def _take(self, message):
        with self._changed:
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                session = message.get("sessionId")
                self._events.setdefault(session, []).append((message["method"], message["params"]))
                if message["method"] == "Inspector.targetCrashed":
                    self._crashed.add(session)
            self._changed.notify_all()

    def command(self, method, session=None, /, timeout=ANSWER_S, **parameters):
        """The result of a command. BrowserError if it is refused or not answered in `timeout`
        seconds.
        """
        with self._changed:
            self._last_id += 1
            number = self._last_id
        words = {"id": number, "method": method, "params": parameters}
        if session is not None:
            words["sessionId"] = session
        try:
            self._connection.send(json.dumps(words))
        except ConnectionClosed as error:
            raise BrowserError(f"{method}: the browser is gone: {error}") from error
        answer = self._wait(
            lambda: self._answers.pop(number, None), timeout, f"answer to {method}", session
        )
        if "error" in answer:
            raise BrowserError(f"{method} was refused: {answer['error']}")
        return answer["result"]

    def events(self, session, since=0):
        """[(method, parameters)] of this session's events, without the first `since`."""
        with self._changed:
            return self._events.get(session, [])[since:]

    def wait_for_event(self, session, wanted, since, timeout):
        """The parameters of the first event of this name after the first `since`."""

        def look():
            return next(
                (event for event in self._events.get(session, [])[since:] if event[0] == wanted),
                None,
            )

        return self._wait(look, timeout, wanted, session)[1]

    def _wait(self, look, timeout, what, session):
        """What look() gives once it gives something."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := look()) is None:
                if self._ended is not None or session in self._crashed:
                    raise BrowserError(f"no {what}: {self._ended or 'the page has crashed'}")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimedOut(f"no {what} within {timeout:g} s")
            return found

    def stop(self):
        """Tell the browser to end, and wait for the thread."""
        with suppress(BrowserError):
            self.command("Browser.close", timeout=STOP_S)
        self._thread.join(STOP_S)
        self._connection.abort("the test is over")
        self._thread.join(STOP_S)


class Browser:
    """A running Chromium; `uri` is that of its DevTools WebSocket, `profile` its directory."""

    def __init__(self, devtools, uri, profile):
        self.uri = uri
        self.profile = profile
        self._devtools = devtools

    @property
    def version(self):
        """The answer of Browser.getVersion, a dict with `product` and more."""
        return self.command("Browser.getVersion")

    def command(self, method, **parameters):
        """The result of a command to the browser as a whole, as the DevTools protocol has it."""
        return self._devtools.command(method, **parameters)

    def new_page(self, url="about:blank", width=WIDE[0], height=WIDE[1], dark=False):
        """A Page that has loaded `url`, in a window of this size, in light or `dark` colours."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self._devtools, target, session)
        page.resize(width, height)
        page.prefer(dark)
        if url != "about:blank":
            page.open(url)
        return page


class Page:
    """A tab. `evaluate` and the rest raise PageError for what throws in the page, TimedOut for what
    never happens.
    """

    def __init__(self, devtools, target, session):
        self._devtools = devtools
        self._target = target
        self._session = session
        for domain in ("Inspector", "Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method, **parameters):
        """The result of a command to this page, as the DevTools protocol has it."""
        return self._devtools.command(method, self._session, **parameters)

    def events(self):
        """[(method, parameters)] of all that has happened in the page."""
        return self._devtools.events(self._session)

    def close(self):
        self._devtools.command("Target.closeTarget", targetId=self._target)

    # Where it is, and how it looks

    def open(self, url, timeout=ANSWER_S):
        """Go to this URL and wait until it has loaded."""
        since = len(self.events())
        result = self.command("Page.navigate", url=url)
        if "errorText" in result:
            raise BrowserError(f"{url} does not open: {result['errorText']}")
        if "loaderId" in result:  # else it was a jump inside the page
            self._devtools.wait_for_event(self._session, "Page.loadEventFired", since, timeout)

    def resize(self, width, height, scale=1):
        """The size of the window in CSS pixels."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def prefer(self, dark, reduced_motion=False):
        """What the page's media queries see of the user's wishes."""
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {
                "name": "prefers-reduced-motion",
                "value": "reduce" if reduced_motion else "no-preference",
            },
        ]
        self.command("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path, width=None, height=None, dark=None, whole=False):
        """Write a PNG, of the window or of the `whole` page; sizes and colours given here stay as
        they are set.
        """
        if width is not None and height is not None:
            self.resize(width, height)
        if dark is not None:
            self.prefer(dark)
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        picture = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)[
            "data"
        ]
        Path(path).write_bytes(base64.b64decode(picture))

    # What it does

    def evaluate(self, expression):
        """The value of a JavaScript expression, of a promise what it comes to; PageError if it
        throws.
        """
        answer = self.command(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise PageError(
                f"{shorten(expression)}: {thrown(answer['exceptionDetails'])}{self.written()}"
            )
        return answer["result"].get("value")

    def wait_for(self, condition, timeout=ANSWER_S):
        """The value of a JavaScript expression as soon as it is true there; TimedOut after
        `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        look = (
            "(async () => "
            f"{{ const value = await ({condition}); return [Boolean(value), value]; }})()"
        )
        while True:
            true, value = self.evaluate(look)
            if true:
                return value
            if time.monotonic() >= deadline:
                raise TimedOut(
                    f"not true within {timeout:g} s, still {value!r}: "
                    f"{shorten(condition)}{self.written()}"
                )
            time.sleep(LOOK_AGAIN_S)

    def text(self, selector):
        """The text of the first element that fits, as it is shown. PageError if there is none."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def click(self, selector):
        """A click of the mouse in the middle of the first element that fits, scrolled into view."""
        x, y = self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def press(self, key, *modifiers):
        """A key as KeyboardEvent.key names it, such as "Tab", "Enter" or "a", pressed with "Shift"
        and the like.
        """
        code, number, text = KEYS.get(key) or (f"Key{key.upper()}", ord(key.upper()), key)
        held = sum(MODIFIERS[modifier] for modifier in modifiers)
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": held}
        if text:
            self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        else:
            self.command("Input.dispatchKeyEvent", type="rawKeyDown", **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        """Text into the element that has the focus, as if it were typed."""
        self.command("Input.insertText", text=text)

    # What it says

    @property
    def console(self):
        """Each line of the console: "log: hello", "error: ..."."""
        return [line for event in self.events() for line in console_lines(*event)]

    @property
    def problems(self):
        """What went wrong in the page: exceptions, errors and warnings on the console, the
        browser's own complaints.
        """
        return [
            line
            for line in self.console
            if line.startswith(("exception: ", "error: ", "warning: "))
        ]

    def written(self):
        """The last of it, for an error."""
        lines = self.console[-20:]
        return (
            "\nThe page has written:\n  " + "\n  ".join(lines)
            if lines
            else "\nThe page has written nothing."
        )


def console_lines(method, parameters):
    if method == "Runtime.exceptionThrown":
        yield f"exception: {thrown(parameters['exceptionDetails'])}"
    elif method == "Runtime.consoleAPICalled":
        words = " ".join(
            str(argument.get("value", argument.get("description")))
            for argument in parameters["args"]
        )
        yield f"{parameters['type']}: {words}"
    elif method == "Log.entryAdded":
        entry = parameters["entry"]
        yield f"{entry['level']}: {entry['text']} {entry.get('url', '')}".rstrip()


def thrown(details):
    """What was thrown, in a line; a stack trace in more."""
    error = details.get("exception", {})
    value = error.get("description") or error.get("value")
    return f"{details['text']} {value}" if value is not None else details["text"]


def shorten(text, most=200):
    return text if len(text) <= most else f"{text[:most]} ..."
