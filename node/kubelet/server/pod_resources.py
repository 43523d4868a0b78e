"""The pod-resources API: which devices containers have, told to monitoring agents of the node.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/#monitoring-device-plugin-resources
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import grpc

from node.kubelet.cpus.manager import CpuManager
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.plugin import Devices
from node.kubelet.dynamicresources import pod_claims
from node.kubelet.dynamicresources.prepared import PreparedClaim
from node.kubelet.plugins import unix_server
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2
from podlab.errors import ServicerContext
from podlab.foreign.podresources.v1 import api_pb2, api_pb2_grpc

SOCKET = "pod-resources/kubelet.sock"
"""Where monitoring agents look for it, below the kubelet's directory of Kubernetes' name."""


class Pods(Protocol):
    """All pods of the node."""

    def list(self) -> list[pod_pb2.Pod]: ...
    def named(self, namespace: str, name: str) -> pod_pb2.Pod | None: ...


class PodResourcesServicer(api_pb2_grpc.PodResourcesListerServicer):
    """Serves `v1.PodResourcesLister`. `claim` gives what is prepared of one, by namespace and name."""

    def __init__(
        self, pods: Pods, devices: DeviceManager, cpus: CpuManager, claim: Callable[[str, str], PreparedClaim | None]
    ) -> None:
        self._pods = pods
        self._devices = devices
        self._cpus = cpus
        self._claim = claim

    async def List(  # noqa: N802 - gRPC's name
        self, request: api_pb2.ListPodResourcesRequest, context: ServicerContext
    ) -> api_pb2.ListPodResourcesResponse:
        """See the .proto."""
        active = (pod for pod in self._pods.list() if not is_terminal(pod))
        return api_pb2.ListPodResourcesResponse(pod_resources=map(self._resources, active))

    async def GetAllocatableResources(  # noqa: N802 - gRPC's name
        self, request: api_pb2.AllocatableResourcesRequest, context: ServicerContext
    ) -> api_pb2.AllocatableResourcesResponse:
        """See the .proto."""
        offers = self._devices.offers
        devices = [
            told
            for resource in sorted(offers.resources)
            for told in _by_topology(resource, offers.healthy(resource), offers.devices(resource))
        ]
        return api_pb2.AllocatableResourcesResponse(devices=devices, cpu_ids=self._cpus.allocatable())

    async def Get(  # noqa: N802 - gRPC's name
        self, request: api_pb2.GetPodResourcesRequest, context: ServicerContext
    ) -> api_pb2.GetPodResourcesResponse:
        """See the .proto."""
        pod = self._pods.named(request.pod_namespace, request.pod_name)
        if pod is None or is_terminal(pod):
            why = f"pod {request.pod_name} in namespace {request.pod_namespace} not found"
            await context.abort(grpc.StatusCode.NOT_FOUND, why)
        assert pod is not None
        return api_pb2.GetPodResourcesResponse(pod_resources=self._resources(pod))

    def _resources(self, pod: pod_pb2.Pod) -> api_pb2.PodResources:
        return api_pb2.PodResources(
            name=pod.metadata.name,
            namespace=pod.metadata.namespace,
            containers=[self._container(pod, each) for each in _listed(pod)],
        )

    def _container(self, pod: pod_pb2.Pod, container: pod_pb2.Container) -> api_pb2.ContainerResources:
        found = api_pb2.ContainerResources(
            name=container.name, cpu_ids=self._cpus.ids(pod.metadata.uid, container.name)
        )
        for given in self._devices.of(pod.metadata.uid, container.name):
            known = self._devices.offers.devices(given.resource)
            found.devices.extend(_by_topology(given.resource, given.ids, known))
        for name, request in pod_claims.used_by(pod, container):
            if (claim := self._claim(pod.metadata.namespace, name)) is not None:
                found.dynamic_resources.append(_dynamic(claim, request))
        return found


async def run(socket: Path, servicer: PodResourcesServicer) -> None:
    """Serves until cancelled."""
    await unix_server.run(
        socket, lambda server: api_pb2_grpc.add_PodResourcesListerServicer_to_server(servicer, server)
    )


def _listed(pod: pod_pb2.Pod) -> Iterator[pod_pb2.Container]:
    """Init containers have ended before anybody asks, but for sidecars."""
    yield from (each for each in pod.spec.initContainers if each.restartPolicy == "Always")
    yield from pod.spec.containers


def _by_topology(resource: str, ids: Iterable[str], known: Devices) -> list[api_pb2.ContainerDevices]:
    """One entry for each set of NUMA nodes that devices are near to."""
    by_nodes: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for device in sorted(ids):
        nodes = known[device].topology.nodes if device in known else ()
        by_nodes[tuple(node.ID for node in nodes)].append(device)
    found = []
    for numbers, devices in sorted(by_nodes.items()):
        told = api_pb2.ContainerDevices(resource_name=resource, device_ids=devices)
        for number in numbers:
            told.topology.nodes.add(ID=number)
        found.append(told)
    return found


def _dynamic(claim: PreparedClaim, request: str) -> api_pb2.DynamicResource:
    found = api_pb2.DynamicResource(claim_name=claim.name, claim_namespace=claim.namespace)
    for device in claim.of_request(request):
        told = found.claim_resources.add(driver_name=device.driver, pool_name=device.pool, device_name=device.device)
        told.cdi_devices.extend(api_pb2.CDIDevice(name=each) for each in device.cdi_ids)
    return found
