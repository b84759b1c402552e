"""Options of wscat, websocat, curl, uvicorn and others -> what to write here instead.

People bring them along. Those that mean the same here have the same name, and are not in a table.
"""

from __future__ import annotations

HEADER = "a header is --header 'Name: value'"
URI_ALONE = "the URI is written alone, as in connect ws://127.0.0.1:8080/echo"
SERVER = "a server is python3 -m refws serve --port 8080"
SUBPROTOCOL = "a subprotocol is --subprotocol NAME"
INSECURE = "--insecure accepts any certificate"
FRAMES = "--trace shows every frame, --trace=full every bit"
LOGIN = "a login is --auth user:password, or --auth-file FILE"
ONE = "--count 1 ends after one message"
WAIT = "--wait SECONDS listens on after the end of a pipe, --count NUMBER for n messages"
TEXT = "a text to send is -x TEXT, a file --send-file FILE; a line of a pipe is a text, too"
BINARY = "a binary message is -x '/binary 00 ff', or --binary-file FILE"
VERSION = "the version of the protocol is always 13; python3 -m refws version shows that of refws"
SLASH = "lines that begin with / are always commands; /help lists them, and // begins a text"
PROXY = "a proxy is --proxy http://host:port"
TIMEOUT = "--open-timeout SECONDS is the time for the connection and the handshake"
SIZE = "--max-message-size BYTES is the largest message to accept"
REDIRECT = "redirects are not followed; the refusal says where to, and that is the URI to give"
CERTIFICATE = "--cert FILE and --key FILE show a certificate, --ca FILE trusts one"
RECONNECT = "--reconnect connects again after a growing delay"
LINES = "messages are one in a line; --json writes them without loss, --raw as they are"
QUIET = "--quiet shows messages and errors only"
COLOR = "there are no colours here; explain and --trace of serve obey NO_COLOR"
PING = "--ping-interval SECONDS sends Pings; /ping sends one, and shows its time"
CLOSE = "-x '/close 4000 reason' closes with a code, as the last thing that is sent"
GET = "the request of a WebSocket is always GET; what to send is -x TEXT"

PORT = "a port is --port NUMBER"
HOST = "an address to listen on is --host 0.0.0.0, for one"
TLS = "TLS is --cert FILE and --key FILE"
LOG = "--log-level debug logs more; --trace shows every frame"
ORIGIN = "pages that may connect are --origin https://example.com, for one"
THREADS = "there is one process, with a thread for each connection; --max-connections limits them"
ENDPOINTS = "the paths are / /echo /hello /clock; a server with others is a program, see the README"

CONNECT = {
    "-c": URI_ALONE,
    "--connect": URI_ALONE,
    "--url": URI_ALONE,
    "-l": SERVER,
    "--listen": SERVER,
    "-s": f"{SUBPROTOCOL}; {QUIET}",
    "--protocol": SUBPROTOCOL,
    "--subprotocols": SUBPROTOCOL,
    "-H": HEADER,
    "--headers": HEADER,
    "--host": HEADER.replace("Name", "X-Name") + ", but Host is in the URI; --resolve keeps it",
    "-A": HEADER.replace("Name", "User-Agent"),
    "--ua": HEADER.replace("Name", "User-Agent"),
    "--user-agent": HEADER.replace("Name", "User-Agent"),
    "-b": BINARY,
    "--binary": BINARY,
    "--cookie": HEADER.replace("Name: value", "Cookie: name=value"),
    "-e": HEADER.replace("Name", "Referer"),
    "--referer": HEADER.replace("Name", "Referer"),
    "-o": "an origin is --origin URL; output goes to a file with > FILE",
    "--output": "output goes to a file with > FILE; --raw and --json say in which form",
    "-n": f"{INSECURE}; {WAIT}",
    "-k": INSECURE,
    "--no-check": INSECURE,
    "--no-check-certificate": INSECURE,
    "-E": CERTIFICATE,
    "--cacert": CERTIFICATE,
    "--passphrase": "a key with a passphrase is asked for it at the terminal: --key FILE",
    "--pkcs12-der": CERTIFICATE,
    "--client-pkcs12-der": CERTIFICATE,
    "-P": FRAMES,
    "--show-ping-pong": FRAMES,
    "-v": FRAMES,
    "--verbose": FRAMES,
    "-i": FRAMES,
    "--include": FRAMES,
    "--trace-ascii": FRAMES,
    "--dump-header": FRAMES,
    "-u": LOGIN,
    "--user": LOGIN,
    "--basic-auth": LOGIN,
    "--basic-auth-file": LOGIN,
    "-w": WAIT,
    "--no-close": WAIT,
    "--keep-open": WAIT,
    "--exit-on-eof": WAIT,
    "--eof-wait": WAIT,
    "-1": ONE,
    "--one-message": ONE,
    "--oneshot": ONE,
    "--max-messages": "--count NUMBER ends after that many messages",
    "-t": TEXT,
    "--text": TEXT,
    "-m": TEXT,
    "--message": TEXT,
    "--send": TEXT,
    "-d": TEXT,
    "--data": TEXT,
    "--data-raw": TEXT,
    "--data-binary": BINARY,
    "-T": TEXT,
    "--upload-file": TEXT,
    "-f": TEXT,
    "--file": TEXT,
    "-X": GET,
    "--request": GET,
    "-V": VERSION,
    "--version": VERSION,
    "-p": VERSION,
    "--websocket-version": VERSION,
    "--slash": SLASH,
    "--http-proxy": PROXY,
    "--socks5": PROXY + "; SOCKS is not spoken",
    "--timeout": TIMEOUT,
    "--connect-timeout": TIMEOUT,
    "--conn-timeout": TIMEOUT,
    "--max-time": TIMEOUT,
    "-B": SIZE,
    "--buffer-size": SIZE,
    "--max-payload": SIZE,
    "--max-ws-frame-length": SIZE,
    "--max-ws-message-length": SIZE,
    "-L": REDIRECT,
    "--location": REDIRECT,
    "--max-redirects": REDIRECT,
    "--retry": RECONNECT,
    "--autoreconnect": RECONNECT,
    "--auto-reconnect": RECONNECT,
    "-N": LINES,
    "--no-buffer": LINES,
    "--no-line": LINES,
    "-0": LINES,
    "--null-terminated": LINES,
    "--base64": LINES,
    "--jsonrpc": LINES,
    "-q": QUIET,
    "--silent": QUIET,
    "-r": LINES,
    "--nocert": INSECURE,
    "--timings": FRAMES,
    "--hide-ping": "Pings and Pongs are shown only with --trace",
    "--no-color": COLOR,
    "--color": COLOR,
    "--ping": PING,
    "--ping-timeout": PING,
    "--heartbeat": PING,
    "--close-status-code": CLOSE,
    "--close-reason": CLOSE,
    "--connect-to": "--resolve HOST:PORT:ADDRESS connects to this address",
    "--unix-socket": "a Unix socket is --unix PATH",
    "--compressed": "--deflate offers to compress messages",
    "--compression": "--deflate offers to compress messages",
    "--per-message-deflate": "--deflate offers to compress messages",
    "--no-compression": "messages are not compressed unless --deflate is given",
    "-4": "--resolve HOST:PORT:127.0.0.1 chooses an IPv4 address",
    "-6": "--resolve HOST:PORT:[::1] chooses an IPv6 address",
    "--ipv4": "--resolve HOST:PORT:127.0.0.1 chooses an IPv4 address",
    "--ipv6": "--resolve HOST:PORT:[::1] chooses an IPv6 address",
}

