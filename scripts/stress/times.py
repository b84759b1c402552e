"""Seconds that the rules and the rounds agree on, and whether all promises are judged."""

STRICT = False
"""Whether runs are strict by default.

To be set once refws deals with control frames while no thread receives, lets no Pong wait for a
blocked `send`, and shows its taps the bytes that were sent, in their order.
"""

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
SEND_TIMEOUT_S = 6.0
LINGER_S = 1.0
END_S = CLOSE_TIMEOUT_S + LINGER_S
"""What a call may take beyond its own bound if it ends the connection."""

SILENCE_S = 4.5
"""From the silence of a raw peer to our `close`: longer than any bound of a call."""

ALONE_S = 1.0
"""Within this time a control frame is dealt with while no thread receives."""

CALM_S = 0.2
"""If the process wakes up later than this, its machine may be too slow for a closing handshake."""

SEND_S = 1.0
"""What a `send` may take while its peer receives."""

STALL_S = SILENCE_S + CLOSE_TIMEOUT_S
"""What a `recv`, a `send` and a Ping may take longer while a Pong waits for a blocked `send`."""
