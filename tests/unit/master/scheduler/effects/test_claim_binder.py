"""What is written for a pod's claims of devices before it is bound, and when that was in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from podlab_testing import allocations
from podlab_testing.waiting import WITHIN_S

from master.scheduler.cache.device_claims import DeviceClaims, PodDevices
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.devices.extended import extended_claim
from master.scheduler.effects.claim_binder import TRIES, ClaimBinder
from podlab.api.pods.resourceclaims import FINALIZER
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, Forbidden
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim

NAME = ("default", "claim")
GIVEN = allocations.given("n1/d0")
WAITED_FOR = allocations.given("n1/d0", bindingConditions=["Attached"], bindingFailureConditions=["Broken"])


class _Api:
    """Stores claims as the API server does. Others may have changed them meanwhile, or it refuses."""

    def __init__(self, claim: ResourceClaim) -> None:
        self.claim = claim
        self.refusal: ApiError | None = None
        self.writes: list[str] = []
        self.told: object = None

    async def get(self, kind: type[ResourceClaim], name: str, namespace: str) -> ResourceClaim:
        assert (kind, namespace, name) == (ResourceClaim, *NAME)
        return self.claim

    async def create(self, claim: ResourceClaim) -> ResourceClaim:
        assert not claim.metadata.uid
        self.writes.append("create")
        self.claim = ResourceClaim()
        self.claim.CopyFrom(claim)
        metadata = self.claim.metadata
        metadata.name, metadata.uid, metadata.resourceVersion = f"{claim.metadata.generateName}x", "uid-made", "1"
        return self.claim

    async def patch(self, kind: type[Pod], name: str, namespace: str, *, patch: object, subresource: str) -> Pod:
        assert (kind, namespace, name, subresource) == (Pod, "default", "web", "status")
        self.writes.append("pod")
        self.told = patch
        return Pod()

    async def update(self, claim: ResourceClaim) -> ResourceClaim:
        return self._write("claim", claim)

    async def update_status(self, claim: ResourceClaim) -> ResourceClaim:
        return self._write("status", claim)

    def _write(self, what: str, claim: ResourceClaim) -> ResourceClaim:
        self.writes.append(what)
        if self.refusal is not None:
            raise self.refusal
        if claim.metadata.resourceVersion != self.claim.metadata.resourceVersion:
            raise Conflict("the claim is another now")
        written = ResourceClaim()
        written.CopyFrom(claim)
        written.metadata.resourceVersion = str(int(claim.metadata.resourceVersion) + 1)
        self.claim = written
        return written


class _Bench:
    """The binder of one pod, web, that uses the claim."""

    def __init__(self) -> None:
        claim = allocations.resource_claim()
        claim.metadata.resourceVersion = "1"
        self.devices = DeviceClaims()
        self.devices.set_claim(NAME, claim)
        self.api = _Api(claim)
        self.pod = allocations.claiming_pod("claim")
        self.pending: Pod | None = self.pod
        self.outcome: asyncio.Queue[ApiError | None] = asyncio.Queue()
        self.waiting = asyncio.Event()
        self.binder = ClaimBinder(
            self.api,  # type: ignore[arg-type]
            self.devices,
            timeouts_s={"default-scheduler": 600.0},
            pending=lambda _: self.pending,
            ready=lambda found: [self.outcome.put_nowait(None) for _ in found],
            failed=lambda _, error: self.outcome.put_nowait(error),
            waiting=lambda _pod, _node: self.waiting.set(),
        )

    def start(self, allocation: AllocationResult | None = GIVEN) -> None:
        given = {NAME: allocation} if allocation is not None else {}
        self.devices.reserve(self.pod.metadata.uid, PodDevices("n1", (NAME,), given))
        self.binder.enqueue([AssumedPod(pod_info(self.pod), "n1")])

    async def ended(self) -> ApiError | None:
        async with asyncio.timeout(WITHIN_S):
            return await self.outcome.get()

    def show(self, claim: ResourceClaim) -> None:
        """As informers do, after another has written the claim."""
        claim.metadata.resourceVersion = str(int(self.api.claim.metadata.resourceVersion) + 1)
        self.api.claim = claim
        self.devices.set_claim(NAME, claim)
        self.binder.wake()


@pytest.fixture
async def bench() -> AsyncIterator[_Bench]:
    made = _Bench()
    running = asyncio.create_task(made.binder.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_pod_without_claims_is_ready_at_once(bench: _Bench) -> None:
    bench.binder.enqueue([AssumedPod(pod_info(allocations.claiming_pod()), "n1")])
    assert bench.outcome.get_nowait() is None
    assert bench.api.writes == []


async def test_the_finalizer_comes_before_the_allocation(bench: _Bench) -> None:
    bench.start()
    assert await bench.ended() is None
    assert bench.api.writes == ["claim", "status"]
    assert list(bench.api.claim.metadata.finalizers) == [FINALIZER]
    assert allocations.results(bench.api.claim.status.allocation) == ["r0=n1/d0"]
    assert [one.uid for one in bench.api.claim.status.reservedFor] == ["uid-web"]
    assert bench.api.claim.status.allocation.HasField("allocationTimestamp")
    assert bench.devices.claims[NAME] is bench.api.claim, "known before the informer tells"
    assert not bench.devices.is_in_flight(bench.api.claim)


async def test_a_claim_that_has_devices_is_reserved_alone(bench: _Bench) -> None:
    bench.api.claim.status.allocation.CopyFrom(GIVEN)
    bench.start(None)
    assert await bench.ended() is None
    assert bench.api.writes == ["status"]


async def test_a_claim_that_is_the_pods_already_is_not_written(bench: _Bench) -> None:
    bench.api.claim.status.allocation.CopyFrom(GIVEN)
    bench.api.claim.status.reservedFor.add(resource="pods", name="web", uid="uid-web")
    bench.start(None)
    assert await bench.ended() is None
    assert bench.api.writes == []


async def test_a_conflict_is_tried_again_with_the_claim_as_it_is_now(bench: _Bench) -> None:
    newer = ResourceClaim()
    newer.CopyFrom(bench.api.claim)
    newer.metadata.resourceVersion, newer.metadata.labels["by"] = "7", "another"
    bench.api.claim = newer
    bench.start()
    assert await bench.ended() is None
    assert bench.api.writes == ["claim", "claim", "status"]
    assert bench.api.claim.metadata.labels["by"] == "another"


async def test_conflicts_without_end_are_given_up(bench: _Bench) -> None:
    bench.api.refusal = Conflict("again and again")
    bench.start()
    assert isinstance(await bench.ended(), Conflict)
    assert len(bench.api.writes) == TRIES


async def test_a_claim_that_another_scheduler_gave_devices_is_not_given_others(bench: _Bench) -> None:
    newer = ResourceClaim()
    newer.CopyFrom(bench.api.claim)
    newer.metadata.resourceVersion = "7"
    newer.status.allocation.CopyFrom(allocations.given("n1/d1"))
    bench.api.claim = newer
    bench.start()
    error = await bench.ended()
    assert error is not None
    assert error.message == "claim default/claim got allocated elsewhere in the meantime"


async def test_a_claim_that_is_being_deleted_is_not_written(bench: _Bench) -> None:
    bench.api.claim.metadata.deletionTimestamp.seconds = 1
    bench.start()
    error = await bench.ended()
    assert error is not None
    assert error.message == "claim default/claim got deleted in the meantime"
    assert bench.api.writes == []


async def test_what_the_api_server_refuses_is_told(bench: _Bench) -> None:
    bench.api.refusal = Forbidden("not for you")
    bench.start()
    error = await bench.ended()
    assert isinstance(error, Forbidden)
    assert error.message == "not for you"


async def test_a_claim_that_is_gone_is_told(bench: _Bench) -> None:
    bench.start()
    bench.devices.set_claim(NAME, None)
    error = await bench.ended()
    assert error is not None
    assert error.message == 'resourceclaims.resource.k8s.io "claim" not found'


def _attached(claim: ResourceClaim, condition: str) -> ResourceClaim:
    changed = ResourceClaim()
    changed.CopyFrom(claim)
    told = changed.status.devices.add(driver=allocations.DRIVER, pool="n1", device="d0")
    told.conditions.add(type=condition, status="True", reason="Told", message="by the driver")
    return changed


async def test_a_pod_is_bound_once_its_device_is_attached(bench: _Bench) -> None:
    bench.start(WAITED_FOR)
    async with asyncio.timeout(WITHIN_S):
        await bench.waiting.wait()
    bench.show(_attached(bench.api.claim, "Attached"))
    assert await bench.ended() is None


async def test_a_device_that_cannot_be_attached_is_told_and_remembered(bench: _Bench) -> None:
    bench.start(WAITED_FOR)
    async with asyncio.timeout(WITHIN_S):
        await bench.waiting.wait()
    bench.show(_attached(bench.api.claim, "Broken"))
    error = await bench.ended()
    assert error is not None
    assert error.message == 'claim claim binding failed: reason=Told, message="by the driver"'
    assert bench.devices.has_failed(bench.api.claim)


async def test_a_device_is_not_waited_for_for_ever(bench: _Bench) -> None:
    claim = bench.api.claim
    claim.status.allocation.CopyFrom(WAITED_FOR)
    claim.status.allocation.allocationTimestamp.seconds = 1
    bench.start(None)
    error = await bench.ended()
    assert error is not None
    assert error.message == "claim claim binding timeout"
    assert bench.devices.has_failed(bench.api.claim)


async def test_a_pod_that_is_deleted_meanwhile_is_waited_for_no_more(bench: _Bench) -> None:
    bench.start(WAITED_FOR)
    async with asyncio.timeout(WITHIN_S):
        await bench.waiting.wait()
    bench.pending = None
    bench.binder.wake()
    error = await bench.ended()
    assert error is not None
    assert "waits no more" in error.message


async def test_a_claim_for_extended_resources_is_created_and_the_pod_told(bench: _Bench) -> None:
    bench.pod.spec.containers[0].resources.requests["example.com/gpu"].string = "1"
    planned = (extended_claim(bench.pod, {"example.com/gpu": "gpu"}), GIVEN)
    bench.devices.reserve(bench.pod.metadata.uid, PodDevices("n1", (), {}, planned))
    bench.binder.enqueue([AssumedPod(pod_info(bench.pod), "n1")])
    assert await bench.ended() is None
    assert bench.api.writes == ["create", "claim", "status", "pod"]
    name = "web-extended-resources-x"
    assert bench.devices.extended_claim_of(bench.pod.metadata.uid) == ("default", name)
    mapping = {"containerName": "main", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"}
    status = {"requestMappings": [mapping], "resourceClaimName": name}
    assert bench.api.told == {"status": {"extendedResourceClaimStatus": status}}
    assert not bench.devices.unreserve("none")
    assert bench.devices.allocated.is_taken(allocations.DEVICE_0)
