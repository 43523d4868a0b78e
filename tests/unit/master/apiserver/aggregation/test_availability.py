"""What shows of a server before it is asked, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from master.apiserver.aggregation import availability
from podlab.apiregistration.v1.apiservice_pb2 import APIServiceCondition, ServiceReference
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import Time

NOW = Time(seconds=1)
TO = ServiceReference(namespace="shop", name="api", port=443)


def service(port: int = 443, **spec: Any) -> Service:
    return Service(spec={"ports": [{"name": "https", "port": port}], **spec})


def slice_(ready: bool | None = True, port: str = "https") -> EndpointSlice:
    made = EndpointSlice(endpoints=[{"addresses": ["10.0.0.1"]}], ports=[{"name": port, "port": 8443}])
    if ready is not None:
        made.endpoints[0].conditions.ready = ready
    return made


CASES: list[tuple[Service | None, list[EndpointSlice], tuple[str, str] | None]] = [
    (None, [], ("ServiceNotFound", 'service/api in "shop" is not present')),
    (service(8443), [slice_()], ("ServicePortError", 'service/api in "shop" is not listening on port 443')),
    (service(), [], ("EndpointsNotFound", 'cannot find endpointslices for service/api in "shop"')),
    (
        service(),
        [slice_(ready=False), slice_(port="other")],
        ("MissingEndpoints", 'endpointslices for service/api in "shop" have no addresses with port name "https"'),
    ),
    (service(), [slice_(ready=False), slice_()], None),
    (service(), [slice_(ready=None)], None),
    (service(8443, type="ExternalName"), [], None),
]


@pytest.mark.parametrize(("found", "slices", "told"), CASES)
def test_what_keeps_a_server_from_being_reached_is_said(
    found: Service | None, slices: list[EndpointSlice], told: tuple[str, str] | None
) -> None:
    said = availability.unreachable(TO, found, slices, NOW)
    assert (None if said is None else (said.reason, said.message)) == told
    assert said is None or said.status == "False"


def test_what_is_answered_here_is_always_available() -> None:
    assert availability.local(NOW) == APIServiceCondition(
        type="Available",
        status="True",
        reason="Local",
        message="Local APIServices are always available",
        lastTransitionTime=NOW,
    )
