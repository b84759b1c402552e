"""Bytes -> what they say, and whether they may."""
