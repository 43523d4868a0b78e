"""Has drivers make devices ready before the pods that claim them start, and take them back when those have ended.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

from node.kubelet.dynamicresources import cdi, pod_claims
from node.kubelet.dynamicresources.cdi import CdiError, Edits
from node.kubelet.dynamicresources.driver import DriverError
from node.kubelet.dynamicresources.plugins import DriverRegistry
from node.kubelet.dynamicresources.pod_claims import PreparationError
from node.kubelet.dynamicresources.prepared import Checkpoint, PreparedClaim
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

PERIOD_S = 10.0


class DynamicResources:
    """Of one node. What is written down is written before a driver is asked: what may be prepared is taken back."""

    def __init__(self, client: Client, drivers: DriverRegistry, checkpoint: Checkpoint) -> None:
        self._client = client
        self._drivers = drivers
        self._checkpoint = checkpoint
        self._lock = asyncio.Lock()

    async def run(self, is_here: Callable[[str], bool], period_s: float = PERIOD_S) -> None:
        """Gives back what pods had that are not here any more; they may have gone while this kubelet did not run.
        `is_here` is asked by uid."""
        try:
            await self._clean_up(is_here, period_s)
        finally:
            await self._drivers.close()

    def prepared(self, namespace: str, name: str) -> PreparedClaim | None:
        """What is known here of the claim."""
        return self._checkpoint.claims.get((namespace, name))

    async def prepare(self, pod: pod_pb2.Pod) -> None:
        """Returns when all that the pod claims can be used. Raises PreparationError, and ApiError."""
        if not pod.spec.resourceClaims and not pod.status.HasField("extendedResourceClaimStatus"):
            return
        claims = [PreparedClaim.of(claim) for claim in await pod_claims.read(self._client, pod)]
        async with self._lock:
            try:
                for claim in claims:
                    for driver in claim.drivers:
                        self._drivers.named(driver)
                await self._ask_drivers([self._noted(claim, pod.metadata.uid) for claim in claims])
            except DriverError as error:
                raise PreparationError(str(error)) from error

    async def edits(self, pod: pod_pb2.Pod, container: pod_pb2.Container) -> Edits:
        """What the container gets for the devices that it uses. Raises CdiError, and ApiError."""
        used = list(pod_claims.used_by(pod, container))
        if not used:
            return Edits()
        namespace, known = pod.metadata.namespace, self._checkpoint.claims
        if any((namespace, name) not in known or not known[namespace, name].is_prepared for name, _ in used):
            await self._prepare_again(pod)
        ids = [each for name, request in used for each in known[namespace, name].cdi_ids(request)]
        return cdi.edits(ids, await asyncio.to_thread(cdi.read))

    async def _prepare_again(self, pod: pod_pb2.Pod) -> None:
        """The pod has its sandbox, and what was written down of its claims is lost."""
        try:
            await self.prepare(pod)
        except PreparationError as error:
            raise CdiError(f"prepare dynamic resources: {error}") from error

    async def release(self, pod_uid: str) -> None:
        """Nothing of the pod runs any more: what nobody else uses is taken back. Raises DriverError."""
        if not self._checkpoint.used_by(pod_uid):
            return
        async with self._lock:
            used = self._checkpoint.used_by(pod_uid)
            unused = [claim for claim in used if claim.pods == {pod_uid}]
            for driver, claims in _by_driver(unused).items():
                await self._drivers.named(driver).unprepare(claims)
            for claim in used:
                claim.pods.discard(pod_uid)
            for claim in unused:
                del self._checkpoint.claims[claim.namespace, claim.name]
                log.info("ResourceClaim %s/%s is no longer prepared", claim.namespace, claim.name)
            self._checkpoint.save()

    def _noted(self, claim: PreparedClaim, pod_uid: str) -> PreparedClaim:
        known = self._checkpoint.claims.setdefault((claim.namespace, claim.name), claim)
        if known.uid != claim.uid:
            raise DriverError(
                f"old ResourceClaim with same name {claim.name} and different UID {known.uid} still exists"
                " (previous pod force-deleted?!)"
            )
        known.pods.add(pod_uid)
        return known

    async def _ask_drivers(self, claims: list[PreparedClaim]) -> None:
        self._checkpoint.save()
        missing = [claim for claim in claims if not claim.is_prepared]
        for claim in missing:
            claim.devices.clear()
        for driver, asked in _by_driver(missing).items():
            devices = await self._drivers.named(driver).prepare(asked)
            for claim in asked:
                claim.devices += devices[claim.uid]
        for claim in missing:
            claim.is_prepared = True
            log.info("ResourceClaim %s/%s is prepared", claim.namespace, claim.name)
        self._checkpoint.save()

    async def _clean_up(self, is_here: Callable[[str], bool], period_s: float) -> None:
        while True:
            gone = {uid for claim in self._checkpoint.claims.values() for uid in claim.pods if not is_here(uid)}
            for uid in gone:
                try:
                    await self.release(uid)
                except (DriverError, OSError) as error:
                    log.warning("devices of a pod that is gone (%s) cannot be given back yet: %s", uid, error)
            await asyncio.sleep(period_s)


def _by_driver(claims: Iterable[PreparedClaim]) -> dict[str, list[PreparedClaim]]:
    found: defaultdict[str, list[PreparedClaim]] = defaultdict(list)
    for claim in claims:
        for driver in claim.drivers:
            found[driver].append(claim)
    return dict(found)
