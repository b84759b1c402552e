"""What is shown of a run: as text, as files for other programs, and compared with another run."""
