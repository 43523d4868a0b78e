"""The environment of a container. Pure: ConfigMaps, Secrets and Services are given.

Variables of Services and expansion of $(NAME) as in
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables and
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from node.kubelet.pod.podspec import container_named
from podlab.api.values import quantity
from podlab.core.v1 import config_pb2, pod_pb2, service_pb2
from podlab.meta.v1 import meta_pb2

_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class ConfigError(Exception):
    """A container or volume cannot be configured as its spec says; the message names what is missing."""


@dataclass(frozen=True)
class ConfigReference:
    """A ConfigMap or Secret in the pod's own namespace that the pod refers to."""

    kind: type[config_pb2.ConfigMap] | type[config_pb2.Secret]
    name: str

    def __str__(self) -> str:
        return f'{self.kind.DESCRIPTOR.name.lower()} "{self.name}"'


ConfigObjects = Mapping[ConfigReference, config_pb2.ConfigMap | config_pb2.Secret | None]


@dataclass(frozen=True)
class EnvironmentContext:
    """What the environment is made of beside the pod itself. Missing ConfigMaps and Secrets are None."""

    node_name: str
    host_ips: Sequence[str]
    pod_ips: tuple[str, ...] = ()
    services: tuple[service_pb2.Service, ...] = ()
    config_objects: ConfigObjects = field(default_factory=dict)
    # For resource fields of containers without limit.
    allocatable: Mapping[str, meta_pb2.Quantity] = field(default_factory=dict)


def references(container: pod_pb2.Container) -> Iterator[ConfigReference]:
    """The ConfigMaps and Secrets that the environment needs."""
    for origin in container.envFrom:
        if origin.HasField("configMapRef"):
            yield ConfigReference(config_pb2.ConfigMap, origin.configMapRef.localObjectReference.name)
        if origin.HasField("secretRef"):
            yield ConfigReference(config_pb2.Secret, origin.secretRef.localObjectReference.name)
    for variable in container.env:
        if variable.valueFrom.HasField("configMapKeyRef"):
            yield ConfigReference(config_pb2.ConfigMap, variable.valueFrom.configMapKeyRef.localObjectReference.name)
        if variable.valueFrom.HasField("secretKeyRef"):
            yield ConfigReference(config_pb2.Secret, variable.valueFrom.secretKeyRef.localObjectReference.name)


def environment_variables(
    pod: pod_pb2.Pod, container: pod_pb2.Container, context: EnvironmentContext
) -> dict[str, str]:
    """Services' variables, then envFrom, then env; the last one wins. Raises ConfigError."""
    services = _service_variables(pod, context.services)
    result: dict[str, str] = {}
    for origin in container.envFrom:
        result.update(_all_keys(origin, context.config_objects))
    for variable in container.env:
        value = _value(pod, container, variable, context, {**services, **result})
        if value is not None:
            result[variable.name] = value
    return {**services, **result}


