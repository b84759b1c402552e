"""RFC 6455 §4.2, RFC 9112: the lines of a request -> the lines of a 101, or Refused."""

import base64
import hashlib
import re

from mutants.plain_deflate import agree, as_header

MAX_HEAD = 32 * 1024
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
OWS = r"[ \t]*"
TARGET = r"(?:(?:https?|wss?)://[^/#?\s]+)?/[!-\"$-~]*"
REQUEST_LINE = re.compile(rf"({TOKEN}) {TARGET} (HTTP/[0-9]\.[0-9])")
FIELD_LINE = re.compile(rf"({TOKEN}):{OWS}([^\x00-\x08\x0a-\x1f\x7f]*?){OWS}")
HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(?::[0-9]*)?")
KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
OF_24_CHARACTERS = re.compile(r".{24}")
QUOTED = r'"(?:\\?[!#$%&\'*+.^_`|~0-9A-Za-z-])+"'
PARAMETER = rf"{OWS};{OWS}{TOKEN}(?:{OWS}={OWS}(?:{TOKEN}|{QUOTED}))?"
EXTENSION = rf"{TOKEN}(?:{PARAMETER})*"
EXTENSIONS = re.compile(rf"(?:{OWS},)*{OWS}{EXTENSION}(?:{OWS},(?:{OWS}{EXTENSION})?)*{OWS}")
SUBPROTOCOLS = re.compile(rf"(?:{OWS},)*{OWS}{TOKEN}(?:{OWS},(?:{OWS}{TOKEN})?)*{OWS}")

AS_IN_THE_RFC = {
    *("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"),
    *("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"),
}
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
OUR_VERSION = ("Sec-WebSocket-Version: 13",)


class Refused(Exception):
    """The request opens nothing; `response` holds the bytes of the answer."""

    def __init__(self, status, *lines):
        super().__init__(status)
        head = (f"HTTP/1.1 {status}", "Connection: close", "Content-Length: 0", *lines, "", "")
        self.response = "\r\n".join(head).encode()


BAD_REQUEST = "400 Bad Request"
TOO_LARGE = "431 Request Header Fields Too Large"


