"""A forwarding server in the process of the test, between raw clients and a raw server."""

import socket
from contextlib import closing

from refws.course.glass import looking
from refws.course.glass.copies import Copies
from refws.course.glass.forwarder import Forwarder
from refws.course.glass.target import Target
from refws.course.web.budget import Budget
from refws.endpoint.listening import listen
from refws.protocol.client.uri import parse_uri
from refws.protocol.frame import Side
from transports import TRANSPORTS, contexts
from wire import DEADLINE_S, Background

looking.BUDGET = looking.BULK_BUDGET = Budget(share=1, credit=3600)  # no test waits for another one


class Glass:
    """A forwarder, and the listening socket of the server that it passes all on to."""

    def __init__(self, stack, uri=None, page_at=("127.0.0.1", 9), over="tcp", **options):
        """`over` is the transport on both sides, tcp or tls; `options` are those of a Target."""
        self.stack = stack
        self.transport = TRANSPORTS[over]()
        self.server = context = None
        if over == "tls":
            context = contexts()[Side.SERVER]
            options.setdefault("context", contexts()[Side.CLIENT])
        if uri is None:
            self.server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.server.settimeout(DEADLINE_S)
            uri = f"{self.transport.scheme}://127.0.0.1:{self.server.getsockname()[1]}"
        uri = parse_uri(uri)
        options.setdefault("headers", {"Host": uri.host_header})
        self.host_header = uri.host_header
        self.forwarder = Forwarder(listen("127.0.0.1", 0), Target(uri, **options), page_at, context)
        self.address = self.forwarder.address
        self.copies = Copies()
        self.forwarder.add(self.copies)
        self.running = Background(self.forwarder.run)
        stack.callback(self.stop)

    def stop(self):
        self.forwarder.stop()
        self.running.result()
        self.copies.close()

    def client(self):
        return self.stack.enter_context(closing(self.transport.connect(self.address)))

    def accept(self):
        """The server's end of the next connection."""
        sock, _ = self.server.accept()
        return self.stack.enter_context(closing(self.transport.accept(sock)))

    def meet(self, first=b"POST "):
        """A client, and the server's end of its connection, after the client's first bytes."""
        client = self.client()
        client.send(first)
        server = self.accept()
        return client, server, server.file.read(len(first))

    def all_copies(self):
        """Each copy up to the end of the first connection that is over."""
        found = []
        for copy in self.copies.take():
            found.append(copy)
            if type(copy).__name__ == "Over":
                break
        return found
