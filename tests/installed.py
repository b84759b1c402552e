"""What tests/programs/install.py has installed for the tests."""

import pytest

import environment
import peers


def directory_of(name):
    """The directory with a peer's packages; skips the test if they are not there."""
    peer = next(peer for peer in peers.PEERS if peer.name == name)
    directory = environment.ENVIRONMENTS / f"peer-{name}"
    marker = directory / environment.MARKER
    if not marker.is_file() or marker.read_text("utf-8").split() != list(peer.requirements):
        pytest.skip(f"{name} is not installed; run: python3 tests/programs/install.py")
    return directory


def axe_core():
    """The text of the script axe-core; skips the test if it is not there."""
    directory = environment.ENVIRONMENTS / "axe-core"
    if not environment.is_complete(directory, environment._lines(environment.AXE_CORE)):
        pytest.skip("axe-core is not installed; run: python3 tests/programs/install.py")
    return (directory / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
