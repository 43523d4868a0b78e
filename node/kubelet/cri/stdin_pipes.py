"""The pipes of processes' stdin, in the state directory of containerd's CRI plugin.

Their paths: `io.containerd.grpc.v1.cri/containers/ID/io/*/PROCESS-stdin`. PROCESS is the id of the container, or of a
command in it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_END = "-stdin"
_CHUNK_BYTES = 1 << 16
# Of one call; the next call drains the rest.
_MAX_CHUNKS = 256


def find_pipes(endpoint: str, container_id: str) -> list[tuple[str, Path]]:
    """(process, its pipe). `endpoint` is containerd's socket, which is in its state directory."""
    state = Path(endpoint.removeprefix("unix://")).parent
    root = state / "io.containerd.grpc.v1.cri" / "containers" / container_id / "io"
    return [(path.name.removesuffix(_END), path) for path in sorted(root.glob(f"*/*{_END}"))]


def drain(pipe: Path) -> None:
    """Discards what is in the pipe, so that its writer does not wait for room."""
    try:
        opened = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if stat.S_ISFIFO(os.fstat(opened).st_mode):
            for _ in range(_MAX_CHUNKS):
                if not os.read(opened, _CHUNK_BYTES):
                    return
    except BlockingIOError:
        return  # it is empty, and may be filled again
    finally:
        os.close(opened)
