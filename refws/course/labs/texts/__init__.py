"""All that a reader of a lab sees, a file for each language."""
