"""The Endpoints of a Service's pods, and the slices of Endpoints that others write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from master.controllers.endpoints.decide import CAPACITY, OVER_CAPACITY, is_mirrored, mirror_owner, mirrored, wanted
from master.controllers.endpointslice.decide import decide
from podlab.core.v1 import endpoints_pb2, service_pb2

Builder = Callable[..., Any]


def service(**spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(spec=service_pb2.ServiceSpec(**{"selector": {"app": "web"}, **spec}))
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "uid-svc"
    made.metadata.labels["team"] = "a"
    made.spec.ports.add(name="http", port=80, protocol="TCP").targetPort.intVal = 8080
    return made


def endpoints(*subsets: dict[str, Any], **labels: str) -> endpoints_pb2.Endpoints:
    made = json_format.ParseDict({"subsets": subsets}, endpoints_pb2.Endpoints())
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "uid-ep"
    made.metadata.labels.update(labels)
    return made


def ips(made: endpoints_pb2.Endpoints) -> tuple[list[str], list[str]]:
    return (
        [one.ip for subset in made.subsets for one in subset.addresses],
        [one.ip for subset in made.subsets for one in subset.notReadyAddresses],
    )


@pytest.mark.parametrize(
    ("looks", "publish", "expected"),
    [
        pytest.param({}, False, (["10.0.0.1"], []), id="ready"),
        pytest.param({"ready": False}, False, ([], ["10.0.0.1"]), id="not ready"),
        pytest.param({"ready": False}, True, (["10.0.0.1"], []), id="not ready and published"),
        pytest.param({"going": True}, False, ([], []), id="going"),
        pytest.param({"going": True}, True, (["10.0.0.1"], []), id="going and published"),
        pytest.param({"phase": "Succeeded"}, True, ([], []), id="ended"),
    ],
)
def test_addresses_are_of_pods_that_answer_or_will(
    pod: Builder, looks: dict[str, Any], publish: bool, expected: tuple[list[str], list[str]]
) -> None:
    made = wanted(service(publishNotReadyAddresses=publish), [pod(ip="10.0.0.1", **looks)], None)
    assert ips(made) == expected


def test_an_address_tells_its_pod_and_its_node(pod: Builder) -> None:
    one = pod("web-0", ip="10.0.0.1")
    one.spec.hostname, one.spec.subdomain = "web-0", "web"
    made = wanted(service(), [one], None)
    (subset,) = made.subsets
    (address,) = subset.addresses
    assert (address.targetRef.kind, address.targetRef.name, address.nodeName) == ("Pod", "web-0", "n1")
    assert address.hostname == "web-0"
    assert [(port.name, port.port, port.protocol) for port in subset.ports] == [("http", 8080, "TCP")]
    assert dict(made.metadata.labels) == {"team": "a"}


def test_pods_with_other_ports_are_another_subset(pod: Builder) -> None:
    named = service()
    named.spec.ports[0].targetPort.type, named.spec.ports[0].targetPort.strVal = 1, "http"
    pods = [pod(ip=f"10.0.0.{number}") for number in range(4)]
    for number, one in enumerate(pods[:3]):
        one.spec.containers[0].ports.add(name="http", containerPort=8080 + number % 2)
    made = wanted(named, pods, None)
    assert [([one.ip for one in subset.addresses], subset.ports[0].port) for subset in made.subsets] == [
        (["10.0.0.0", "10.0.0.2"], 8080),
        (["10.0.0.1"], 8081),
    ]


def test_nothing_changes_when_pods_come_in_another_order(pod: Builder) -> None:
    pods = [pod(ip=f"10.0.0.{number}") for number in range(5)]
    made = wanted(service(), pods, None)
    assert wanted(service(), reversed(pods), made) == made


def test_more_than_it_may_hold_is_cut_and_that_is_told(pod: Builder) -> None:
    pods = [pod(ip=f"10.{number // 250}.0.{number % 250}", ready=number >= 10) for number in range(CAPACITY + 10)]
    made = wanted(service(), pods, None)
    ready, others = ips(made)
    assert (len(ready), len(others)) == (CAPACITY, 0)
    assert made.metadata.annotations[OVER_CAPACITY] == "truncated"
    fewer = wanted(service(), pods[:20], made)
    assert OVER_CAPACITY not in fewer.metadata.annotations


@pytest.mark.parametrize(
    ("of", "labels", "expected"),
    [
        pytest.param(service(selector={}), {}, True, id="a Service that selects nothing"),
        pytest.param(service(), {}, False, id="a Service that selects pods"),
        pytest.param(service(selector={}, type="ExternalName"), {}, False, id="a name elsewhere"),
        pytest.param(None, {}, False, id="no Service"),
        pytest.param(
            service(selector={}), {"endpointslice.kubernetes.io/skip-mirror": "true"}, False, id="not to be mirrored"
        ),
    ],
)
def test_endpoints_of_services_without_selector_are_mirrored(
    of: service_pb2.Service | None, labels: dict[str, str], expected: bool
) -> None:
    assert is_mirrored(endpoints(**labels), of) == expected


def test_a_mirror_holds_each_address_once_with_its_readiness() -> None:
    source = endpoints(
        {
            "addresses": [{"ip": "192.0.2.1", "hostname": "a"}, {"ip": "192.0.2.1"}],
            "notReadyAddresses": [{"ip": "192.0.2.2", "nodeName": "n1"}],
            "ports": [{"name": "db", "port": 5432}],
        },
        {"addresses": [{"ip": "192.0.2.3"}], "ports": [{"name": "db", "port": 5433}]},
        tier="data",
    )
    plan = decide(mirror_owner(source), mirrored(source), [])
    first, second = plan.create
    assert [(one.addresses[0], one.conditions.ready) for one in first.endpoints] == [
        ("192.0.2.1", True),
        ("192.0.2.2", False),
    ]
    assert (first.endpoints[0].hostname, first.endpoints[1].nodeName) == ("a", "n1")
    assert [(one.port, one.protocol) for one in second.ports] == [(5433, "TCP")]
    assert dict(first.metadata.labels) == {
        "tier": "data",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert [(one.kind, one.uid) for one in first.metadata.ownerReferences] == [("Endpoints", "uid-ep")]
    again = decide(mirror_owner(source), mirrored(source), plan.create)
    assert (again.create, again.update, again.delete) == ([], [], [])
