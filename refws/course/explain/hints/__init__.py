"""Well-known mistakes: what is not legal, and what is around it -> what it looks like, or ""."""
