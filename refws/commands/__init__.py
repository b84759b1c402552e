"""The commands of `python3 -m refws`: arguments -> an exit status."""
