"""`python3 scripts/stress`: see stress.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.stress.stress import main

sys.exit(main())
