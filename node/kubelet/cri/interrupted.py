"""What containerd had begun when it was killed, and nobody owns: network namespaces and addresses of sandboxes, and
what its leases keep, such as snapshots of containers. containerd itself keeps the first two for ever, the last for a
day.

A call ends with the process that serves it: what is older than that process and of no sandbox is left over.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import socket
import struct
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc

from node.kubelet.cri.containerd import NAMESPACE, Containerd, failure
from node.kubelet.cri.runtime import RuntimeUnavailable
from node.probing import attachment
from podlab.foreign.containerd.v1 import leases_pb2, leases_pb2_grpc

log = logging.getLogger(__name__)

PERIOD_S, RETRY_S = 5.0, 60.0
NAMED = Path("/run/netns")
PREFIX = "cni-"
"""Of the names that containerd gives to network namespaces."""
# The kernel tells both the start of a process and for how long it runs itself in hundredths of a second, and a file's
# time may lie a tick behind.
MARGIN_S = 0.05
CALL_TIMEOUT_S = 60.0
_EXPIRES = "containerd.io/gc.expire"
_DETACH = 2


@dataclass(frozen=True)
class Process:
    """One that runs, and when it started, in ticks since the machine did."""

    pid: int
    start_ticks: int


class InterruptedCalls:
    """`run` for ever: looks once at every new process of containerd, also at the first."""

    def __init__(self, runtime: Containerd) -> None:
        self._runtime = runtime
        self._leases = leases_pb2_grpc.LeasesStub(runtime.channel)
        self._seen: Process | None = None

    async def run(self) -> None:
        while True:
            pause_s = PERIOD_S
            try:
                process = served_by(self._runtime.endpoint)
                if process != self._seen:
                    await self.clean_up(started_at(process) - MARGIN_S)
                    self._seen = process
            except (RuntimeUnavailable, ConnectionError, FileNotFoundError, ProcessLookupError) as error:
                log.debug("containerd is not there: %s", error)  # which the pods' workers tell of
            except Exception:
                log.exception("what interrupted calls of containerd have left stays; again in %.0f s", RETRY_S)
                pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def clean_up(self, before: float) -> None:
        """Removes what is left over from before that time, in seconds since 1970. Raises RuntimeFailure, OSError."""
        sandboxes = await self._runtime.sandbox_namespaces()
        unused = unused_namespaces(NAMED, before, sandboxes.values())
        for path in unused:
            remove_namespace(path)
        unowned = sorted(
            each
            for each, since in attachment.allocated().items()
            if since < before and each not in sandboxes and not each.startswith(attachment.PREFIX)
        )
        await attachment.detach(unowned)
        leases = await self._release(before)
        if found := [*map(str, unused), *(f"addresses of {each}" for each in unowned), *leases]:
            log.info("what interrupted calls of containerd have left is removed: %s", ", ".join(found))

    async def _release(self, before: float) -> list[str]:
        released = []
        try:
            listed = await self._leases.List(leases_pb2.ListLeasesRequest(), metadata=NAMESPACE, timeout=CALL_TIMEOUT_S)
            for lease in listed.leases:
                if _EXPIRES in lease.labels and lease.created_at.ToNanoseconds() / 1e9 < before:
                    request = leases_pb2.DeleteLeaseRequest(id=lease.id, sync=True)
                    await self._leases.Delete(request, metadata=NAMESPACE, timeout=CALL_TIMEOUT_S)
                    released.append(f"lease {lease.id}")
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise failure(error) from error
        return released


def served_by(endpoint: str) -> Process:
    """Whose socket it is. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(endpoint.removeprefix("unix://"))
        told = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _, _ = struct.unpack("3i", told)
    _, _, fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return Process(pid, int(fields.split()[19]))


def started_at(process: Process) -> float:
    """In seconds since 1970, by the clock of now. Raises OSError."""
    up_s = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up_s + process.start_ticks / os.sysconf("SC_CLK_TCK")


def unused_namespaces(directory: Path, before: float, owned: Iterable[str]) -> list[Path]:
    """The runtime's, made before that time, in which no process is and which no sandbox has. Raises OSError."""
    kept = {Path(each).name for each in owned if each}
    old = [
        path for path in sorted(directory.glob(f"{PREFIX}*")) if path.name not in kept and path.stat().st_ctime < before
    ]
    used = _inhabited() if old else frozenset[int]()
    return [path for path in old if path.stat().st_ino not in used]


def remove_namespace(path: Path) -> None:
    """Its interfaces go with it. One that is gone is removed. Raises OSError."""
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(path), _DETACH)  # what is not mounted is a file alone
    path.unlink(missing_ok=True)


def _inhabited() -> Collection[int]:
    """The inodes of the network namespaces in which processes are."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):  # the process has ended
            found.add(path.stat().st_ino)
    return found
