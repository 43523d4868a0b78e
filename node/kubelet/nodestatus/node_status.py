"""What the node says of itself: its object as it is registered, and its status. Pure, but for what the machine has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from node.kubelet.cri.runtime import Image, Readiness
from node.kubelet.nodestatus import machine_info
from node.kubelet.nodestatus.machine_info import Pressure
from node.kubelet.settings import KubeletSettings
from podlab.api import quantity, times
from podlab.api.objects import condition
from podlab.core.v1 import node_pb2
from podlab.meta.v1 import meta_pb2

MAX_IMAGES = 50
# Below these the node says that it runs out (Kubernetes' defaults for eviction).
MEMORY_FLOOR_BYTES = 100 * 1024 * 1024
DISK_FLOOR = 0.10
PIDS_FLOOR = 1000


@dataclass(frozen=True)
class Sight:
    """What the node saw when it looked at itself."""

    readiness: Readiness
    network_ready: bool
    network_reason: str
    pressure: Pressure
    images: tuple[Image, ...]
    info: node_pb2.NodeSystemInfo


def kubelet_version() -> str:
    try:
        return f"v{version('podlab')}"
    except PackageNotFoundError:
        return "v0.0.0"


def capacity(settings: KubeletSettings) -> dict[str, meta_pb2.Quantity]:
    """What was declared, or else what the machine has."""
    amounts = {
        "cpu": settings.capacity.cpu or str(machine_info.cpu_count()),
        "memory": settings.capacity.memory or quantity.format_bytes(machine_info.memory_bytes() // 1024 * 1024),
        "pods": str(settings.capacity.pods),
        "ephemeral-storage": quantity.format_bytes(machine_info.disk_bytes(settings.root_dir) // 1024 * 1024),
    }
    canonical = {name: quantity.canonical(amount, thousandths=True) for name, amount in amounts.items()}
    return {name: meta_pb2.Quantity(string=amount) for name, amount in canonical.items()}


def labels(settings: KubeletSettings) -> dict[str, str]:
    return {
        **settings.labels,
        "kubernetes.io/hostname": settings.node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine_info.architecture(),
    }


def new_node(settings: KubeletSettings) -> node_pb2.Node:
    """As it is registered the first time, with the declared taints."""
    node = node_pb2.Node()
    node.metadata.name = settings.node_name
    node.metadata.labels.update(labels(settings))
    for taint in settings.taints:
        node.spec.taints.add(key=taint.key, value=taint.value, effect=taint.effect)
    return node


def node_status(
    settings: KubeletSettings, amounts: Mapping[str, meta_pb2.Quantity], before: node_pb2.NodeStatus, sight: Sight
) -> node_pb2.NodeStatus:
    """The whole status. Pure; conditions of others are kept, and times of what did not change.

    So are extended resources that somebody has advertised:
    https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
    """
    status = node_pb2.NodeStatus(nodeInfo=sight.info)
    advertised = {name: amount for name, amount in before.capacity.items() if "/" in name}
    for name, amount in {**advertised, **amounts}.items():
        status.capacity[name].CopyFrom(amount)
        status.allocatable[name].CopyFrom(amount)
    status.addresses.add(type="InternalIP", address=settings.node_ip)
    status.addresses.add(type="Hostname", address=settings.node_name)
    status.daemonEndpoints.kubeletEndpoint.Port = settings.port
    for image in sorted(sight.images, key=lambda image: (-image.size_bytes, image.names))[:MAX_IMAGES]:
        status.images.add(names=image.names, sizeBytes=image.size_bytes)
    own = [_condition(before.conditions, *verdict) for verdict in _verdicts(sight)]
    names = {each.type for each in own}
    status.conditions.extend(each for each in before.conditions if each.type not in names)
    status.conditions.extend(own)
    return status


def same(one: node_pb2.NodeStatus, other: node_pb2.NodeStatus) -> bool:
    """Whether two statuses differ in heartbeat times only."""
    bare = []
    for status in (one, other):
        copy = node_pb2.NodeStatus()
        copy.CopyFrom(status)
        for each in copy.conditions:
            each.ClearField("lastHeartbeatTime")
        bare.append(copy)
    return bare[0] == bare[1]


def _verdicts(sight: Sight) -> Iterable[tuple[str, bool, str, str]]:
    pressure = sight.pressure
    short_of_memory = pressure.memory_available_bytes < MEMORY_FLOOR_BYTES
    short_of_disk = pressure.disk_available_bytes < DISK_FLOOR * pressure.disk_total_bytes
    short_of_pids = pressure.pids_available < PIDS_FLOOR
    yield "MemoryPressure", short_of_memory, *_told("Memory", short_of_memory)
    yield "DiskPressure", short_of_disk, *_told("Disk", short_of_disk)
    yield "PIDPressure", short_of_pids, *_told("PID", short_of_pids)
    problems = [sight.readiness.message] if sight.readiness.message else []
    if not sight.network_ready:
        problems.append(f"pod network is not ready: {sight.network_reason}")
    if problems:
        yield "Ready", False, "KubeletNotReady", "; ".join(problems)
    else:
        yield "Ready", True, "KubeletReady", "kubelet is posting ready status"


def _told(what: str, short: bool) -> tuple[str, str]:
    name = {"Memory": "memory", "Disk": "disk space", "PID": "process ids"}[what]
    if short:
        return f"KubeletHasInsufficient{what}", f"kubelet has insufficient {name} available"
    good = {
        "Memory": "KubeletHasSufficientMemory",
        "Disk": "KubeletHasNoDiskPressure",
        "PID": "KubeletHasSufficientPID",
    }
    return good[what], f"kubelet has sufficient {name} available"


def _condition(
    before: Iterable[node_pb2.NodeCondition], name: str, holds: bool, reason: str, message: str
) -> node_pb2.NodeCondition:
    now = times.now()
    made = node_pb2.NodeCondition(
        type=name, status="True" if holds else "False", reason=reason, message=message, lastHeartbeatTime=now
    )
    old = condition(before, name)
    unchanged = old is not None and old.status == made.status
    made.lastTransitionTime.CopyFrom(old.lastTransitionTime if old is not None and unchanged else now)
    return made
