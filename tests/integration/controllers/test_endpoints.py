"""EndpointSlices follow pods."""

from __future__ import annotations

from typing import Any

from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.objects import condition
from podlab.api.values import times
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2


def service(**spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(spec=service_pb2.ServiceSpec(**spec))
    made.metadata.name, made.metadata.namespace = "web", "default"
    port = made.spec.ports.add(port=80)
    port.targetPort.type, port.targetPort.strVal = 1, "http"
    return made


def pod(name: str) -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.metadata.labels["app"] = "web"
    container = made.spec.containers.add(name="main", image="hello:1.0")
    container.ports.add(name="http", containerPort=8080)
    return made


def slices(seen: ClusterView) -> list[endpointslice_pb2.EndpointSlice]:
    return list(seen.informers.slices_by_service.get(("default", "web")))


def ready(seen: ClusterView) -> set[str]:
    return {endpoint.targetRef.name for one in slices(seen) for endpoint in one.endpoints if endpoint.conditions.ready}


async def say_ready(seen: ClusterView, name: str, value: str) -> None:
    found = await seen.client.get(pod_pb2.Pod, name, "default")
    found.metadata.resourceVersion = ""
    known = condition(found.status.conditions, "Ready")
    known.status = value
    known.lastTransitionTime.CopyFrom(times.now())
    await seen.client.update_status(found)


async def test_ready_pods_become_endpoints_with_the_number_of_a_named_port(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}))
    for name in ("a", "b"):
        await seen.client.create(pod(name))
    await seen.until(lambda: ready(seen) == {"a", "b"}, "two ready endpoints")
    (one,) = slices(seen)
    assert one.metadata.name.startswith("web-")
    assert one.metadata.ownerReferences[0].kind == "Service"
    assert [(port.port, port.protocol) for port in one.ports] == [(8080, "TCP")]
    assert {endpoint.nodeName for endpoint in one.endpoints} == {"n1"}


async def test_a_failing_readiness_probe_takes_the_pod_out_and_back_in(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}))
    for name in ("a", "b"):
        await seen.client.create(pod(name))
    await seen.until(lambda: ready(seen) == {"a", "b"}, "two ready endpoints")
    await say_ready(seen, "a", "False")
    await seen.until(lambda: ready(seen) == {"b"}, "one ready endpoint")
    await say_ready(seen, "a", "True")
    await seen.until(lambda: ready(seen) == {"a", "b"}, "two ready endpoints again")
    assert len(slices(seen)) == 1


async def test_a_service_without_pods_has_one_empty_slice_that_is_used_again(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}))
    await seen.until(lambda: [len(one.endpoints) for one in slices(seen)] == [0], "an empty slice")
    (empty,) = slices(seen)
    await seen.client.create(pod("a"))
    await seen.until(lambda: ready(seen) == {"a"}, "an endpoint")
    assert [one.metadata.uid for one in slices(seen)] == [empty.metadata.uid]


async def test_slices_go_with_their_service(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}))
    await seen.until(lambda: slices(seen), "a slice")
    await seen.client.delete(service_pb2.Service, "web", "default")
    await seen.until(lambda: not slices(seen), "no slice")


async def test_the_zone_of_its_node_is_told_and_where_close_ones_are_preferred_it_is_meant_for_that(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(service(selector={"app": "web"}, trafficDistribution="PreferClose"))
    await seen.client.create(pod("a"))
    await seen.until(lambda: ready(seen) == {"a"}, "an endpoint")

    async def move(zone: str) -> None:
        patch = {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}
        await seen.client.patch(node_pb2.Node, "n1", patch=patch)

    def told() -> list[tuple[str, list[str]]]:
        found = [endpoint for one in slices(seen) for endpoint in one.endpoints]
        return [(one.zone, [zone.name for zone in one.hints.forZones]) for one in found]

    await move("west")
    await seen.until(lambda: told() == [("west", ["west"])], "the zone")
    await move("east")
    await seen.until(lambda: told() == [("east", ["east"])], "the other zone")
    patch = {"spec": {"trafficDistribution": None}}
    await seen.client.patch(service_pb2.Service, "web", "default", patch=patch)
    await seen.until(lambda: told() == [("east", [])], "no hints any more")
