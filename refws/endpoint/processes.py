"""After `os.fork`: what a child process has of its own, and what stays its parent's.

A child has a copy of every object, but only the thread that forked, and it shares the sockets: a
byte that it sends is inside the parent's stream, and `shutdown` ends the connection for both. So
each connection and each server belongs to the process that made it.

A child may
- call `connect`: its clients have a timer thread and slots (§4.1 item 2) of their own;
- call `serve`, with `sock=` for a listening socket that several processes share;
- forget its parent's objects, and end in any way. Closing a copy of a descriptor ends nothing while
  the parent has it open. `close` and `abort` of a parent's client do nothing in a child, also at
  the end of a `with`, and so do `shutdown` and `abort` of a parent's server.

A child must not
- send or receive on its parent's connections, wait for their events, or ask its parent's server
  for `connections`: another thread may have held a lock at the fork, and none releases it here;
- use the connection of a handler that forks. When the handler returns in the child, nothing is
  sent, and the child ends; it may also end in the handler, with `os._exit`.
"""

from __future__ import annotations

import os
from collections.abc import Callable


def call_in_children(function: Callable[[], None]) -> None:
    """Call the function in each child right after its fork, on systems that can fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)
