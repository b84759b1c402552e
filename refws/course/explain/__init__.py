"""The bytes of a connection -> what they mean, and whether they are legal."""
