"""Environment variables of containers and where their values come from."""

import re
from collections.abc import Iterable

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.resources import check_quantity

_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


def check_env(found: Findings, field: str, variables: Iterable[pod_pb2.EnvVar]) -> None:
    """Names and sources of variables."""
    for index, variable in enumerate(variables):
        where = f"{field}[{index}]"
        if not variable.name:
            found.required(f"{where}.name")
        else:
            found.invalid(f"{where}.name", variable.name, *syntax.environment_name(variable.name))
        if variable.HasField("valueFrom"):
            _check_source(found, f"{where}.valueFrom", variable)


def check_env_from(found: Findings, field: str, sources: Iterable[pod_pb2.EnvFromSource]) -> None:
    """Whole ConfigMaps and Secrets as variables."""
    for index, source in enumerate(sources):
        where = f"{field}[{index}]"
        if source.prefix:
            found.invalid(f"{where}.prefix", source.prefix, *syntax.environment_name(source.prefix))
        given = [name for name in ("configMapRef", "secretRef") if source.HasField(name)]
        if not given:
            found.invalid(where, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            found.invalid(where, "", "may not have more than one field specified at a time")
        if source.HasField("configMapRef") and not source.configMapRef.localObjectReference.name:
            found.required(f"{where}.configMapRef.name")
        if source.HasField("secretRef") and not source.secretRef.localObjectReference.name:
            found.required(f"{where}.secretRef.name")


def check_field(found: Findings, field: str, selector: pod_pb2.ObjectFieldSelector, supported: Iterable[str]) -> None:
    """A field of the pod; one label or annotation besides those that are listed."""
    found.one_of(f"{field}.apiVersion", selector.apiVersion, ("v1",))
    subscript = _SUBSCRIPT.fullmatch(selector.fieldPath)
    if subscript is None:
        found.one_of(f"{field}.fieldPath", selector.fieldPath, supported)
    else:
        found.invalid(f"{field}.fieldPath", subscript[2], *syntax.qualified_name(subscript[2]))


def check_resource(found: Findings, field: str, selector: pod_pb2.ResourceFieldSelector) -> None:
    """A container's limit or request."""
    found.one_of(f"{field}.resource", selector.resource, _RESOURCES)
    if selector.HasField("divisor"):
        check_quantity(found, f"{field}.divisor", selector.divisor)


def _check_source(found: Findings, field: str, variable: pod_pb2.EnvVar) -> None:
    source = variable.valueFrom
    given = [descriptor.name for descriptor, _ in source.ListFields()]
    if variable.value:
        found.invalid(field, "", "may not be specified when `value` is not empty")
    if not given:
        found.invalid(
            field,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        )
    elif len(given) > 1:
        found.invalid(field, "", "may not have more than one field specified at a time")
    if source.HasField("fieldRef"):
        check_field(found, f"{field}.fieldRef", source.fieldRef, _FIELDS)
    if source.HasField("resourceFieldRef"):
        check_resource(found, f"{field}.resourceFieldRef", source.resourceFieldRef)
    if source.HasField("configMapKeyRef"):
        _check_key(found, f"{field}.configMapKeyRef", source.configMapKeyRef)
    if source.HasField("secretKeyRef"):
        _check_key(found, f"{field}.secretKeyRef", source.secretKeyRef)


def _check_key(found: Findings, field: str, selector: pod_pb2.ConfigMapKeySelector | pod_pb2.SecretKeySelector) -> None:
    if not selector.localObjectReference.name:
        found.required(f"{field}.name")
    if not selector.key:
        found.required(f"{field}.key")
    else:
        found.invalid(f"{field}.key", selector.key, *syntax.config_key(selector.key))
