"""Echo with refws and a level of compression of one's choice: `python3 scripts/deflate_echo.py PORT
LEVEL`.
"""

import sys

from server_process import HOST, ROOT

sys.path.insert(0, str(ROOT))

from refws import DeflateSettings, serve
from refws.course.services import echo

port, level = map(int, sys.argv[1:])
with serve(echo, HOST, port, compression=DeflateSettings(level=level)) as server:
    server.serve_forever()
