"""Threads and blocking sockets, which turn the protocol into a server and a client."""
