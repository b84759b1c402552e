"""`python3 scripts/endurance`: see endurance.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.endurance.endurance import main

sys.exit(main())
