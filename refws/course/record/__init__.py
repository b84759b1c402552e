"""Connections narrated, recorded, replayed, and written for Wireshark."""
