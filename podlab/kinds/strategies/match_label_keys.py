"""What a pod's terms about other pods say by its own labels, written into their selectors once.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#matchlabelkeys
"""

from collections.abc import Iterable, Iterator, Mapping

from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2


def resolve_label_keys(pod: pod_pb2.Pod) -> None:
    """`matchLabelKeys` and `mismatchLabelKeys` become requirements; keys that the pod itself lacks say nothing."""
    for term in _terms(pod.spec.affinity):
        if term.HasField("labelSelector"):
            _require(term.labelSelector, "In", term.matchLabelKeys, pod.metadata.labels)
            _require(term.labelSelector, "NotIn", term.mismatchLabelKeys, pod.metadata.labels)


def _terms(affinity: pod_pb2.Affinity) -> Iterator[pod_pb2.PodAffinityTerm]:
    for side in (affinity.podAffinity, affinity.podAntiAffinity):
        yield from side.requiredDuringSchedulingIgnoredDuringExecution
        yield from (each.podAffinityTerm for each in side.preferredDuringSchedulingIgnoredDuringExecution)


def _require(selector: meta_pb2.LabelSelector, operator: str, keys: Iterable[str], labels: Mapping[str, str]) -> None:
    for key in keys:
        if key in labels:
            selector.matchExpressions.add(key=key, operator=operator, values=[labels[key]])
