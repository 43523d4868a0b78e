"""What claims give back when a pod cannot use them, or was not bound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from podlab_testing import allocations
from podlab_testing.waiting import WITHIN_S

from master.scheduler.cache.device_claims import DeviceClaims
from master.scheduler.effects.claim_releaser import ClaimReleaser
from podlab.api.pods.resourceclaims import FINALIZER
from podlab.errors import ApiError, NotFound, ServiceUnavailable
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

NAME = ("default", "claim")
POD = allocations.claiming_pod("claim")


class _Api:
    """Notes what it is asked, and answers with a newer claim, or refuses."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[object] = asyncio.Queue()
        self.refusals: list[ApiError] = []

    async def update_status(self, claim: ResourceClaim) -> ResourceClaim:
        self.asked.put_nowait(claim)
        return self._answer(claim)

    async def update(self, claim: ResourceClaim) -> ResourceClaim:
        self.asked.put_nowait(claim)
        return self._answer(claim)

    async def delete(self, kind: type[ResourceClaim], name: str, namespace: str) -> bool:
        self.asked.put_nowait((kind, namespace, name))
        return True

    async def patch(
        self, kind: type[ResourceClaim], name: str, namespace: str, *, patch: object, subresource: str
    ) -> ResourceClaim:
        assert (kind, namespace, name, subresource) == (ResourceClaim, *NAME, "status")
        self.asked.put_nowait(patch)
        return self._answer(allocations.resource_claim())

    def _answer(self, claim: ResourceClaim) -> ResourceClaim:
        if self.refusals:
            raise self.refusals.pop()
        answered = ResourceClaim()
        answered.CopyFrom(claim)
        answered.metadata.resourceVersion = "9"
        return answered


class _Bench:
    def __init__(self) -> None:
        self.api = _Api()
        self.devices = DeviceClaims()
        claim = allocations.resource_claim()
        claim.status.allocation.CopyFrom(allocations.given("n1/d0"))
        claim.status.reservedFor.add(resource="pods", name="web", uid=POD.metadata.uid)
        self.devices.set_claim(NAME, claim)
        self.releaser = ClaimReleaser(self.api, self.devices)  # type: ignore[arg-type]

    async def asked(self) -> object:
        async with asyncio.timeout(WITHIN_S):
            return await self.api.asked.get()


@pytest.fixture
async def bench() -> AsyncIterator[_Bench]:
    made = _Bench()
    running = asyncio.create_task(made.releaser.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_claim_gives_back_all_that_its_status_says(bench: _Bench) -> None:
    bench.releaser.deallocate(NAME, POD)
    asked = await bench.asked()
    assert isinstance(asked, ResourceClaim)
    assert asked.status == ResourceClaim().status
    assert asked.spec == allocations.resource_claim().spec
    assert not bench.devices.allocated.is_taken(allocations.DEVICE_0)


async def test_a_pod_that_was_not_bound_leaves_its_claims(bench: _Bench) -> None:
    bench.releaser.leave([NAME, ("default", "none")], POD)
    uid = POD.metadata.uid
    wanted = {"metadata": {"uid": "claim"}, "status": {"reservedFor": [{"$patch": "delete", "uid": uid}]}}
    assert await bench.asked() == wanted


async def test_a_claim_for_extended_resources_goes_finalizer_first(bench: _Bench) -> None:
    claim = bench.devices.claims[NAME]
    claim.metadata.finalizers.extend([FINALIZER, "example.com/other"])
    bench.releaser.delete(NAME, POD)
    bench.releaser.delete(("default", "none"), POD)
    asked = await bench.asked()
    assert isinstance(asked, ResourceClaim)
    assert list(asked.metadata.finalizers) == ["example.com/other"]
    assert await bench.asked() == (ResourceClaim, *NAME)


async def test_a_claim_that_the_pod_does_not_use_is_left_alone(bench: _Bench) -> None:
    bench.releaser.leave([NAME], allocations.claiming_pod("claim", name="other"))
    bench.releaser.deallocate(("default", "none"), POD)
    bench.releaser.deallocate(NAME, POD)
    assert isinstance(await bench.asked(), ResourceClaim), "the last is the only one"


@pytest.mark.parametrize("error", [NotFound("gone"), ServiceUnavailable("away")])
async def test_what_fails_keeps_nobody_from_the_next(bench: _Bench, error: ApiError) -> None:
    bench.api.refusals.append(error)
    bench.releaser.deallocate(NAME, POD)
    await bench.asked()
    bench.releaser.deallocate(NAME, POD)
    assert isinstance(await bench.asked(), ResourceClaim)
