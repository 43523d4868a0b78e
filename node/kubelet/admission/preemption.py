"""Which pods give way so that a critical pod finds room. Pure; the choice is that of Kubernetes' kubelet.

https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from node.kubelet.admission.predicates import needs
from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2

# Of system-cluster-critical, and above.
_CRITICAL = 2_000_000_000
_CLASSES = ("BestEffort", "Burstable", "Guaranteed")

Wants = Mapping[str, int]


class NoRoomError(Exception):
    """Whoever gives way, there is too little; the message says of what."""


def is_critical(pod: pod_pb2.Pod) -> bool:
    """Whether the cluster needs it."""
    return pod.spec.priority >= _CRITICAL


def victims(pod: pod_pb2.Pod, others: Iterable[pod_pb2.Pod], wants: Wants) -> list[pod_pb2.Pod]:
    """The pods whose end frees what is wanted: few of the guaranteed ones before few of the others. Raises NoRoomError.

    `wants` is what the critical pod lacks, as `fit` counts.
    """
    yielding = [other for other in others if _gives_way(other, pod)]
    lowest, middle, highest = ([each for each in yielding if podspec.qos_class(each) == name] for name in _CLASSES)
    if unmet := _left(wants, yielding):
        raise NoRoomError(f"no set of running pods found to reclaim resources: {_told(unmet)}")
    first = _fewest(highest, _left(wants, [*lowest, *middle]))
    second = _fewest(middle, _left(wants, [*lowest, *first]))
    third = _fewest(lowest, _left(wants, [*second, *first]))
    return [*third, *second, *first]


def _gives_way(other: pod_pb2.Pod, critical: pod_pb2.Pod) -> bool:
    return not is_critical(other) or other.spec.priority < critical.spec.priority


def _fewest(pods: Sequence[pod_pb2.Pod], wants: Wants) -> list[pod_pb2.Pod]:
    """Whoever comes nearest to what is wanted, the smallest of equals, again and again. There is enough."""
    left, chosen = list(pods), []
    while wants:
        best = min(left, key=lambda pod: (_distance(pod, wants), needs(pod, "memory"), needs(pod, "cpu")))
        left.remove(best)
        chosen.append(best)
        wants = _left(wants, [best])
    return chosen


def _distance(pod: pod_pb2.Pod, wants: Wants) -> float:
    """What of the wants remains when the pod is gone; each counts the same, whatever its amount."""
    return sum(float(max(0, amount - needs(pod, name)) / amount) ** 2 for name, amount in wants.items())


def _left(wants: Wants, gone: Iterable[pod_pb2.Pod]) -> Wants:
    pods = list(gone)
    left = {name: amount - sum(needs(pod, name) for pod in pods) for name, amount in wants.items()}
    return {name: amount for name, amount in left.items() if amount > 0}


def _told(wants: Wants) -> str:
    return f"[{''.join(f'(res: {name}, q: {amount}), ' for name, amount in wants.items())}]"
