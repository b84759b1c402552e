"""An echo server as a program of its own has it: `serve`, and a switch interval of its choice.

    python3 -m scripts.endurance.crowd_server PORT CONNECTIONS SECONDS

Python itself has an interval of 0.005 s. `serve` leaves it as it is, because it counts for the
whole process.
"""

import sys

from refws import Connection, serve
from scripts.shared import server_process


def echo(connection: Connection) -> None:
    for message in connection:
        connection.send(message)


def main(port: int, connections: int, switch_interval: float) -> None:
    sys.setswitchinterval(switch_interval)
    with serve(echo, server_process.HOST, port, max_connections=connections) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
