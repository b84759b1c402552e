"""What the RFCs say, without sockets, threads or clocks. Read each function beside its section."""
