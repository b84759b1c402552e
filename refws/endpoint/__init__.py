"""Threads and blocking sockets: what turns the protocol into a running server."""
