"""Which pods are preempted for a critical pod. Pure; the choice is that of Kubernetes' kubelet.

https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from node.kubelet.admission.predicates import pod_request
from node.kubelet.pod import podspec
from podlab.api.pods.qos import BEST_EFFORT, BURSTABLE, GUARANTEED, qos_class
from podlab.core.v1 import pod_pb2

_CLASSES = (BEST_EFFORT, BURSTABLE, GUARANTEED)

Shortfall = Mapping[str, int]


class PreemptionFailed(Exception):
    """The node has too little whatever is preempted; the message says of what."""


def is_critical(pod: pod_pb2.Pod) -> bool:
    """Whether its priority is that of system-cluster-critical, or above, or a file of the node describes it."""
    return podspec.is_static(pod) or pod.spec.priority >= podspec.CRITICAL_PRIORITY


def victims(pod: pod_pb2.Pod, others: Iterable[pod_pb2.Pod], shortfall: Shortfall) -> list[pod_pb2.Pod]:
    """The fewest pods that free what is missing, Guaranteed ones counted first. Raises PreemptionFailed.

    `shortfall` is what the critical pod lacks, as `predicates` counts.
    """
    candidates = [other for other in others if _is_preemptible(other, pod)]
    lowest, middle, highest = ([each for each in candidates if qos_class(each.spec) == name] for name in _CLASSES)
    if unmet := _left(shortfall, candidates):
        raise PreemptionFailed(f"no set of running pods found to reclaim resources: {_describe(unmet)}")
    first = _fewest(highest, _left(shortfall, [*lowest, *middle]))
    second = _fewest(middle, _left(shortfall, [*lowest, *first]))
    third = _fewest(lowest, _left(shortfall, [*second, *first]))
    return [*third, *second, *first]


def _is_preemptible(other: pod_pb2.Pod, critical: pod_pb2.Pod) -> bool:
    """Files know of no priorities: static pods neither give way to critical pods nor take their places."""
    if not is_critical(other):
        return True
    both = other.spec.HasField("priority") and critical.spec.HasField("priority")
    return both and other.spec.priority < critical.spec.priority


def _fewest(pods: Sequence[pod_pb2.Pod], shortfall: Shortfall) -> list[pod_pb2.Pod]:
    """Takes the pod nearest to the shortfall, the smallest of equals, until nothing is missing."""
    left, chosen = list(pods), []
    while shortfall:
        best = min(
            left, key=lambda pod: (_distance(pod, shortfall), pod_request(pod, "memory"), pod_request(pod, "cpu"))
        )
        left.remove(best)
        chosen.append(best)
        shortfall = _left(shortfall, [best])
    return chosen


def _rank(pod: pod_pb2.Pod, shortfall: Shortfall) -> tuple[float, int, int]:
    return _distance(pod, shortfall), pod_request(pod, "memory"), pod_request(pod, "cpu")


def _distance(pod: pod_pb2.Pod, shortfall: Shortfall) -> float:
    """How much of the shortfall remains without the pod. Each resource counts the same, whatever its amount."""
    return sum(float(max(0, amount - pod_request(pod, name)) / amount) ** 2 for name, amount in shortfall.items())


def _left(shortfall: Shortfall, preempted: Iterable[pod_pb2.Pod]) -> Shortfall:
    pods = list(preempted)
    left = {name: amount - sum(pod_request(pod, name) for pod in pods) for name, amount in shortfall.items()}
    return {name: amount for name, amount in left.items() if amount > 0}


def _describe(shortfall: Shortfall) -> str:
    return f"[{''.join(f'(res: {name}, q: {amount}), ' for name, amount in shortfall.items())}]"
