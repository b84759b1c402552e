"""Echo with `simple-websocket`: `python simple_websocket_echo.py PORT`. No limit on messages.

The package leaves HTTP to a WSGI server. This is the least that does, and does it as Werkzeug: that
one is made of http.server too, passes the socket on, and answers 500 when the package raises.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from simple_websocket import ConnectionClosed, Server


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            websocket = self.accepted()
        except Exception:
            self.send_error(500)
            return
        try:
            while True:
                websocket.send(websocket.receive())
        except ConnectionClosed:
            websocket.thread.join()

    def accepted(self) -> Server:
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
        }
        return Server.accept({"PATH_INFO": self.path, "werkzeug.socket": self.connection} | headers)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
