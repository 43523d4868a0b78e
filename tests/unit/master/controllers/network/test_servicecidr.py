from __future__ import annotations

import pytest

from master.controllers.network.servicecidr import may_go
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR


def cidr(*networks: str) -> ServiceCIDR:
    made = ServiceCIDR()
    made.spec.cidrs.extend(networks)
    return made


def address(name: str, *, given: bool = True) -> IPAddress:
    labels = {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" if given else "me"}
    return IPAddress(metadata=ObjectMeta(name=name, labels=labels))


SMALL, WIDE, OTHER = "10.9.0.0/28", "10.9.0.0/24", "10.8.0.0/28"
CASES = {
    "no addresses": ([], [], True),
    "an address": ([], [address("10.9.0.3")], False),
    "an address of another network": ([cidr(OTHER)], [address("10.8.0.3")], True),
    "an address that is also in a wider network": ([cidr(WIDE)], [address("10.9.0.3")], True),
    "an address that is also in a twin": ([cidr(SMALL)], [address("10.9.0.3")], True),
    "an address that is also in a smaller network": ([cidr("10.9.0.0/29")], [address("10.9.0.3")], True),
    "an address that is not in the smaller network": ([cidr("10.9.0.0/29")], [address("10.9.0.9")], False),
    "an address that somebody else made": ([], [address("10.9.0.3", given=False)], True),
    "networks of the other family": ([cidr("fd00::/112")], [address("10.9.0.3"), address("fd00::3")], False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_network_may_go_when_no_address_is_in_it_alone(name: str) -> None:
    others, addresses, may = CASES[name]
    assert may_go(cidr(SMALL), others, addresses) is may
