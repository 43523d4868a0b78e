from __future__ import annotations

import pytest

from master.apiserver.rpc.routes import ROUTES, SCHEDULER
from podlab.errors import BadRequest
from podlab.v1 import dns_pb2, images_pb2, kubelet_pb2, proxy_pb2, scheduler_pb2


def test_every_method_of_every_relayed_service_has_a_route() -> None:
    files = tuple(each.DESCRIPTOR for each in (dns_pb2, images_pb2, kubelet_pb2, proxy_pb2, scheduler_pb2))
    declared = {
        service.full_name: {method.name: method.input_type.full_name for method in service.methods}
        for file in files
        for service in file.services_by_name.values()
    }
    routed = {
        service: {name: route.request.DESCRIPTOR.full_name for name, route in routes.items()}
        for service, routes in ROUTES.items()
    }
    assert routed == declared


def test_a_request_that_says_nothing_or_is_none_is_refused() -> None:
    route = ROUTES[SCHEDULER]["Explain"]
    for first in (b"", b"\xff\xff", scheduler_pb2.ExplainRequest(name="web").SerializeToString()):
        with pytest.raises(BadRequest):
            route.parse(first)
