"""The benchmark suite: fastad beside its peers and the plain evaluation, `python -m benchmarks`."""

import sys
from pathlib import Path

_checkout = Path(__file__).resolve().parent.parent
if not any(file.suffix in (".so", ".pyd") for file in (_checkout / "fastad").glob("_core.*")):
    # Python looks in the folder that it is started in first, and there lie fastad's sources without
    # their compiled part: the installed package is meant.
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != _checkout]
