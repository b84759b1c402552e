"""`python3 scripts/bench`: see bench.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.bench.bench import main

sys.exit(main())
