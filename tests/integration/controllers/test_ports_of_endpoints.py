"""Which ports of which pods are behind a Service, as its slices and its Endpoints tell (docs/conformance.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.network.slices.decide import MANAGED_BY_LABEL, MANAGER
from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import endpoints_pb2, pod_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.meta.v1 import meta_pb2

PortsOfPods = dict[str, set[tuple[str, int, str]]]


class Behind:
    """What is behind Service web in namespace default."""

    def __init__(self, seen: ClusterView) -> None:
        self._seen = seen

    async def serve(self, selector: Mapping[str, str], **targets: str | int) -> None:
        """Makes the Service; ports are named, and numbered from 80."""
        metadata = meta_pb2.ObjectMeta(name="web", namespace="default")
        spec = service_pb2.ServiceSpec(selector=selector, publishNotReadyAddresses=True)
        for number, (name, target) in enumerate(targets.items(), start=80):
            port = spec.ports.add(name=name, port=number, protocol="TCP")
            if isinstance(target, int):
                port.targetPort.intVal = target
            else:
                port.targetPort.type, port.targetPort.strVal = 1, target
        await self._seen.client.create(service_pb2.Service(metadata=metadata, spec=spec))

    async def add(self, name: str, labels: tuple[str, ...], **ports: int) -> None:
        """A pod whose container offers ports by these names."""
        metadata = meta_pb2.ObjectMeta(name=name, namespace="default", labels=dict.fromkeys(labels, "on"))
        made = pod_pb2.Pod(metadata=metadata)
        container = made.spec.containers.add(name="main", image="hello:1.0")
        for each, number in ports.items():
            container.ports.add(name=each.replace("_", "-"), containerPort=number)
        await self._seen.client.create(made)

    async def remove(self, name: str) -> None:
        await self._seen.client.delete(pod_pb2.Pod, name, "default")

    def slices(self) -> list[endpointslice_pb2.EndpointSlice]:
        return list(self._seen.informers.slices_by_service.get(("default", "web")))

    def endpoints(self) -> endpoints_pb2.Endpoints | None:
        kind = GroupKind("", "Endpoints")
        found: endpoints_pb2.Endpoints | None = self._seen.informers.by_kind[kind].get("web", "default")
        return found

    def told(self) -> tuple[PortsOfPods | None, PortsOfPods | None]:
        """By the slices, and by the Endpoints, both None until they are there. Each names the pod itself."""
        slices = self.slices()
        by_slices: PortsOfPods | None = {} if slices else None
        for each in slices:
            for endpoint in each.endpoints:
                assert by_slices is not None
                by_slices.setdefault(self._pod(endpoint.targetRef), set()).update(_triples(each.ports))
        endpoints = self.endpoints()
        if endpoints is None:
            return by_slices, None
        by_endpoints: PortsOfPods = {}
        for subset in endpoints.subsets:
            for address in subset.addresses:
                by_endpoints.setdefault(self._pod(address.targetRef), set()).update(_triples(subset.ports))
        return by_slices, by_endpoints

    async def becomes(self, wanted: PortsOfPods) -> None:
        await self._seen.until(lambda: self.told() == (wanted, wanted), f"{wanted} in slices and Endpoints")

    def _pod(self, reference: Any) -> str:
        pod = self._seen.informers.pods.get(reference.name, reference.namespace)
        assert (reference.kind, pod is None or pod.metadata.uid == reference.uid) == ("Pod", True)
        return str(reference.name)


def _triples(ports: Any) -> set[tuple[str, int, str]]:
    return {(port.name, port.port, port.protocol) for port in ports}


@pytest.fixture
def behind(seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings) -> Behind:
    return Behind(seen)


async def test_pods_come_and_go_at_one_port(behind: Behind) -> None:
    await behind.serve({"app": "on"}, http=80)
    at = {("http", 80, "TCP")}
    await behind.becomes({})
    (empty,) = behind.slices()
    assert (empty.metadata.labels[MANAGED_BY_LABEL], list(empty.ports)) == (MANAGER, [])
    await behind.add("pod1", ("app",))
    await behind.becomes({"pod1": at})
    await behind.add("pod2", ("app",))
    await behind.becomes({"pod1": at, "pod2": at})
    await behind.remove("pod1")
    await behind.becomes({"pod2": at})
    await behind.remove("pod2")
    await behind.becomes({})


async def test_a_pod_is_behind_those_ports_whose_names_it_has(behind: Behind) -> None:
    await behind.serve({"app": "on"}, portname1="svc1", portname2="svc2")
    first, second = {("portname1", 100, "TCP")}, {("portname2", 101, "TCP")}
    await behind.becomes({})
    await behind.add("pod1", ("app",), svc1=100)
    await behind.becomes({"pod1": first})
    await behind.add("pod2", ("app",), svc2=101)
    await behind.becomes({"pod1": first, "pod2": second})
    await behind.remove("pod1")
    await behind.becomes({"pod2": second})
    await behind.remove("pod2")
    await behind.becomes({})


async def test_one_name_is_another_number_in_another_slice_and_slices_that_are_deleted_come_back(
    behind: Behind, seen: ClusterView
) -> None:
    await behind.serve({"shared12": "on"}, http="example-name")
    await behind.add("pod1", ("pod1", "shared12"), example_name=3000)
    await behind.add("pod2", ("pod2", "shared12"), example_name=3001, other_port=3002)
    wanted = {"pod1": {("http", 3000, "TCP")}, "pod2": {("http", 3001, "TCP")}}
    await behind.becomes(wanted)
    endpoints = behind.endpoints()
    assert (len(behind.slices()), endpoints is not None and len(endpoints.subsets)) == (2, 2)
    before = behind.slices()
    for each in before:
        await seen.client.delete(endpointslice_pb2.EndpointSlice, each.metadata.name, "default")
    gone = {each.metadata.uid for each in before}
    await seen.until(lambda: not gone & {each.metadata.uid for each in behind.slices()}, "the slices are gone")
    await behind.becomes(wanted)
    assert len(behind.slices()) == 2
