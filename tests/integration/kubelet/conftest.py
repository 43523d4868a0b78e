"""A node without containers against a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until
from podlab_testing.waiting import WITHIN_S

from node.kubelet.logs import log_files
from node.kubelet.volume import mounter
from node.kubelet.worker.context import WorkerTimings
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

# How often what is read again and again is read.
PERIOD_S = 0.2
UNMOUNTED_WITHIN_S = 10.0
IMAGE = "podlab.local/hello:1.0"
OFFERED = {
    name: meta_pb2.Quantity(string=amount)
    for name, amount in {"cpu": "2", "memory": "4Gi", "pods": "110", "ephemeral-storage": "10Gi"}.items()
}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryRuntime:
    monkeypatch.setattr(log_files, "LOG_ROOT", tmp_path / "logs")
    return MemoryRuntime()


@pytest.fixture
def timings() -> WorkerTimings:
    """Tests that need others define this fixture anew."""
    return WorkerTimings()


@pytest.fixture
def root() -> Iterator[Path]:
    """The kubelet's directory. Its path is short, as those of sockets must be, which drivers have below it."""
    with TemporaryDirectory(prefix="kubelet-") as directory:
        yield Path(directory)
        _unmount_below(Path(directory))


@pytest.fixture
async def kubelet(
    cluster: Cluster, runtime: MemoryRuntime, root: Path, timings: WorkerTimings
) -> AsyncIterator[MemoryKubelet]:
    """Started, with the identity of node n1. Pods mount the cluster's CA, which a controller would publish."""
    roots = config_pb2.ConfigMap(data={"ca.crt": "the CA"})
    roots.metadata.namespace, roots.metadata.name = "default", "kube-root-ca.crt"
    await (await cluster.client()).create(roots)
    made = MemoryKubelet(await cluster.client("system:node:n1"), runtime, root, timings=timings)
    await made.start()
    yield made
    await made.kill()


def _unmount_below(directory: Path) -> None:
    """Pods that a test leaves running have volumes in memory. What a kubelet had begun when it was killed, a thread of
    its may be at for a moment: nothing is mounted once two looks in turn have found nothing."""
    deadline, looks = time.monotonic() + UNMOUNTED_WITHIN_S, 0
    while looks < 2:
        mounts = mounter.mounted_below(directory)
        done = [subprocess.run(["umount", str(each)], check=False, capture_output=True, text=True) for each in mounts]
        assert time.monotonic() < deadline, [each.stderr for each in done]
        looks = 0 if mounts else looks + 1
        time.sleep(0.05)


@pytest.fixture
def until(admin: Client) -> Until:
    """Waits for a pod to be as wanted, and returns it."""

    async def wait(name: str, check: Callable[[pod_pb2.Pod], object]) -> pod_pb2.Pod:
        seen: pod_pb2.Pod | None = None
        informer = Informer(admin, pod_pb2.Pod)
        changed = asyncio.Event()
        informer.on_change(lambda _: changed.set())
        task = asyncio.create_task(informer.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                await informer.synced.wait()
                while True:
                    changed.clear()
                    seen = informer.get(name, "default")
                    if check(seen):  # type: ignore[arg-type]
                        return seen or pod_pb2.Pod()
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(f"pod {name} is not as wanted after 10 s:\n{seen}") from None
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return wait
