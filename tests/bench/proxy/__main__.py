"""`python tests/bench/proxy`: what many Services cost the proxy with each backend, a figure a line. Needs root.

`python tests/bench/proxy nft 1000` measures one of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from podlab_testing.proxying import BACKENDS

SERVICES = ("1000", "10000")
TIMEOUT_S = 300
MEASURE = Path(__file__).with_name("measure.py")


def measure(backend: str, services: str) -> None:
    """In a network namespace of its own, which goes with its rules."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        ["unshare", "--net", sys.executable, str(MEASURE), backend, services], check=True, env=environment, timeout=300
    )


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("root is needed: network namespaces are")
    for each in [tuple(sys.argv[1:3])] if len(sys.argv) > 2 else [(b, s) for s in SERVICES for b in BACKENDS]:
        measure(*each)
