"""Which pods a pod wants to be with or apart from, as values that are compared and matched. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from podlab.api import selectors
from podlab.api.selectors import Selector
from podlab.core.v1.pod_pb2 import Pod, PodAffinityTerm
from podlab.meta.v1.meta_pb2 import LabelSelector

NamespaceLabels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class PodSelector:
    """Pods by their labels, in the namespaces that are named and those that the selector finds. None finds none."""

    labels: Selector | None
    namespaces: frozenset[str]
    namespace_selector: Selector | None = None

    def matches(self, namespace: str, labels: Mapping[str, str], known: NamespaceLabels) -> bool:
        if self.labels is None or not self.labels.matches(labels):
            return False
        if namespace in self.namespaces:
            return True
        wanted = self.namespace_selector
        return wanted is not None and wanted.matches(known.get(namespace, {}))


class Wish(Enum):
    """What a term of a pod says about others."""

    TOGETHER = "required affinity"
    APART = "required anti-affinity"
    PREFERRED = "preferred affinity; anti-affinity has a negative weight"


@dataclass(frozen=True)
class Term:
    """With which pods to be in one place, or not. `weight` is 0 for what is required."""

    wish: Wish
    pods: PodSelector
    topology_key: str
    weight: int = 0


def terms_of(pod: Pod) -> tuple[Term, ...]:
    """All of the pod's wishes about other pods.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
    """
    return tuple(_terms(pod))


def label_selector(given: LabelSelector, *, present: bool) -> Selector | None:
    """An absent selector finds nothing, an empty one everything."""
    return selectors.from_message(given) if present else None


def _terms(pod: Pod) -> Iterator[Term]:
    together, apart = pod.spec.affinity.podAffinity, pod.spec.affinity.podAntiAffinity
    yield from _required(Wish.TOGETHER, pod, together.requiredDuringSchedulingIgnoredDuringExecution)
    yield from _required(Wish.APART, pod, apart.requiredDuringSchedulingIgnoredDuringExecution)
    for sign, side in ((1, together), (-1, apart)):
        for each in side.preferredDuringSchedulingIgnoredDuringExecution:
            term = each.podAffinityTerm
            yield Term(Wish.PREFERRED, _pods(pod, term), term.topologyKey, sign * each.weight)


def _required(wish: Wish, pod: Pod, terms: Iterable[PodAffinityTerm]) -> Iterator[Term]:
    for term in terms:
        yield Term(wish, _pods(pod, term), term.topologyKey)


def _pods(pod: Pod, term: PodAffinityTerm) -> PodSelector:
    by_label = term.HasField("namespaceSelector")
    own = not term.namespaces and not by_label
    return PodSelector(
        label_selector(term.labelSelector, present=term.HasField("labelSelector")),
        frozenset({pod.metadata.namespace} if own else term.namespaces),
        label_selector(term.namespaceSelector, present=by_label),
    )
