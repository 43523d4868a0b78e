"""Of a pod's containers: variables and ports that hide each other, and fractions of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

_BYTES = ("memory", "ephemeral-storage")


def each(field: str, spec: pod_pb2.PodSpec) -> Iterator[tuple[str, pod_pb2.Container]]:
    """All containers of a spec, and where they stand."""
    for group in ("initContainers", "containers"):
        for index, container in enumerate(getattr(spec, group)):
            yield f"{field}.{group}[{index}]", container
    for index, joined in enumerate(spec.ephemeralContainers):
        yield f"{field}.ephemeralContainers[{index}]", joined.ephemeralContainerCommon


def of_variables(field: str, container: pod_pb2.Container) -> Iterator[str]:
    """A later variable of the same name is fine when it builds on the earlier one."""
    seen: set[str] = set()
    for index, variable in enumerate(container.env):
        reference = f"$({variable.name})"
        if variable.name not in seen:
            seen.add(variable.name)
        elif variable.HasField("valueFrom") or variable.value == reference or reference not in variable.value:
            yield (
                f'{field}.env[{index}]: hides previous definition of "{variable.name}", which may be dropped when '
                "using apply"
            )


def of_resources(field: str, container: pod_pb2.Container) -> Iterator[str]:
    """A container cannot have half a byte."""
    for side in ("limits", "requests"):
        yield from of_bytes(f"{field}.resources.{side}", getattr(container.resources, side))


def of_bytes(field: str, amounts: Mapping[str, meta_pb2.Quantity]) -> Iterator[str]:
    """Of a list of resources."""
    for name in _BYTES:
        if name in amounts and quantity.parse(amounts[name]).denominator != 1:
            text = amounts[name].string
            yield f'{field}[{name}]: fractional byte value "{text}" is invalid, must be an integer'


def of_ports(field: str, spec: pod_pb2.PodSpec) -> Iterator[str]:
    """Ports of all containers: two of the same number and protocol are one, or are at odds."""
    known: dict[tuple[int, str], list[tuple[str, pod_pb2.ContainerPort]]] = {}
    for where, container in each(field, spec):
        for index, port in enumerate(container.ports):
            at = f"{where}.ports[{index}]"
            if port.hostIP and not port.hostPort:
                yield f"{at}: hostIP set without hostPort: {_told(port)}"
            others = known.setdefault((port.containerPort, port.protocol), [])
            for other_at, other in others:
                if how := _collision(port, other):
                    yield f"{at}: {how} port definition with {other_at}"
            others.append((at, port))


def _collision(port: pod_pb2.ContainerPort, other: pod_pb2.ContainerPort) -> str:
    if (port.hostIP, port.hostPort) == (other.hostIP, other.hostPort):
        return "duplicate"
    if not port.hostPort or not other.hostPort:
        return "overlapping"
    if port.hostPort == other.hostPort and bool(port.hostIP) is not bool(other.hostIP):
        return "dangerously ambiguous"
    return ""


def _told(port: pod_pb2.ContainerPort) -> str:
    """As Go prints it."""
    return (
        f"{{Name:{port.name} HostPort:{port.hostPort} ContainerPort:{port.containerPort} Protocol:{port.protocol} "
        f"HostIP:{port.hostIP}}}"
    )
