"""RFC 6455 §10.6: TLS between the frames and the socket."""
