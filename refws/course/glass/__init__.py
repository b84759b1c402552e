"""A forwarding server that changes no byte, and shows what passes: a pane of glass."""
