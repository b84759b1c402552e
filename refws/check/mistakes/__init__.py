"""Well-known mistakes of servers: what a result looks like, and what to do."""
