"""Text that people paste -> the bytes that it means."""
