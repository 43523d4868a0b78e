import pytest
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, service

from node.proxy import trimmed
from node.proxy.frontends import exposure_of
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR, zone="a")


@pytest.mark.parametrize("number", range(6))
def test_what_is_kept_is_exposed_as_the_whole_is(number: int) -> None:
    whole, found = service(number), endpoint_slice(number, 3)
    found.endpoints[0].conditions.ready = number % 2 == 0
    for end in found.endpoints:
        end.hints.forZones.add(name="a" if number else "b")
    wanted = exposure_of(whole, [found], NODE)
    assert wanted.frontends
    assert exposure_of(trimmed.service(whole), [trimmed.endpoint_slice(found)], NODE) == wanted


def test_a_slice_is_known_by_its_service() -> None:
    assert trimmed.service_name(trimmed.endpoint_slice(endpoint_slice(7, 1))) == "s7"
