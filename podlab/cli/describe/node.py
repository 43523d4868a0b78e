"""Nodes: what they are, what they can hold, and what they hold."""

from collections import Counter
from collections.abc import Iterable

from podlab.api.pods.podphase import is_terminal
from podlab.api.values import quantity, times
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading, moment, quantities
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

_RESOURCES = ("cpu", "memory")


def describe(node: Node, related: Related) -> Fields:
    status, info = node.status, node.status.nodeInfo
    taints = [f"{one.key}{'=' + one.value if one.value else ''}:{one.effect}" for one in node.spec.taints]
    rows = [
        [one.type, one.status, moment(one.lastHeartbeatTime), moment(one.lastTransitionTime), one.reason, one.message]
        for one in status.conditions
    ]
    headers = ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"]
    active = [pod for pod in related.pods if not is_terminal(pod)]
    return [
        *heading(node.metadata, namespaced=False),
        layout.field("Taints", taints),
        layout.field("Unschedulable", str(node.spec.unschedulable).lower()),
        layout.table("Conditions", headers, rows),
        layout.group("Addresses", [layout.field(one.type, one.address) for one in status.addresses]),
        quantities("Capacity", status.capacity),
        quantities("Allocatable", status.allocatable),
        layout.group(
            "System Info",
            [
                layout.field("Machine ID", info.machineID),
                layout.field("Boot ID", info.bootID),
                layout.field("Kernel Version", info.kernelVersion),
                layout.field("OS Image", info.osImage),
                layout.field("Architecture", info.architecture),
                layout.field("Container Runtime Version", info.containerRuntimeVersion),
                layout.field("Kubelet Version", info.kubeletVersion),
            ],
        ),
        layout.field("PodCIDR", node.spec.podCIDR or layout.NONE),
        _pods(active, related),
        _allocated(node, active),
        events(related),
    ]


def _pods(pods: Iterable[Pod], related: Related) -> LayoutField:
    rows = []
    for pod in sorted(pods, key=lambda pod: (pod.metadata.namespace, pod.metadata.name)):
        requests, limits = _sum(pod, "requests"), _sum(pod, "limits")
        amounts = [_shown(name, part[name]) for name in _RESOURCES for part in (requests, limits)]
        age = times.age(pod.metadata.creationTimestamp, related.now)
        rows.append([pod.metadata.namespace, pod.metadata.name, *amounts, age])
    headers = ["Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age"]
    return layout.table("Non-terminated Pods", headers, rows)


def _allocated(node: Node, pods: Iterable[Pod]) -> LayoutField:
    """The sums over all pods, and how much they are of what is there to be given."""
    kept = list(pods)
    rows = []
    for name in _RESOURCES:
        whole = _amount(name, node.status.allocatable[name].string) if name in node.status.allocatable else 0
        cells = [name]
        for part in ("requests", "limits"):
            total = sum(_sum(pod, part)[name] for pod in kept)
            cells.append(f"{_shown(name, total)} ({100 * total // whole if whole else 0}%)")
        rows.append(cells)
    return layout.table("Allocated resources", ["Resource", "Requests", "Limits"], rows)


def _sum(pod: Pod, part: str) -> Counter[str]:
    """What the pod asks for in all: its containers together, or its largest init container where that is more."""
    total: Counter[str] = Counter()
    for name in _RESOURCES:
        amounts = [
            [_amount(name, values[name].string) if name in values else 0 for values in found]
            for found in (
                [getattr(one.resources, part) for one in pod.spec.containers],
                [getattr(one.resources, part) for one in pod.spec.initContainers],
            )
        ]
        total[name] = max(sum(amounts[0]), max(amounts[1], default=0))
    return total


def _amount(name: str, text: str) -> int:
    return quantity.millis(text) if name == "cpu" else quantity.value(text)


def _shown(name: str, amount: int) -> str:
    return quantity.format_millis(amount) if name == "cpu" else quantity.format_bytes(amount)
