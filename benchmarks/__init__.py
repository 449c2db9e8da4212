"""Measurements of the bridge beside what people would use instead, or beside the limit: ``python -m benchmarks``.

A line is a module here; :mod:`benchmarks.lines` has their list. Real parts come from the tests (``tests/parts``).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
