"""RFC 6455 §4.1: `connect`."""
