"""An APIService, checked as Kubernetes checks it, and told in its words.

Source: https://github.com/kubernetes/kube-aggregator/blob/master/pkg/apis/apiregistration/validation/validation.go
"""

from __future__ import annotations

from typing import Final

from podlab.apiregistration.v1.apiservice_pb2 import APIService, APIServiceSpec
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_STATUSES: Final = ("True", "False", "Unknown")
_MOST_GROUP_PRIORITY: Final = 20_000
_MOST_VERSION_PRIORITY: Final = 1000


def check(found: Findings, service: APIService) -> None:
    """An APIService, whichever way it comes."""
    spec = service.spec
    if service.metadata.name and service.metadata.name != (wanted := f"{spec.version}.{spec.group}"):
        found.invalid("metadata.name", service.metadata.name, f'must be `spec.version+"."+spec.group`: "{wanted}"')
    if spec.group:
        found.invalid("spec.group", spec.group, *syntax.subdomain(spec.group))
    elif spec.version != "v1":
        found.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    found.invalid("spec.version", spec.version, *syntax.label_1035(spec.version))
    if not 0 < spec.groupPriorityMinimum <= _MOST_GROUP_PRIORITY:
        detail = f"must be positive and less than {_MOST_GROUP_PRIORITY}"
        found.invalid("spec.groupPriorityMinimum", spec.groupPriorityMinimum, detail)
    if not 0 < spec.versionPriority <= _MOST_VERSION_PRIORITY:
        detail = f"must be positive and less than {_MOST_VERSION_PRIORITY}"
        found.invalid("spec.versionPriority", spec.versionPriority, detail)
    if spec.HasField("service"):
        _check_remote(found, spec)
    else:
        _check_local(found, spec)


def check_status(found: Findings, service: APIService) -> None:
    """What is known of it."""
    for index, condition in enumerate(service.status.conditions):
        if condition.status not in _STATUSES:
            found.unsupported(f"status.conditions[{index}].status", condition.status, _STATUSES)


def _check_local(found: Findings, spec: APIServiceSpec) -> None:
    if spec.caBundle:
        found.invalid("spec.caBundle", f"{len(spec.caBundle)} bytes", "local APIServices may not have a caBundle")
    if spec.insecureSkipTLSVerify:
        detail = "local APIServices may not have insecureSkipTLSVerify"
        found.invalid("spec.insecureSkipTLSVerify", True, detail)


def _check_remote(found: Findings, spec: APIServiceSpec) -> None:
    if not spec.service.namespace:
        found.required("spec.service.namespace")
    if not spec.service.name:
        found.required("spec.service.name")
    if spec.insecureSkipTLSVerify and spec.caBundle:
        found.invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present")
