"""Attacks, step by step, each with the defence against it on a switch."""
