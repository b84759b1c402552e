"""RFC 6455 §3, §4.1: what only a client needs of the protocol."""
