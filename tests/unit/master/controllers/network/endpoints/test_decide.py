"""The Endpoints of a Service's pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.network.endpoints.decide import (
    CAPACITY,
    OVER_CAPACITY,
    wanted,
)
from podlab.core.v1 import endpoints_pb2, service_pb2

Builder = Callable[..., Any]


def service(**spec: Any) -> service_pb2.Service:
    made = service_pb2.Service(spec=service_pb2.ServiceSpec(**{"selector": {"app": "web"}, **spec}))
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "uid-svc"
    made.metadata.labels["team"] = "a"
    made.spec.ports.add(name="http", port=80, protocol="TCP").targetPort.intVal = 8080
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
