"""Gives devices to the containers of pods that are admitted, and takes them back when the pods have ended."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from node.kubelet.deviceplugins import choice, health
from node.kubelet.deviceplugins.choice import DeviceRequest
from node.kubelet.deviceplugins.given import Given, GivenDevices
from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.deviceplugins.plugin import DeviceError
from node.kubelet.dynamicresources import cdi
from node.kubelet.dynamicresources.cdi import Edits
from node.kubelet.pod import podspec
from node.kubelet.pod.room import Room, at_once
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

log = logging.getLogger(__name__)

PERIOD_S = 10.0


class DeviceManager:
    """Of one node. `run` for ever."""

    def __init__(self, offers: DeviceOffers, given: GivenDevices) -> None:
        self.offers = offers
        self._given = given
        # By resource: a plugin that does not answer holds up those pods alone that ask for its devices.
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        offers.on_registered(given.remember)

    async def run(self, is_here: Callable[[str], bool], period_s: float = PERIOD_S) -> None:
        """Takes back what pods had that are not here any more. `is_here` is asked by uid."""
        try:
            while True:
                gone = [uid for uid in self._given.pod_uids() if not is_here(uid)]
                try:
                    self._given.forget(gone)
                except OSError as error:
                    log.warning("devices of pods that are gone cannot be taken back yet: %s", error)
                await asyncio.sleep(period_s)
        finally:
            await self.offers.close()

    def of(self, pod_uid: str, container: str) -> list[Given]:
        """What the container has."""
        return self._given.of(pod_uid, container)

    def pod_uids(self) -> set[str]:
        """Of the pods that have devices."""
        return self._given.pod_uids()

    def tell_health(self, pod: pod_pb2.Pod, status: pod_pb2.PodStatus) -> None:
        """Says in the pod's new status how its devices are."""
        if pod.metadata.uid not in self._given.pod_uids():
            return
        for each in (*status.initContainerStatuses, *status.containerStatuses):
            health.tell(each, self.of(pod.metadata.uid, each.name), self.offers.is_healthy)

    async def allocate(self, pod: pod_pb2.Pod, *, only: str = "", near: frozenset[int] = frozenset()) -> None:
        """All devices that the pod's containers ask for; with `only`, that container alone. Those near to the NUMA
        nodes `near` come first. Raises DeviceError: then it may have some of them, until it is released."""
        wanted = choice.wanted(pod, self.offers.resources)
        await self._allocate(pod, (each for each in wanted if only in ("", each.container)), near)

    def rooms(self, pod: pod_pb2.Pod, container: str) -> dict[str, Room[str]]:
        """What the container, or without a name the pod, could be given of each resource that it asks for and whose
        devices are near to some NUMA nodes only."""
        counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for each in choice.wanted(pod, self.offers.resources):
            counts[each.resource][each.container] = each.count
        return {
            resource: self._room(pod, container, resource, of)
            for resource, of in sorted(counts.items())
            if (not container or container in of) and any(self.near(resource).values())
        }

    def _room(self, pod: pod_pb2.Pod, container: str, resource: str, counts: Mapping[str, int]) -> Room[str]:
        healthy = self.offers.healthy(resource)
        free = healthy - self._given.in_use(resource)
        if not container:
            return Room(at_once(pod, lambda each: counts.get(each.name, 0)), free)
        given = {known.container: known.ids for known in self._given.of(pod.metadata.uid) if known.resource == resource}
        return Room(counts[container], free, podspec.left_by_init(pod, container, given) & healthy)

    def near(self, resource: str) -> dict[str, tuple[int, ...]]:
        """To which NUMA nodes each of its devices is near; to none: nobody knows."""
        devices = self.offers.devices(resource)
        return {name: tuple(node.ID for node in device.topology.nodes) for name, device in devices.items()}

    def release(self, pod_uid: str) -> None:
        """Nothing of the pod runs any more. Raises OSError."""
        self._given.forget([pod_uid])

    async def edits(self, pod: pod_pb2.Pod, container: pod_pb2.Container) -> tuple[Edits, Edits]:
        """What the container gets for its devices, which it is about to use: by its plugins' own words, over which the
        pod's go, and by CDI. Raises DeviceError, CdiError."""
        wanted = [each for each in choice.wanted(pod, self.offers.resources) if each.container == container.name]
        if not wanted:
            return Edits(), Edits()
        await self._allocate(pod, wanted)  # what was written down may be lost
        given = self.of(pod.metadata.uid, container.name)
        for each in given:
            plugin = self.offers.plugin(each.resource)
            if plugin is None:
                raise DeviceError(f"endpoint not found in cache for a registered resource: {each.resource}")
            await plugin.pre_start(each.ids)
        ids = [device.name for each in given for device in each.how.cdi_devices]
        return _edits(given), cdi.edits(ids, await asyncio.to_thread(cdi.read)) if ids else Edits()

    async def _allocate(
        self, pod: pod_pb2.Pod, wanted: Iterable[DeviceRequest], near: frozenset[int] = frozenset()
    ) -> None:
        of_resource: defaultdict[str, list[DeviceRequest]] = defaultdict(list)
        for each in wanted:
            of_resource[each.resource].append(each)
        for resource in sorted(of_resource):  # one after another, so that who waits for one holds up no other
            async with self._locks[resource]:
                await self._allocate_of(pod, resource, of_resource[resource], near)

    async def _allocate_of(
        self, pod: pod_pb2.Pod, resource: str, wanted: Iterable[DeviceRequest], near: frozenset[int]
    ) -> None:
        uid, new = pod.metadata.uid, list[Given]()
        given = {known.container: known.ids for known in self._given.of(uid) if known.resource == resource}
        for each in wanted:
            if each.container in given:
                continue
            reused = podspec.left_by_init(pod, each.container, given)
            own = {one for held in given.values() for one in held}
            ids = await self._choose(each, reused, own, near)
            plugin = self.offers.plugin(resource)
            if plugin is None:
                raise DeviceError(f"endpoint not found in cache for a registered resource: {resource}")
            new.append(Given(uid, each.container, resource, ids, await plugin.allocate(ids)))
            given[each.container] = ids
        if not new:
            return
        try:
            self._given.add(new)
        except OSError as error:
            raise DeviceError(f"failed to write checkpoint file: {error}") from error
        for one in new:
            log.info("container %s of pod %s has %s %s", one.container, uid, one.resource, ", ".join(one.ids))

    async def _choose(
        self, wanted: DeviceRequest, reused: frozenset[str], own: set[str], near: frozenset[int]
    ) -> tuple[str, ...]:
        """`own` are those that containers of the same pod have."""
        healthy = self.offers.healthy(wanted.resource)
        free = healthy - self._given.in_use(wanted.resource) - own
        choice.check(wanted, healthy, free, reused)
        aligned = {name for name, nodes in self.near(wanted.resource).items() if not near.isdisjoint(nodes)} & free
        required, free = choice.aligned(wanted.count, sorted(reused & healthy)[: wanted.count], aligned, free)
        plugin = self.offers.plugin(wanted.resource)
        preferred: Sequence[str] = ()
        if plugin is not None and len(required) < wanted.count < len(required) + len(free):
            preferred = await plugin.preferred(free | set(required), required, wanted.count)
        return tuple(choice.chosen(wanted.count, required, preferred, free))


def _edits(given: Iterable[Given]) -> Edits:
    edits = Edits()
    for each in given:
        edits.environment.update(each.how.envs)
        edits.annotations.update(each.how.annotations)
        for mount in each.how.mounts:
            edits.mounts.append(
                cri.Mount(container_path=mount.container_path, host_path=mount.host_path, readonly=mount.read_only)
            )
        for device in each.how.devices:
            edits.devices.append(
                cri.Device(
                    container_path=device.container_path,
                    host_path=device.host_path,
                    permissions=device.permissions,
                )
            )
    return edits
