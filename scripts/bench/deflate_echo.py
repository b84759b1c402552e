"""An echo server of refws that compresses with a given level.

python3 -m scripts.bench.deflate_echo PORT LEVEL
"""

import sys

from refws import DeflateSettings, serve
from refws.course.services import echo
from scripts.shared.server_process import HOST

port, level = map(int, sys.argv[1:])
with serve(echo, HOST, port, compression=DeflateSettings(level=level)) as server:
    server.serve_forever()
