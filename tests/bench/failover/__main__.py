"""`python tests/bench/failover [NODES]`: three API servers on three members of etcd, with 1,000 nodes that beat and
watch as kubelets do: what they notice when one of these is gone. A figure a line, in some six minutes.

All of it shares this machine's processors: servers, etcd, controllers and the nodes themselves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# Services and stopwatches are those of the other benchmarks; podlab_testing is two folders up.
sys.path += [str(Path(__file__).parents[1] / name) for name in ("api", "scheduler", "..")]

import failing
import uvloop

if __name__ == "__main__":
    uvloop.run(failing.measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