SERVE = {
    "-p": PORT,
    "-l": PORT,
    "--listen": PORT,
    "-b": HOST,
    "--bind": HOST,
    "--address": HOST,
    "--listen-address": HOST,
    "--tls": TLS,
    "--ssl": TLS,
    "--certfile": TLS,
    "--keyfile": TLS,
    "--ssl-cert": TLS,
    "--ssl-certfile": TLS,
    "--ssl-key": TLS,
    "--ssl-keyfile": TLS,
    "--sslcert": TLS,
    "--sslkey": TLS,
    "-v": LOG,
    "--verbose": LOG,
    "-d": LOG,
    "--debug": LOG,
    "--loglevel": LOG,
    "-q": "--log-level error logs less",
    "--quiet": "--log-level error logs less",
    "--cors": ORIGIN,
    "--allow-origin": ORIGIN,
    "--allowed-origins": ORIGIN,
    "--workers": THREADS,
    "-w": THREADS,
    "--threads": THREADS,
    "--processes": THREADS,
    "--maxforks": THREADS,
    "--anyorigin": "--origin '*' lets every page connect",
    "--sameorigin": "only pages of this server connect, unless --origin lists others",
    "--ws-origin": ORIGIN,
    "--devconsole": "the page is always there; the start line prints its address",
    "--reload": "there is no reloading; stop it with Ctrl-C and start it again",
    "--max-size": "--max-message-size BYTES is the largest message to accept",
    "--max-payload": "--max-message-size BYTES is the largest message to accept",
    "--ws-max-size": "--max-message-size BYTES is the largest message to accept",
    "--ws-ping-interval": "it is --ping-interval SECONDS",
    "--ws-ping-timeout": "it is --ping-timeout SECONDS",
    "--compression": "--deflate compresses messages if the client offers it",
    "--protocol": SUBPROTOCOL,
    "--user": "logins are in a file: --auth FILE",
    "--password": "logins are in a file: --auth FILE",
    "--basic-auth": "logins are in a file: --auth FILE",
    "--unix-socket": "a Unix socket is --unix PATH",
    "--uds": "a Unix socket is --unix PATH",
    "--path": ENDPOINTS,
    "--app": ENDPOINTS,
    "--directory": ENDPOINTS,
    "--staticdir": ENDPOINTS,
    "--cgidir": ENDPOINTS,
    "-c": "to connect to a server, write python3 -m refws connect ws://127.0.0.1:8080/",
    "--connect": "to connect to a server, write python3 -m refws connect ws://127.0.0.1:8080/",
    "-V": "python3 -m refws version shows the version",
}
