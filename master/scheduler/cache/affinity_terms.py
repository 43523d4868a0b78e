"""Affinity and anti-affinity between pods, as values that can be compared and matched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from podlab.api.selection import selectors
from podlab.api.selection.selectors import Selector
from podlab.core.v1.pod_pb2 import Pod, PodAffinityTerm
from podlab.meta.v1.meta_pb2 import LabelSelector

NamespaceLabels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class PodSelector:
    """Selects pods by their labels, in `namespaces` and in those that `namespace_selector` selects.

    `labels` of None selects no pods.
    """

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


class TermKind(Enum):
    """What a term asks for."""

    AFFINITY = "required affinity"
    ANTI_AFFINITY = "required anti-affinity"
    PREFERRED = "preferred affinity; anti-affinity has a negative weight"


@dataclass(frozen=True)
class AffinityTerm:
    """To share a topology domain with the pods, or not. `weight` is 0 for required terms."""

    kind: TermKind
    pods: PodSelector
    topology_key: str
    weight: int = 0


def affinity_terms_of(pod: Pod) -> tuple[AffinityTerm, ...]:
    """All terms of the pod.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
    """
    return tuple(_terms(pod))


def label_selector(given: LabelSelector, *, present: bool) -> Selector | None:
    """An absent selector selects nothing, an empty one everything."""
    return selectors.from_message(given) if present else None


def _terms(pod: Pod) -> Iterator[AffinityTerm]:
    affinity, anti_affinity = pod.spec.affinity.podAffinity, pod.spec.affinity.podAntiAffinity
    yield from _required(TermKind.AFFINITY, pod, affinity.requiredDuringSchedulingIgnoredDuringExecution)
    yield from _required(TermKind.ANTI_AFFINITY, pod, anti_affinity.requiredDuringSchedulingIgnoredDuringExecution)
    for sign, side in ((1, affinity), (-1, anti_affinity)):
        for each in side.preferredDuringSchedulingIgnoredDuringExecution:
            term = each.podAffinityTerm
            yield AffinityTerm(TermKind.PREFERRED, _pods(pod, term), term.topologyKey, sign * each.weight)


def _required(kind: TermKind, pod: Pod, terms: Iterable[PodAffinityTerm]) -> Iterator[AffinityTerm]:
    for term in terms:
        yield AffinityTerm(kind, _pods(pod, term), term.topologyKey)


def _pods(pod: Pod, term: PodAffinityTerm) -> PodSelector:
    has_namespace_selector = term.HasField("namespaceSelector")
    own_namespace = not term.namespaces and not has_namespace_selector
    return PodSelector(
        label_selector(term.labelSelector, present=term.HasField("labelSelector")),
        frozenset({pod.metadata.namespace} if own_namespace else term.namespaces),
        label_selector(term.namespaceSelector, present=has_namespace_selector),
    )
