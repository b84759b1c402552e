"""Capture files: the packets of a network -> the entries of a tape."""
