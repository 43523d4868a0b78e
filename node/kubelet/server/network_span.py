"""When a pod was given its network, from what containerd and the CNI library leave on the disk: nothing is measured.

containerd makes the pod's network namespace just before it calls the CNI plugins, and the library writes their result
down just after: https://www.cni.dev/docs/spec/#section-2-execution-protocol. The kernel's clock of files ticks each
4 ms.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from node.kubelet.cri.runtime import Runtime, RuntimeFailure
from node.kubelet.worker.pod_workers import PodWorkers
from podlab.api.values.jsonvalues import Json
from podlab.spans.spans import TimeSpan

RESULTS = Path("/var/lib/cni/results")
"""Of containerd's CNI library: a file for each network, sandbox and interface."""
_INTERFACE = "eth0"


class NetworkSpans:
    """Looks up the networks of this node's pods."""

    def __init__(self, pods: PodWorkers, runtime: Runtime, results: Path = RESULTS) -> None:
        self._pods = pods
        self._runtime = runtime
        self._results = results

    async def found(self, keys: Sequence[str]) -> list[tuple[str, TimeSpan]]:
        """Of those keys that are uids of pods with a sandbox."""
        made: list[tuple[str, TimeSpan]] = []
        for uid in keys:
            if self._pods.api_pod(uid) is None:
                continue
            try:
                sandbox = (await self._runtime.pod(uid)).sandbox
            except RuntimeFailure:  # what is remembered is told without it
                continue
            if sandbox is not None:
                spans = await asyncio.to_thread(_of_sandbox, sandbox.id, self._results)
                made.extend((uid, each) for each in spans)
        return made


def _of_sandbox(sandbox_id: str, results: Path) -> list[TimeSpan]:
    """One for each network."""
    made = (_of_result(path) for path in sorted(results.glob(f"*-{sandbox_id}-{_INTERFACE}")))
    return [each for each in made if each is not None]


def _of_result(path: Path) -> TimeSpan | None:
    """None while it is written, or when its namespace is gone."""
    try:
        ended_s = path.stat().st_mtime
        written: Json = orjson.loads(path.read_bytes())
        began_s = os.stat(_namespace(written["result"]["interfaces"])).st_ctime
        return TimeSpan("network", began_s, ended_s, str(written["networkName"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _namespace(interfaces: Iterable[Json]) -> str:
    """Of the interface inside the pod. Raises KeyError when there is none."""
    for each in interfaces:
        if each.get("sandbox"):
            return str(each["sandbox"])
    raise KeyError("sandbox")
