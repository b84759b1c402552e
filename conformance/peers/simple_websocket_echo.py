"""Echo with `simple-websocket`: `python simple_websocket_echo.py PORT`. No limit on messages.

The package leaves HTTP to a WSGI server. This is the least that does: a thread for each connection,
the socket passed on as Werkzeug does it.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from simple_websocket import ConnectionClosed, Server


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
        }
        websocket = Server.accept(
            {"PATH_INFO": self.path, "werkzeug.socket": self.connection} | headers
        )
        self.close_connection = True
        try:
            while True:
                websocket.send(websocket.receive())
        except ConnectionClosed:
            websocket.thread.join()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
