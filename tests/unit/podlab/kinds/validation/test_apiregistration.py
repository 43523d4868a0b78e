"""Who serves a group version: what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.apiregistration.v1.apiservice_pb2 import APIService

KIND = kinds.of(APIService)


def service(name: str = "v1.sample.example.com", **spec: Any) -> Any:
    made = sample(KIND, {"metadata": {"name": name}, "spec": spec})
    builtin_kinds.apply_defaults(made)
    return made


BAD = [
    (
        service("v2.sample.example.com"),
        'metadata.name: Invalid value: "v2.sample.example.com": '
        'must be `spec.version+"."+spec.group`: "v1.sample.example.com"',
    ),
    (
        service("v2.", group="", version="v2"),
        "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
    ),
    (service("v1.A", group="A"), 'spec.group: Invalid value: "A": a lowercase RFC 1123 subdomain'),
    (service("1.sample.example.com", version="1"), 'spec.version: Invalid value: "1": a DNS-1035 label'),
    (
        service(groupPriorityMinimum=0),
        "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
    ),
    (
        service(groupPriorityMinimum=20001),
        "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
    ),
    (service(versionPriority=1001), "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000"),
    (
        service(service=None, caBundle="eHg="),
        'spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle',
    ),
    (
        service(service=None, insecureSkipTLSVerify=True),
        "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
    ),
    (service(service={"namespace": ""}), "spec.service.namespace: Required value"),
    (service(service={"name": ""}), "spec.service.name: Required value"),
    (
        service(caBundle="eHg=", insecureSkipTLSVerify=True),
        "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
    ),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_said(given: Any, told: str) -> None:
    causes = builtin_kinds.validate_create(given)
    assert any(str(cause).startswith(told) for cause in causes), [str(cause) for cause in causes]


GOOD = [
    service(),
    service("v1.", group="", service=None),
    service(groupPriorityMinimum=20000, versionPriority=1000),
    service(caBundle="eHg="),
]


@pytest.mark.parametrize("given", GOOD, ids=lambda given: given.metadata.name)
def test_what_is_right_is_taken(given: Any) -> None:
    assert not builtin_kinds.validate_create(given)


def test_a_service_listens_on_443_when_nothing_is_said() -> None:
    assert service().spec.service.port == 443
    assert service(service={"port": 8443}).spec.service.port == 8443


def test_a_status_is_true_false_or_unknown() -> None:
    given = service()
    given.status.conditions.add(type="Available", status="maybe")
    (cause,) = builtin_kinds.validate_create(given)
    assert str(cause) == (
        'status.conditions[0].status: Unsupported value: "maybe": supported values: "True", "False", "Unknown"'
    )
