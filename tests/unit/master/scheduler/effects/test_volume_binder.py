"""What is written for a pod's claims before it is bound, and when that was in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from podlab_testing.scheduling import store
from podlab_testing.storage import claim, storage_class, volume
from podlab_testing.waiting import WITHIN_S

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.storage import PodVolumes, Storage
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.effects.volume_binder import VolumeBinder
from podlab.api.pods.volumes import BIND_COMPLETED, SELECTED_NODE, is_kept_for
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict

DATA = ("default", "data")


class Api:
    """Stores what is written and shows it at once, unless it is to refuse."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.refusal: ApiError | None = None
        self.shown = asyncio.Event()
        self._revision = 10

    async def update(self, obj: Any) -> Any:
        if self.refusal is not None:
            raise self.refusal
        return self.show(obj)

    def show(self, obj: Any) -> Any:
        self._revision += 1
        shown = type(obj)()
        shown.CopyFrom(obj)
        shown.metadata.resourceVersion = str(self._revision)
        store(self.storage, shown)
        self.shown.set()
        return shown

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                self.shown.clear()
                await self.shown.wait()


class Bench:
    """The binder of one pod, web, that mounts the claim data."""

    def __init__(self, timeout_s: float = 600.0) -> None:
        self.storage = Storage()
        self.api = Api(self.storage)
        for each in (claim(), storage_class(delayed=True)):
            self.api.show(each)
        self.pod = Pod()
        self.pod.metadata.name, self.pod.metadata.namespace, self.pod.metadata.uid = "web", "default", "uid-web"
        self.pending: Pod | None = self.pod
        self.outcome: asyncio.Queue[ApiError | None] = asyncio.Queue()
        self.binder = VolumeBinder(
            self.api,  # type: ignore[arg-type]
            self.storage,
            timeouts_s={"": timeout_s},
            pending=lambda _: self.pending,
            ready=lambda found: [self.outcome.put_nowait(None) for _ in found],
            failed=lambda _, error: self.outcome.put_nowait(error),
        )

    @property
    def info(self) -> PodInfo:
        return pod_info(self.pod)

    @property
    def claim(self) -> Any:
        return self.storage.claims[DATA]

    def begin(self, planned: PodVolumes) -> None:
        self.storage.reserve(self.info.uid, planned)
        self.binder.enqueue([AssumedPod(self.info, planned.node)])

    async def ends(self) -> ApiError | None:
        return await asyncio.wait_for(self.outcome.get(), WITHIN_S)

    async def until_told(self) -> None:
        await self.api.until(lambda: SELECTED_NODE in self.claim.metadata.annotations)

    def change(self, **annotations: str) -> None:
        """The claim with these annotations and no others."""
        changed = claim(annotations=annotations, volumeName="disk" if annotations else "")
        self.api.show(changed)
        self.binder.wake()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    task = asyncio.create_task(made.binder.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_pod_with_nothing_to_prepare_is_ready_at_once(bench: Bench) -> None:
    bench.begin(PodVolumes("n1"))
    assert bench.outcome.get_nowait() is None


async def test_a_claim_is_told_its_node_and_its_pod_is_ready_once_the_claim_is_bound(bench: Bench) -> None:
    bench.begin(PodVolumes("n1", dynamic_provisions=(DATA,)))
    await bench.until_told()
    assert bench.claim.metadata.annotations[SELECTED_NODE] == "n1"
    bench.binder.wake()
    await asyncio.sleep(0)
    assert bench.outcome.empty(), "the claim is not bound yet"
    bench.change(**{BIND_COMPLETED: "yes"})
    assert await bench.ends() is None


async def test_a_volume_that_was_found_is_kept_for_its_claim(bench: Bench) -> None:
    bench.api.show(volume())
    bench.begin(PodVolumes("n1", static_bindings=((DATA, "disk"),)))
    await bench.api.until(lambda: is_kept_for(bench.storage.volumes["disk"], bench.claim))
    assert SELECTED_NODE not in bench.claim.metadata.annotations
    bench.change(**{BIND_COMPLETED: "yes"})
    assert await bench.ends() is None


async def test_a_node_that_the_provisioner_takes_back_is_given_up(bench: Bench) -> None:
    bench.begin(PodVolumes("n1", dynamic_provisions=(DATA,)))
    await bench.until_told()
    bench.change()
    failure = await bench.ends()
    assert failure is not None
    assert failure.message == 'selectedNode annotation reset for PVC "data"'


async def test_a_write_that_is_refused_is_given_up(bench: Bench) -> None:
    bench.api.refusal = Conflict("it changed meanwhile")
    bench.begin(PodVolumes("n1", dynamic_provisions=(DATA,)))
    assert await bench.ends() is bench.api.refusal


async def test_nobody_waits_for_the_claims_of_a_pod_that_is_gone(bench: Bench) -> None:
    bench.begin(PodVolumes("n1", dynamic_provisions=(DATA,)))
    await bench.until_told()
    bench.pending = None
    bench.binder.wake()
    failure = await bench.ends()
    assert failure is not None
    assert "waits no more" in failure.message


async def test_volumes_may_take_so_long_and_no_longer() -> None:
    bench = Bench(timeout_s=0.01)
    task = asyncio.create_task(bench.binder.run())
    bench.begin(PodVolumes("n1", dynamic_provisions=(DATA,)))
    assert str(await bench.ends()) == "binding volumes: no volume within 0 s"
    task.cancel()
