"""Serves a page beside its WebSocket: open http://localhost:8765/ in a browser.

The port is part of the origin of the page, so the server lists it with --origin or origins=.
"""

from http import HTTPStatus

from refws import serve

ADDRESS = "localhost:8765"

PAGE = f"""<!doctype html>
<title>shout</title>
<input id="words" placeholder="type, then press Enter"><pre id="log"></pre>
<script>
  const socket = new WebSocket("ws://{ADDRESS}/shout");
  const words = document.getElementById("words"), log = document.getElementById("log");
  socket.onmessage = (event) => {{ log.textContent += event.data + "\\n"; }};
  words.onchange = () => {{ socket.send(words.value); words.value = ""; }};
</script>
"""


def shout(websocket):
    for message in websocket:
        websocket.send(message.upper())


def answer_pages(websocket, request):
    if request.path == "/shout":
        return None
    if request.path != "/":
        return websocket.respond(HTTPStatus.NOT_FOUND, "There is only one page here: /\n")
    response = websocket.respond(HTTPStatus.OK, PAGE)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


with serve(
    shout,
    "localhost",
    8765,
    process_request=answer_pages,
    origins=[f"http://{ADDRESS}", None],
) as server:
    server.serve_forever()
