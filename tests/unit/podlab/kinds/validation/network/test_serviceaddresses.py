"""Networks and addresses of Services."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR


def networks(*cidrs: str) -> Any:
    return sample(kinds.of(ServiceCIDR), {"spec": {"cidrs": list(cidrs)}})


def address(name: str = "192.0.2.7", **parent: Any) -> Any:
    return sample(kinds.of(IPAddress), {"metadata": {"name": name}, "spec": {"parentRef": parent}})


BAD = [
    (networks(), "spec.cidrs: Required value: at least one CIDR required"),
    (networks("10.0.0.0/24", "10.1.0.0/24", "fd00::/64"), "may only hold up to 2 values"),
    (networks("10.0.0.0/24", "10.1.0.0/24"), "may specify no more than one IP for each IP family"),
    (networks("10.0.0.0/244"), 'spec.cidrs[0]: Invalid value: "10.0.0.0/244": must be a valid CIDR value'),
    (address("web"), 'metadata.name: Invalid value: "web": must be a valid IP address'),
    (address("2001:DB8::1"), 'must be in canonical form ("2001:db8::1")'),
    (address(resource=""), "spec.parentRef.resource: Required value"),
    (
        sample(kinds.of(IPAddress), {"spec": {"parentRef": {"name": "a/b"}}}),
        "spec.parentRef.name: Invalid value: \"a/b\": may not contain '/'",
    ),
    (sample(kinds.of(IPAddress), {"spec": {"parentRef": None}}), "spec.parentRef: Required value"),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


@pytest.mark.parametrize("given", [networks("10.0.0.0/24", "fd00::/64"), address(), address("2001:db8::1")])
def test_what_is_right_is_taken(given: Any) -> None:
    assert builtin_kinds.validate_create(given) == ()


def test_networks_and_owners_stay() -> None:
    (cause,) = builtin_kinds.validate_update(networks("10.1.0.0/24"), networks("10.0.0.0/24"))
    assert cause.field == "spec.cidrs[0]"
    assert builtin_kinds.validate_update(networks("10.0.0.0/24", "fd00::/112"), networks("10.0.0.0/24")) == ()
    (cause,) = builtin_kinds.validate_update(address(resource="gateways"), address())
    assert cause.field == "spec.parentRef"
