"""The slices of Endpoints that others write."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from master.controllers.network.endpointslicemirroring.decide import is_mirrored, mirror_owner, mirrored
from master.controllers.network.slices.decide import decide
from podlab.core.v1 import endpoints_pb2, service_pb2


def service(**spec: Any) -> service_pb2.Service:
    return service_pb2.Service(spec=service_pb2.ServiceSpec(**{"selector": {"app": "web"}, **spec}))


def endpoints(*subsets: dict[str, Any], **labels: str) -> endpoints_pb2.Endpoints:
    made = json_format.ParseDict({"subsets": subsets}, endpoints_pb2.Endpoints())
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", "uid-ep"
    made.metadata.labels.update(labels)
    return made


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
