"""The commands of `python3 -m refws`: each module has `main`, arguments -> an exit status."""