def expand(text: str, variables: Mapping[str, str]) -> str:
    """$(NAME) becomes the variable's value when there is one; $$ is a single $."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(replace, text)


def expand_all(text: str, variables: Mapping[str, str]) -> str:
    """As `expand`, where each variable must be there. Raises ConfigError."""
    missing = [match[1] for match in _REFERENCE.finditer(text) if match[0] != "$$" and match[1] not in variables]
    if missing:
        raise ConfigError(f'failed to expand subPath "{text}": missing value for "{missing[0]}"')
    return expand(text, variables)


def data(found: config_pb2.ConfigMap | config_pb2.Secret) -> dict[str, bytes]:
    """All keys of a ConfigMap or Secret, as files have them."""
    if isinstance(found, config_pb2.ConfigMap):
        return {**{key: text.encode() for key, text in found.data.items()}, **found.binaryData}
    return dict(found.data)


def text_data(found: config_pb2.ConfigMap | config_pb2.Secret) -> dict[str, bytes]:
    """The keys that may be variables: `binaryData` of a ConfigMap is for files alone."""
    return (
        data(found)
        if isinstance(found, config_pb2.Secret)
        else {key: text.encode() for key, text in found.data.items()}
    )


def field_value(pod: pod_pb2.Pod, path: str, context: EnvironmentContext | None) -> str:
    """The value of a field of the pod, as the downward API names it. Raises ConfigError.

    Without context, as in files, only fields of the pod itself are known.
    """
    keyed = _KEYED.fullmatch(path)
    if keyed:
        return str(getattr(pod.metadata, keyed[1]).get(keyed[2], ""))
    values = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.metadata.uid,
    }
    if context is not None:
        values |= {
            "spec.nodeName": context.node_name,
            "spec.serviceAccountName": pod.spec.serviceAccountName,
            "status.hostIP": context.host_ips[0],
            "status.hostIPs": ",".join(context.host_ips),
            "status.podIP": context.pod_ips[0] if context.pod_ips else "",
            "status.podIPs": ",".join(context.pod_ips),
        }
    if path not in values:
        raise ConfigError(f"fieldPath {path!r} is not supported; supported are {', '.join(values)} and one label's")
    return values[path]


def resource_value(
    pod: pod_pb2.Pod,
    container: pod_pb2.Container | None,
    selector: pod_pb2.ResourceFieldSelector,
    allocatable: Mapping[str, meta_pb2.Quantity],
) -> str:
    """A limit or request of the container that the selector names, or of `container`. Raises ConfigError."""
    of = container_named(pod, selector.containerName) if selector.containerName else container
    side, _, resource = selector.resource.partition(".")
    if of is None or side not in ("limits", "requests") or not resource:
        raise ConfigError(f"resourceFieldRef {selector.resource!r} of container {selector.containerName!r} is unknown")
    amounts = of.resources.limits if side == "limits" else of.resources.requests
    if resource in amounts:
        amount = quantity.parse(amounts[resource])
    elif side == "limits" and resource in pod.spec.resources.limits:
        amount = quantity.parse(pod.spec.resources.limits[resource])
    elif side == "limits" and resource in allocatable:
        amount = quantity.parse(allocatable[resource])
    else:
        return "0"
    divisor = quantity.parse(selector.divisor) if selector.divisor.string not in ("", "0") else 1
    return str(math.ceil(amount / divisor))


def _all_keys(origin: pod_pb2.EnvFromSource, config_objects: ConfigObjects) -> Iterator[tuple[str, str]]:
    source = origin.configMapRef if origin.HasField("configMapRef") else origin.secretRef
    kind = config_pb2.ConfigMap if origin.HasField("configMapRef") else config_pb2.Secret
    reference = ConfigReference(kind, source.localObjectReference.name)
    found = config_objects.get(reference)
    if found is None:
        if source.optional:
            return
        raise ConfigError(f"{reference} not found")
    for key, value in sorted(text_data(found).items()):
        yield origin.prefix + key, value.decode(errors="replace")


def _value(
    pod: pod_pb2.Pod,
    container: pod_pb2.Container,
    variable: pod_pb2.EnvVar,
    context: EnvironmentContext,
    known: Mapping[str, str],
) -> str | None:
    """None when an optional reference leads nowhere."""
    origin = variable.valueFrom
    if origin.HasField("fieldRef"):
        return field_value(pod, origin.fieldRef.fieldPath, context)
    if origin.HasField("resourceFieldRef"):
        return resource_value(pod, container, origin.resourceFieldRef, context.allocatable)
    if origin.HasField("configMapKeyRef"):
        return _key_value(config_pb2.ConfigMap, origin.configMapKeyRef, context.config_objects)
    if origin.HasField("secretKeyRef"):
        return _key_value(config_pb2.Secret, origin.secretKeyRef, context.config_objects)
    return expand(variable.value, known)


def _key_value(
    kind: type[config_pb2.ConfigMap] | type[config_pb2.Secret],
    selector: pod_pb2.ConfigMapKeySelector | pod_pb2.SecretKeySelector,
    config_objects: ConfigObjects,
) -> str | None:
    reference = ConfigReference(kind, selector.localObjectReference.name)
    found = config_objects.get(reference)
    if found is None:
        if selector.optional:
            return None
        raise ConfigError(f"{reference} not found")
    value = text_data(found).get(selector.key)
    if value is None:
        if selector.optional:
            return None
        raise ConfigError(f"couldn't find key {selector.key} in {reference}")
    return value.decode(errors="replace")


def _service_variables(pod: pod_pb2.Pod, services: Iterable[service_pb2.Service]) -> dict[str, str]:
    links = pod.spec.enableServiceLinks if pod.spec.HasField("enableServiceLinks") else True
    result: dict[str, str] = {}
    for service in services:
        is_api = (service.metadata.namespace, service.metadata.name) == ("default", "kubernetes")
        linked = links and service.metadata.namespace == pod.metadata.namespace
        if service.spec.clusterIP in ("", "None") or not service.spec.ports or not (is_api or linked):
            continue
        result.update(_variables_of(service))
    return result


def _variables_of(service: service_pb2.Service) -> dict[str, str]:
    prefix, address = _variable_name(service.metadata.name), service.spec.clusterIP
    first = service.spec.ports[0]
    result = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(first.port)}
    result[f"{prefix}_PORT"] = f"{(first.protocol or 'TCP').lower()}://{address}:{first.port}"
    for port in service.spec.ports:
        protocol = port.protocol or "TCP"
        if port.name:
            result[f"{prefix}_SERVICE_PORT_{_variable_name(port.name)}"] = str(port.port)
        one = f"{prefix}_PORT_{port.port}_{protocol}"
        result[one] = f"{protocol.lower()}://{address}:{port.port}"
        result[f"{one}_PROTO"] = protocol.lower()
        result[f"{one}_PORT"] = str(port.port)
        result[f"{one}_ADDR"] = address
    return result


def _variable_name(name: str) -> str:
    return name.upper().replace("-", "_")
