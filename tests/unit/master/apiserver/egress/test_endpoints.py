"""Who answers for a Service."""

from __future__ import annotations

import pytest

from master.apiserver.egress import endpoints
from master.apiserver.egress.destinations import Address, Backend, PodPort
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import ServiceUnavailable
from podlab.meta.v1.meta_pb2 import ObjectMeta


def service(**ports: int) -> Service:
    made = Service(metadata=ObjectMeta(name="web", namespace="default"))
    for name, port in ports.items():
        made.spec.ports.add(name=name.strip("_"), port=port)
    return made


def a_slice(
    *pods: str, port: int = 8080, name: str = "", ready: bool | None = True, protocol: str = "TCP", family: str = "IPv4"
) -> EndpointSlice:
    made = EndpointSlice(metadata=ObjectMeta(name="s", namespace="default"), addressType=family)
    made.ports.add(name=name, port=port, protocol=protocol)
    for pod in pods:
        endpoint = made.endpoints.add(addresses=["10.0.0.1"])
        if ready is not None:
            endpoint.conditions.ready = ready
        if not pod.startswith("at-"):
            endpoint.targetRef.kind, endpoint.targetRef.name = "Pod", pod
    return made


@pytest.mark.parametrize(
    ("of", "port", "name"),
    [
        (service(a=80, b=443), 443, "b"),
        (service(_=80), 80, ""),
        (service(a=80), "a", "a"),
        (service(a=80), "", ""),
        (service(a=80), "nobody", "nobody"),
    ],
)
def test_a_port_is_known_to_slices_by_its_name(of: Service, port: int | str, name: str) -> None:
    assert endpoints.port_name(of, port) == name


def test_a_port_that_there_is_not_is_refused() -> None:
    with pytest.raises(ServiceUnavailable, match='no service port 81 found for service "web"'):
        endpoints.port_name(service(a=80), 81)


@pytest.mark.parametrize(
    ("slices", "name", "wanted"),
    [
        ([], "", []),
        ([a_slice("p", "q")], "", [PodPort("default", "p", 8080), PodPort("default", "q", 8080)]),
        ([a_slice("p", name="a"), a_slice("q", name="b")], "b", [PodPort("default", "q", 8080)]),
        ([a_slice("p", ready=False), a_slice("q", ready=None)], "", [PodPort("default", "q", 8080)]),
        ([a_slice("p", protocol="UDP")], "", []),
        ([a_slice("at-home")], "", [Address("10.0.0.1", 8080)]),
        ([a_slice("at-home", family="FQDN")], "", []),
    ],
    ids=["none", "of one slice", "of the port", "ready or unsaid", "of TCP", "no pod", "no names"],
)
def test_the_ready_ones_of_the_port_answer(slices: list[EndpointSlice], name: str, wanted: list[Backend]) -> None:
    assert endpoints.ready(slices, name) == wanted
