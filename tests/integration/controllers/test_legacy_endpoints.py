"""Endpoints beside slices: made from pods, and made into slices."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.network.slices.endpoints import LEADER_ANNOTATION
from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import endpoints_pb2, pod_pb2, service_pb2
from podlab.meta.v1 import meta_pb2


def service(name: str = "web", **spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(spec=service_pb2.ServiceSpec(**spec))
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.ports.add(port=80).targetPort.intVal = 8080
    return made


def pod(name: str) -> pod_pb2.Pod:
    made = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default", labels={"app": "web"}))
    made.spec.containers.add(name="main", image="hello:1.0")
    return made


def shown(seen: ClusterView) -> endpoints_pb2.Endpoints | None:
    found: endpoints_pb2.Endpoints | None = seen.informers.by_kind[GroupKind("", "Endpoints")].get("web", "default")
    return found


def addresses(seen: ClusterView) -> set[str]:
    found = shown(seen)
    return {one.targetRef.name for subset in found.subsets for one in subset.addresses} if found is not None else set()


async def test_a_service_has_the_endpoints_of_its_pods_until_it_goes(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}))
    await seen.until(lambda: shown(seen) is not None, "empty Endpoints")
    for name in ("a", "b"):
        await seen.client.create(pod(name))
    await seen.until(lambda: addresses(seen) == {"a", "b"}, "two addresses")
    await seen.client.delete(pod_pb2.Pod, "a", "default")
    await seen.until(lambda: addresses(seen) == {"b"}, "one address")
    await seen.client.delete(service_pb2.Service, "web", "default")
    await seen.until(lambda: shown(seen) is None, "the Endpoints go with their Service")


async def test_endpoints_that_somebody_writes_become_slices(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    made = endpoints_pb2.Endpoints(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    subset = made.subsets.add()
    subset.addresses.add(ip="192.0.2.1")
    subset.ports.add(port=8080, protocol="TCP")
    await seen.client.create(made)
    await seen.client.create(service())

    def mirrored() -> list[str]:
        found = seen.informers.slices_by_service.get(("default", "web"))
        return [address for one in found for endpoint in one.endpoints for address in endpoint.addresses]

    await seen.until(lambda: mirrored() == ["192.0.2.1"], "a mirror")
    patch = {"subsets": [{"addresses": [{"ip": "192.0.2.2"}, {"ip": "192.0.2.3"}], "ports": [{"port": 8080}]}]}
    await seen.client.patch(endpoints_pb2.Endpoints, "web", "default", patch=patch)
    await seen.until(lambda: mirrored() == ["192.0.2.2", "192.0.2.3"], "the mirror follows")
    await seen.client.delete(endpoints_pb2.Endpoints, "web", "default")
    await seen.until(
        lambda: not seen.informers.slices_by_service.get(("default", "web")), "the mirror goes with what it mirrors"
    )


@pytest.fixture
async def leftovers(seen: ClusterView) -> None:
    """Endpoints without a Service, which were there before the controllers."""
    for name, notes in (("web", {}), ("leader", {LEADER_ANNOTATION: "{}"})):
        metadata = meta_pb2.ObjectMeta(name=name, namespace="default", annotations=notes)
        await seen.client.create(endpoints_pb2.Endpoints(metadata=metadata))


async def test_endpoints_that_outlived_their_service_go_when_the_controllers_come(
    seen: ClusterView, leftovers: None, controllers: ControllersSettings
) -> None:
    await seen.until(lambda: shown(seen) is None, "the Endpoints go")
    assert seen.informers.by_kind[GroupKind("", "Endpoints")].get("leader", "default") is not None
