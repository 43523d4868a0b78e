"""The node's object as it is registered, and its status. Pure, but for what the machine has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from node.kubelet.cpus import cpuset
from node.kubelet.cri.runtime import Image, RuntimeHandler, RuntimeReadiness
from node.kubelet.deviceplugins.offers import Count
from node.kubelet.nodestatus import machine_info, shutdown
from node.kubelet.settings import KubeletSettings
from podlab.api.objects import condition
from podlab.api.selection.labels import ARCH_LABEL, HOSTNAME_LABEL, KUBELET_PORT_ANNOTATION, OS_LABEL
from podlab.api.values import quantity, times
from podlab.core.v1 import node_pb2
from podlab.meta.v1 import meta_pb2

MAX_IMAGES = 50
# Of each condition of pressure: reason and message while it is true, and while it is not.
_PRESSURES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "MemoryPressure": (
        ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ),
    "DiskPressure": (
        ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ),
    "PIDPressure": (
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ),
}


@dataclass(frozen=True)
class NodeObservation:
    """What the kubelet observed of its node."""

    readiness: RuntimeReadiness
    network_ready: bool
    network_reason: str
    pressures: Collection[str]
    """The conditions of pressure that are true."""
    images: tuple[Image, ...]
    info: node_pb2.NodeSystemInfo
    devices: Mapping[str, Count] = field(default_factory=dict)
    """By resource, those that device plugins offer."""
    shutting_down: bool = False


def capacity(settings: KubeletSettings) -> dict[str, meta_pb2.Quantity]:
    """The capacity of the settings, else that of the machine."""
    amounts = {
        "cpu": settings.capacity.cpu or str(machine_info.cpu_count()),
        "memory": settings.capacity.memory or quantity.format_bytes(machine_info.memory_bytes() // 1024 * 1024),
        "pods": str(settings.capacity.pods),
        "ephemeral-storage": quantity.format_bytes(machine_info.disk_bytes(settings.root_dir) // 1024 * 1024),
        **{name: quantity.format_bytes(amount) for name, amount in machine_info.huge_pages().items()},
    }
    canonical = {name: quantity.canonical(amount, thousandths=True) for name, amount in amounts.items()}
    return {name: meta_pb2.Quantity(string=amount) for name, amount in canonical.items()}


def allocatable(settings: KubeletSettings) -> dict[str, meta_pb2.Quantity]:
    """The capacity without the processors that are reserved, and of memory what is no huge pages."""
    amounts = capacity(settings)
    pages = sum(quantity.value(amount) for name, amount in amounts.items() if name.startswith("hugepages-"))
    if pages:
        left = max(0, quantity.value(amounts["memory"]) - pages)
        amounts["memory"] = meta_pb2.Quantity(string=quantity.canonical(quantity.format_bytes(left)))
    if reserved := cpuset.parse(settings.cpu_manager.reserved_cpus):
        left = max(0, quantity.millis(amounts["cpu"]) - 1000 * len(reserved))
        amounts["cpu"] = meta_pb2.Quantity(string=quantity.canonical(f"{left}m", thousandths=True))
    return amounts


def labels(settings: KubeletSettings) -> dict[str, str]:
    return {
        **settings.labels,
        HOSTNAME_LABEL: settings.node_name,
        OS_LABEL: "linux",
        ARCH_LABEL: machine_info.architecture(),
    }


def noted(settings: KubeletSettings) -> dict[str, str]:
    return {KUBELET_PORT_ANNOTATION: str(settings.port)}


def new_node(settings: KubeletSettings) -> node_pb2.Node:
    """As it is registered the first time, with the taints of the settings."""
    node = node_pb2.Node()
    node.metadata.name = settings.node_name
    node.metadata.labels.update(labels(settings))
    node.metadata.annotations.update(noted(settings))
    for taint in settings.taints:
        node.spec.taints.add(key=taint.key, value=taint.value, effect=taint.effect)
    return node


def node_status(
    settings: KubeletSettings,
    amounts: Mapping[str, meta_pb2.Quantity],
    offered: Mapping[str, meta_pb2.Quantity],
    before: node_pb2.NodeStatus,
    observation: NodeObservation,
) -> node_pb2.NodeStatus:
    """The whole status: `amounts` are the node's own, of which `offered` are for pods. Pure; conditions of others and
    the times of unchanged conditions are kept.

    So are the extended resources that others have advertised:
    https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
    """
    status = node_pb2.NodeStatus(nodeInfo=observation.info)
    advertised = {name: amount for name, amount in before.capacity.items() if "/" in name}
    for name, amount in {**advertised, **amounts}.items():
        status.capacity[name].CopyFrom(amount)
        status.allocatable[name].CopyFrom(amount)
    for name, amount in offered.items():
        status.allocatable[name].CopyFrom(amount)
    for name, count in observation.devices.items():
        status.capacity[name].string = str(count.capacity)
        status.allocatable[name].string = str(count.allocatable)
    for address in settings.node_ips:
        status.addresses.add(type="InternalIP", address=address)
    status.addresses.add(type="Hostname", address=settings.node_name)
    if observation.readiness.strict_groups is not None:
        status.features.supplementalGroupsPolicy = observation.readiness.strict_groups
    status.runtimeHandlers.extend(map(_handler, observation.readiness.handlers))
    status.daemonEndpoints.kubeletEndpoint.Port = settings.https_port
    for image in sorted(observation.images, key=lambda image: (-image.size_bytes, image.names))[:MAX_IMAGES]:
        status.images.add(names=image.names, sizeBytes=image.size_bytes)
    own = [_condition(before.conditions, *each) for each in _own_conditions(observation)]
    names = {each.type for each in own}
    status.conditions.extend(each for each in before.conditions if each.type not in names)
    status.conditions.extend(own)
    return status


def _handler(handler: RuntimeHandler) -> node_pb2.NodeRuntimeHandler:
    told = node_pb2.NodeRuntimeHandler(name=handler.name)
    if handler.recursive_read_only is not None:
        told.features.recursiveReadOnlyMounts = handler.recursive_read_only
    if handler.user_namespaces is not None:
        told.features.userNamespaces = handler.user_namespaces
    return told


def differ_only_in_heartbeats(one: node_pb2.NodeStatus, other: node_pb2.NodeStatus) -> bool:
    """Whether the heartbeat times are all that differs."""
    bare = []
    for status in (one, other):
        copy = node_pb2.NodeStatus()
        copy.CopyFrom(status)
        for each in copy.conditions:
            each.ClearField("lastHeartbeatTime")
        bare.append(copy)
    return bare[0] == bare[1]


def _own_conditions(observation: NodeObservation) -> Iterable[tuple[str, bool, str, str]]:
    for name, (when_true, when_false) in _PRESSURES.items():
        is_true = name in observation.pressures
        yield name, is_true, *(when_true if is_true else when_false)
    problems = [observation.readiness.message] if observation.readiness.message else []
    if not observation.network_ready:
        problems.append(f"pod network is not ready: {observation.network_reason}")
    if observation.shutting_down:
        problems.append(shutdown.NOT_READY)
    if problems:
        yield "Ready", False, "KubeletNotReady", "; ".join(problems)
    else:
        yield "Ready", True, "KubeletReady", "kubelet is posting ready status"


def _condition(
    before: Iterable[node_pb2.NodeCondition], name: str, is_true: bool, reason: str, message: str
) -> node_pb2.NodeCondition:
    now = times.now()
    made = node_pb2.NodeCondition(
        type=name, status="True" if is_true else "False", reason=reason, message=message, lastHeartbeatTime=now
    )
    old = condition(before, name)
    unchanged = old is not None and old.status == made.status
    made.lastTransitionTime.CopyFrom(old.lastTransitionTime if old is not None and unchanged else now)
    return made
