"""Seconds that the rules and the rounds agree on."""

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
