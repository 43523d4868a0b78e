"""How much of the node's swap a container may use. Pure.

https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/
"""

from __future__ import annotations

from dataclasses import dataclass

from node.kubelet.pod import podspec
from podlab.api.pods.qos import BURSTABLE, qos_class
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2

FILE = "memory.swap.max"
"""Of a control group: how many bytes may be in swap."""
NO_SWAP, LIMITED_SWAP = "NoSwap", "LimitedSwap"


@dataclass(frozen=True)
class NodeSwap:
    """`behavior` is how much of the `bytes` of swap containers may use. Not `limitable`: no control group's use of swap
    can be limited, as with cgroup v1 and with kernels that do not count it."""

    behavior: str = NO_SWAP
    bytes: int = 0
    limitable: bool = False


NO_SWAP_KNOWN = NodeSwap()


def limit(pod: pod_pb2.Pod, container: pod_pb2.Container, swap: NodeSwap, node_memory_bytes: int) -> int | None:
    """In bytes; None where nothing can be limited.

    With LimitedSwap containers of Burstable pods have as large a part of the swap as they ask for of the memory, but
    for those that ask for none, or for all that they may have, and those of critical pods.
    """
    if not swap.limitable:
        return None
    is_critical = pod.spec.priority >= podspec.CRITICAL_PRIORITY
    if swap.behavior != LIMITED_SWAP or is_critical or qos_class(pod.spec) != BURSTABLE:
        return 0
    requests, limits = container.resources.requests, container.resources.limits
    asked, most = (quantity.value(side["memory"]) if "memory" in side else 0 for side in (requests, limits))
    if not asked or asked == most:
        return 0
    return asked * swap.bytes // max(1, node_memory_bytes)
