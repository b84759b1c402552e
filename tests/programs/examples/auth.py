"""Lets in who knows the password, and greets them by name."""

from refws import basic_auth, serve


def greet(websocket):
    websocket.send(f"Hello {websocket.username}!")


with serve(
    greet,
    "localhost",
    8765,
    process_request=basic_auth("greetings", credentials=("ada", "correct horse")),
) as server:
    server.serve_forever()
