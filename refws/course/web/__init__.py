"""The page, its wire view, and what it may ask of the server."""
