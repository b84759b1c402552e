"""RFC 6455 §3, §4.1: the part of the protocol that only a client needs."""
