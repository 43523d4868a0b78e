"""Which pods a node under pressure does not admit. Pure; the rules and words are Kubernetes'.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-conditions
"""

from __future__ import annotations

from collections.abc import Collection

from node.kubelet.admission.preemption import is_critical
from podlab.api.pods import tolerations
from podlab.api.pods.qos import BEST_EFFORT, qos_class
from podlab.core.v1 import node_pb2, pod_pb2

REASON = "Evicted"
MEMORY_PRESSURE = "MemoryPressure"
_TAINT = node_pb2.Taint(key=tolerations.MEMORY_PRESSURE, effect="NoSchedule")


def refusing(pod: pod_pb2.Pod, conditions: Collection[str]) -> tuple[str, ...]:
    """The node's conditions for which the pod is not admitted; none when it is.

    Short of memory alone, a node still takes pods that have asked for some, and those that tolerate it.
    """
    if not conditions or is_critical(pod):
        return ()
    if set(conditions) == {MEMORY_PRESSURE}:
        tolerates = any(tolerations.tolerates(each, _TAINT) for each in pod.spec.tolerations)
        if qos_class(pod.spec) != BEST_EFFORT or tolerates:
            return ()
    return tuple(sorted(conditions))


def message(conditions: Collection[str]) -> str:
    return f"The node had condition: [{' '.join(sorted(conditions))}]. "
