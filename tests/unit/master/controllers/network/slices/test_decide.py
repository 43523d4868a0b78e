"""Slices and the fewest writes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.network.slices.decide import (
    MANAGER,
    MAX_ENDPOINTS,
    SliceChanges,
    decide,
    is_managed_by,
    service_owner,
)
from master.controllers.network.slices.endpoints import is_managed, ports_of, relevant, wanted
from podlab.core.v1 import pod_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.meta.v1 import meta_pb2

Builder = Callable[..., Any]
Slices = dict[str, endpointslice_pb2.EndpointSlice]


def service(**spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(spec=service_pb2.ServiceSpec(**{"selector": {"app": "web"}, **spec}))
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "uid-svc"
    made.spec.ports.add(name="http", port=80, protocol="TCP").targetPort.intVal = 8080
    return made


def plan_of(of: service_pb2.Service, pods: Iterable[pod_pb2.Pod], slices: Slices) -> SliceChanges:
    return decide(service_owner(of), wanted(of, pods), slices.values())


def carried_out(slices: Slices, plan: SliceChanges) -> None:
    for one in (*plan.create, *plan.update):
        slices[one.metadata.name] = one
    for one in plan.delete:
        del slices[one.metadata.name]


def uids(slices: Slices) -> list[str]:
    return sorted(endpoint.targetRef.uid for one in slices.values() for endpoint in one.endpoints)


def test_nothing_is_written_when_the_slices_are_right(pod: Builder) -> None:
    slices: Slices = {}
    pods = [pod() for _ in range(3)]
    carried_out(slices, plan_of(service(), pods, slices))
    assert plan_of(service(), reversed(pods), slices) == SliceChanges()


@pytest.mark.parametrize(
    ("looks", "publish", "expected"),
    [
        pytest.param({}, False, (True, True, False), id="ready"),
        pytest.param({"ready": False}, False, (False, False, False), id="not ready"),
        pytest.param({"ready": False}, True, (True, False, False), id="not ready and published"),
        pytest.param({"going": True}, False, (False, True, True), id="going and still serving"),
        pytest.param({"going": True, "ready": False}, False, (False, False, True), id="going"),
    ],
)
def test_conditions_tell_what_a_pod_can_do(
    pod: Builder, looks: dict[str, Any], publish: bool, expected: tuple[bool, bool, bool]
) -> None:
    (endpoints,) = wanted(service(publishNotReadyAddresses=publish), [pod(**looks)])["IPv4"].values()
    told = endpoints[0].conditions
    assert (told.ready, told.serving, told.terminating) == expected


def test_pods_without_an_address_and_pods_that_ended_have_no_endpoint(pod: Builder) -> None:
    waiting = pod()
    waiting.status.podIP = ""
    assert wanted(service(), [waiting, pod(phase="Failed"), pod(phase="Succeeded")]) == {"IPv4": {}}


def test_a_named_port_is_what_each_pod_says_it_is(pod: Builder) -> None:
    named = service()
    named.spec.ports[0].targetPort.CopyFrom(meta_pb2.IntOrString(type=1, strVal="web"))
    first, second, nameless = pod(), pod(), pod()
    first.spec.containers[0].ports.add(name="web", containerPort=8080, protocol="TCP")
    second.spec.containers[0].ports.add(name="web", containerPort=9090)
    assert [port.port for port in ports_of(named, first)] == [8080]
    assert ports_of(named, nameless) == ()
    plan = plan_of(named, [first, second], {})
    assert sorted(port.port for one in plan.create for port in one.ports) == [8080, 9090]


def test_a_headless_service_has_slices_without_needing_ports(pod: Builder) -> None:
    headless = service(clusterIP="None")
    del headless.spec.ports[:]
    named = pod()
    named.spec.hostname, named.spec.subdomain = "first", "web"
    (made,) = plan_of(headless, [named], {}).create
    assert made.metadata.labels["service.kubernetes.io/headless"] == ""
    assert made.endpoints[0].hostname == "first"
    assert not made.ports


@pytest.mark.parametrize(
    ("distribution", "looks", "zone", "expected"),
    [
        # the zone, and the zones that it is meant for
        pytest.param("", {}, "a", ("a", []), id="a zone is told"),
        pytest.param("PreferClose", {}, "a", ("a", ["a"]), id="and meant for, where close ones are preferred"),
        pytest.param("PreferClose", {"ready": False}, "a", ("a", []), id="but for one that is not ready"),
        pytest.param("PreferClose", {"going": True}, "a", ("a", []), id="or that goes"),
        pytest.param("PreferClose", {}, "", ("", []), id="a node in no zone"),
    ],
)
def test_zones_are_told(
    pod: Builder, distribution: str, looks: dict[str, Any], zone: str, expected: tuple[str, list[str]]
) -> None:
    close = service(trafficDistribution=distribution) if distribution else service()
    (endpoints,) = wanted(close, [pod(node="n7", **looks)], {"n7": zone}.__getitem__)["IPv4"].values()
    assert (endpoints[0].zone, [one.name for one in endpoints[0].hints.forZones]) == expected
    assert endpoints[0].HasField("hints") == bool(expected[1])


@pytest.mark.parametrize(
    ("looks", "zone", "expected"),
    [
        pytest.param({"node": "n7"}, "a", (["n7"], ["a"]), id="the node, and its zone for the others there"),
        pytest.param({"node": "n7"}, "", (["n7"], []), id="a node in no zone"),
        pytest.param({"node": "n7", "ready": False}, "a", ([], []), id="not for one that is not ready"),
    ],
)
def test_an_endpoint_is_meant_for_its_node_where_that_is_preferred(
    pod: Builder, looks: dict[str, Any], zone: str, expected: tuple[list[str], list[str]]
) -> None:
    near = service(trafficDistribution="PreferSameNode")
    (endpoints,) = wanted(near, [pod(**looks)], lambda node: zone)["IPv4"].values()
    hints = endpoints[0].hints
    assert ([one.name for one in hints.forNodes], [one.name for one in hints.forZones]) == expected


def test_a_change_of_readiness_writes_one_slice_only(pod: Builder) -> None:
    slices: Slices = {}
    pods = [pod() for _ in range(2 * MAX_ENDPOINTS + 5)]
    carried_out(slices, plan_of(service(), pods, slices))
    assert sorted(len(one.endpoints) for one in slices.values()) == [5, MAX_ENDPOINTS, MAX_ENDPOINTS]
    pods[0].status.conditions[0].status = "False"
    plan = plan_of(service(), pods, slices)
    assert (len(plan.create), len(plan.update), len(plan.delete)) == (0, 1, 0)


def test_the_last_endpoint_leaves_an_empty_slice(pod: Builder) -> None:
    slices: Slices = {}
    carried_out(slices, plan_of(service(), [pod()], slices))
    carried_out(slices, plan_of(service(), [], slices))
    (empty,) = slices.values()
    assert not empty.endpoints
    assert plan_of(service(), [], slices) == SliceChanges()


def test_the_services_labels_come_along_and_those_of_slices_stay_ours(pod: Builder) -> None:
    labelled = service()
    labelled.metadata.labels.update({"tier": "front", "kubernetes.io/service-name": "other"})
    (made,) = plan_of(labelled, [pod()], {}).create
    assert made.metadata.labels["tier"] == "front"
    assert made.metadata.labels["kubernetes.io/service-name"] == "web"
    assert is_managed_by(made, MANAGER)
    del made.metadata.labels["endpointslice.kubernetes.io/managed-by"]
    assert not is_managed_by(made, MANAGER)


def test_services_without_a_selector_and_services_that_go_are_left_alone() -> None:
    going = service()
    going.metadata.deletionTimestamp.seconds = 1
    assert is_managed(service())
    assert not is_managed(service(selector={}))
    assert not is_managed(service(type="ExternalName"))
    assert not is_managed(going)


def test_what_does_not_show_in_endpoints_is_no_change(pod: Builder) -> None:
    before = pod(app="web")
    after = pod_pb2.Pod()
    after.CopyFrom(before)
    after.status.containerStatuses.add(name="main", restartCount=3)
    assert relevant(before) == relevant(after)
    after.status.podIP = "10.244.9.9"
    assert relevant(before) != relevant(after)


@settings(max_examples=60)
@given(st.lists(st.sets(st.integers(0, 349), max_size=350), min_size=1, max_size=5))
def test_slices_hold_every_pod_once_and_are_never_too_full(pod: Any, generations: list[set[int]]) -> None:
    everyone = [pod(ready=number % 3 > 0) for number in range(350)]
    slices: Slices = {}
    for chosen in generations:
        pods = [everyone[number] for number in chosen]
        carried_out(slices, plan_of(service(), pods, slices))
        assert uids(slices) == sorted(one.metadata.uid for one in pods)
        assert all(len(one.endpoints) <= MAX_ENDPOINTS for one in slices.values())
        assert plan_of(service(), pods, slices) == SliceChanges()


def test_a_service_of_both_families_has_slices_of_each_and_none_of_one_that_it_gave_up(pod: Builder) -> None:
    both, slices = service(ipFamilies=["IPv4", "IPv6"]), dict[str, endpointslice_pb2.EndpointSlice]()
    dual, single = pod(), pod()
    dual.status.podIPs.add(ip=dual.status.podIP)
    dual.status.podIPs.add(ip="fd00:10:244::7")
    carried_out(slices, plan_of(both, [dual, single], slices))
    assert {one.addressType: sorted(end.addresses[0] for end in one.endpoints) for one in slices.values()} == {
        "IPv4": sorted([dual.status.podIP, single.status.podIP]),
        "IPv6": ["fd00:10:244::7"],
    }
    assert plan_of(both, [dual, single], slices) == SliceChanges()
    carried_out(slices, plan_of(service(ipFamilies=["IPv6"]), [dual, single], slices))
    assert [one.addressType for one in slices.values()] == ["IPv6"]
