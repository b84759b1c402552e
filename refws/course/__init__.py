"""What people look at: the page and the example services of `python3 -m refws`."""