def read_head(stream, broken):
    """The lines before the empty one, which is read, too."""
    lines, size = [], 0
    while not lines or lines[-1]:
        while b"\n" not in stream.buffer:
            if len(stream.buffer) > MAX_HEAD:
                raise Refused(TOO_LARGE)
            if "head-is-one-read" in broken and stream.has_read:
                raise Refused(BAD_REQUEST)
            stream.receive()
        line = stream.read(stream.buffer.index(b"\n") + 1)
        size += len(line)
        if size > MAX_HEAD:
            raise Refused(TOO_LARGE)
        broken.rule(line.endswith(b"\r\n"), "lf-alone-taken", Refused(BAD_REQUEST))
        if lines or line != b"\r\n":
            lines.append(line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1"))
    return lines[:-1]


def accept(lines, broken):
    """The bytes of the 101, and the parameters of permessage-deflate, None if it is not in use."""
    headers = parse_fields(lines[1:], broken)
    check_request_line(lines[0], broken)
    check_headers(headers, broken)
    agreed = agree(", ".join(headers.get("sec-websocket-extensions", [])), broken)
    lines = [*answer(headers, agreed, broken), ""]
    if "continue-after-the-101" in broken and "expect" in headers:
        lines += ["HTTP/1.1 100 Continue", ""]
    line_end = "\n" if "answers-with-lf-alone" in broken else "\r\n"
    return line_end.join([*lines, ""]).encode("latin-1"), agreed


def parse_fields(lines, broken):
    """The values of each header, by its name in lower case."""
    headers = {}
    for line in lines:
        if "space-before-colon-taken" in broken:
            line = re.sub("[ \t]+:", ":", line, count=1)
        field = FIELD_LINE.fullmatch(line)
        if field is None:
            raise Refused(BAD_REQUEST)
        name = field[1].lower()
        if "header-names-with-case" in broken and field[1] not in AS_IN_THE_RFC:
            continue
        if "first-header-wins" in broken and name in headers:
            continue
        value = field[2]
        if "spaces-of-the-key-kept" in broken and name == "sec-websocket-key":
            value = line.partition(": ")[2]
        headers.setdefault(name, []).append(value)
    return headers


def check_request_line(line, broken):
    parts = REQUEST_LINE.fullmatch(line)
    if parts is None:
        raise Refused(BAD_REQUEST)
    method, version = parts[1], parts[2]
    if not version.startswith("HTTP/1."):
        raise Refused("505 HTTP Version Not Supported")
    broken.rule(version != "HTTP/1.0", "http-1-0-taken", Refused(BAD_REQUEST))
    not_allowed = Refused("405 Method Not Allowed", "Allow: GET")
    broken.rule(method == "GET", "method-ignored", not_allowed)


def check_headers(headers, broken):
    """§4.2.1, items 2 to 9, and RFC 9112 §6: no body."""
    bad = Refused(BAD_REQUEST)
    host = headers.get("host", [])
    broken.rule(len(host) == 1 and HOST.fullmatch(host[0]), "host-not-checked", bad)
    length = set(headers.get("content-length", ["0"]))
    no_body = length == {"0"} and "transfer-encoding" not in headers
    broken.rule(no_body, "body-ignored", bad)
    upgrade = elements(headers, "upgrade")
    if "upgrade-with-case" not in broken:
        upgrade = [element.lower() for element in upgrade]
    if "upgrade-as-a-substring" in broken:
        upgrade = ["websocket" for element in upgrade if "websocket" in element]
    if "websocket" not in upgrade:
        raise Refused("426 Upgrade Required", *UPGRADE)
    connection = elements(headers, "connection")
    if "connection-compared-whole" in broken:
        connection = headers.get("connection", [])
    connection = [element.lower() for element in connection]
    if "connection-as-a-substring" in broken:
        connection = ["upgrade" for element in connection if "upgrade" in element]
    broken.rule("upgrade" in connection, "connection-ignored", bad)
    key = headers.get("sec-websocket-key", [])
    pattern = OF_24_CHARACTERS if "length-of-the-key-alone" in broken else KEY
    broken.rule(len(key) == 1 and pattern.fullmatch(key[0].strip()), "key-not-checked", bad)
    version = headers.get("sec-websocket-version", [])
    if "version-as-a-number" in broken:
        version = [str(int(each)) for each in version if each.isdigit()]
    if "version-in-a-list" in broken:
        version = ["13" for each in version if "13" in each.split(", ")]
    named = () if "426-without-our-version" in broken else OUR_VERSION
    upgrade = () if "426-without-upgrade" in broken else UPGRADE
    broken.rule(
        version == ["13"], "version-ignored", Refused("426 Upgrade Required", *upgrade, *named)
    )
    origin = headers.get("origin", [])
    broken.rule(len(origin) <= 1, "two-origins-taken", bad)
    subprotocols = ", ".join(headers.get("sec-websocket-protocol", ["x"]))
    broken.rule(SUBPROTOCOLS.fullmatch(subprotocols), "subprotocols-not-parsed", bad)
    offers = ", ".join(headers.get("sec-websocket-extensions", ["x"]))
    broken.rule(EXTENSIONS.fullmatch(offers), "extensions-not-parsed", bad)


def elements(headers, name):
    """The elements of a comma list that may be in several lines."""
    return [element.strip(" \t") for element in ",".join(headers.get(name, [])).split(",")]


def answer(headers, agreed, broken):
    """§4.2.2 item 5: the lines of the 101."""
    yield "HTTP/1.1 101 Switching Protocols"
    yield "Upgrade: websocket"
    yield "Connection: Upgrade"
    key, *_ = headers.get("sec-websocket-key", [""])
    yield f"Sec-WebSocket-Accept: {accept_for(key, broken)}"
    if "subprotocols-echoed" in broken and "sec-websocket-protocol" in headers:
        yield f"Sec-WebSocket-Protocol: {', '.join(headers['sec-websocket-protocol'])}"
    if "extensions-echoed" in broken and "sec-websocket-extensions" in headers:
        yield f"Sec-WebSocket-Extensions: {', '.join(headers['sec-websocket-extensions'])}"
    elif agreed is not None:
        yield f"Sec-WebSocket-Extensions: {as_header(agreed, broken)}"
    if "101-with-content-length" in broken:
        yield "Content-Length: 1"


def accept_for(key, broken):
    """§4.2.2 item 5.4: the value of Sec-WebSocket-Accept."""
    text = (key + GUID).encode("latin-1")
    if "accept-without-guid" in broken:
        text = key.encode("latin-1")
    if "accept-with-guid-in-lower-case" in broken:
        text = (key + GUID.lower()).encode("latin-1")
    if "accept-of-the-decoded-key" in broken:
        text = base64.b64decode(key) + GUID.encode()
    if "accept-with-a-line-end" in broken:
        text += b"\n"
    digest = hashlib.sha1(text)
    if "accept-in-hexadecimal" in broken:
        return digest.hexdigest()
    value = base64.b64encode(digest.digest()).decode()
    if "line-end-after-the-accept" in broken:
        value += "\n"
    return value.rstrip("=") if "accept-without-padding" in broken else value
