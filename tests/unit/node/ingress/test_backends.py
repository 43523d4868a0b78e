"""Which endpoints stand behind what an Ingress names."""

from __future__ import annotations

import pytest
from podlab_testing.ingresses import NAMESPACE, endpoint, service, slice_of

from node.ingress.backends import Backend, resolve
from node.ingress.routes import ServicePort

BY_NUMBER, BY_NAME = ServicePort(NAMESPACE, "web", "80"), ServicePort(NAMESPACE, "web", "http")


@pytest.mark.parametrize("wanted", [BY_NUMBER, BY_NAME])
def test_a_port_is_found_by_number_and_by_name(wanted: ServicePort) -> None:
    slices = [slice_of("web", 8080, endpoint("10.244.0.6"), endpoint("10.244.0.5", ready=True))]
    assert resolve(wanted, service("web"), slices) == Backend(wanted, (("10.244.0.5", 8080), ("10.244.0.6", 8080)))


def test_those_that_end_are_asked_only_when_nobody_else_is_left() -> None:
    ending = endpoint("10.244.0.5", ready=False, serving=True, terminating=True)
    gone = endpoint("10.244.0.6", ready=False, serving=False, terminating=True)
    starting = endpoint("10.244.0.7", ready=False, serving=False)
    ready = endpoint("10.244.0.8", ready=True)

    def chosen(*endpoints: object) -> list[str]:
        found = resolve(BY_NUMBER, service("web"), [slice_of("web", 80, *endpoints)])  # type: ignore[arg-type]
        return [address for address, _ in found.endpoints]

    assert chosen(ending, gone, starting, ready) == ["10.244.0.8"]
    assert chosen(ending, gone, starting) == ["10.244.0.5"]
    assert chosen(gone, starting) == []


def test_what_is_not_there_or_cannot_be_served_is_told() -> None:
    elsewhere = service("web")
    elsewhere.spec.type = "ExternalName"
    faults = [
        resolve(BY_NUMBER, None, []).fault,
        resolve(ServicePort(NAMESPACE, "web", "admin"), service("web"), []).fault,
        resolve(BY_NUMBER, service("web", protocol="UDP"), []).fault,
        resolve(BY_NUMBER, elsewhere, []).fault,
    ]
    assert [fault and fault[0] for fault in faults] == [
        "ServiceNotFound",
        "PortNotFound",
        "PortNotFound",
        "ExternalName",
    ]
    assert faults[1] is not None
    assert "has no TCP port admin, but 80 (http)" in faults[1][1]


@pytest.mark.parametrize(
    ("said", "spoken"),
    [("kubernetes.io/h2c", "h2c"), ("https", "https"), ("kubernetes.io/ws", "http"), ("http", "http"), ("", "http")],
)
def test_a_port_says_what_its_pods_speak(said: str, spoken: str) -> None:
    assert resolve(BY_NUMBER, service("web", appProtocol=said), []).spoken == spoken


def test_of_two_families_the_service_s_first_is_asked() -> None:
    both = service("web")
    both.spec.ipFamilies.extend(["IPv6", "IPv4"])
    slices = [slice_of("web", 80, endpoint("10.244.0.5")), slice_of("web", 80, endpoint("fd00::5"), family="IPv6")]
    assert resolve(BY_NUMBER, both, slices).endpoints == (("fd00::5", 80),)
