"""One handler for each path, and 404 for all others."""

from http import HTTPStatus

from refws import serve


def echo(websocket):
    for message in websocket:
        websocket.send(message)


def reverse(websocket):
    for message in websocket:
        websocket.send(message[::-1])


HANDLERS = {"/echo": echo, "/reverse": reverse}


def refuse_unknown_paths(websocket, request):
    if request.path not in HANDLERS:
        return websocket.respond(HTTPStatus.NOT_FOUND, "Nothing is here.\n")
    return None


def handle(websocket):
    HANDLERS[websocket.request.path](websocket)


with serve(handle, "localhost", 8765, process_request=refuse_unknown_paths) as server:
    server.serve_forever()
