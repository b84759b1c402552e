"""What the RFCs say. No socket, no thread, no clock: every function here can be read beside its
section.
"""
