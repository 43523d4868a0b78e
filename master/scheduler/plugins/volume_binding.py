"""VolumeBinding: refuses nodes that cannot reach the pod's volumes, and finds volumes for its unbound claims.

https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.cache.storage import PodVolumes
from master.scheduler.plugins.protocol import Follows, Refusals, refuse_pod
from podlab.api.pods.volumes import NO_PROVISIONER, size
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim

Mask = NDArray[np.bool_]
_CONFLICT = "node(s) had volume node affinity conflict"
_NOT_FOUND = "node(s) didn't find available persistent volumes to bind"
_REASONS = {1: (_CONFLICT,), 2: (_NOT_FOUND,), 3: (_CONFLICT, _NOT_FOUND)}
_PROVISION = -1
BIND_TIMEOUT_S = 600.0


class VolumeBinding:
    """`bind_timeout_s` is how long the binding of a pod waits for its volumes."""

    name = "VolumeBinding"
    follows = Follows.CLUSTER

    def __init__(self, bind_timeout_s: float = BIND_TIMEOUT_S) -> None:
        self.bind_timeout_s = bind_timeout_s

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        if not info.shape.claims:
            return None
        found = nodes.storage.claims_of(info.shape)
        if found.refusal:
            return refuse_pod(nodes, rows, found.refusal)
        codes = np.zeros(nodes.length(rows), np.int64)
        for volume in found.bound:
            codes[~rows_reaching(volume, nodes)[rows]] = 1
        if found.unbound:
            codes[~_choose(found.unbound, nodes, rows).fits] += 2
        return Refusals(codes, _REASONS, frozenset(_REASONS))


def pod_volumes(info: PodInfo, nodes: Snapshot, node: str) -> PodVolumes:
    """What is to be done for the pod's claims before it is bound to this node, which passed the filter."""
    unbound, row = nodes.storage.claims_of(info.shape).unbound, nodes.row(node)
    if not unbound or row is None:
        return PodVolumes(node)
    static_bindings, dynamic_provisions = [], []
    for choice in _choose(unbound, nodes, np.array([row])).choices:
        name = choice.claim.metadata.namespace, choice.claim.metadata.name
        number = int(choice.picked[0])
        if number == _PROVISION:
            dynamic_provisions.append(name)
        else:
            static_bindings.append((name, choice.candidates[number].metadata.name))
    return PodVolumes(node, tuple(static_bindings), tuple(dynamic_provisions))


def rows_reaching(volume: PersistentVolume, nodes: Snapshot) -> Mask:
    """The rows of the nodes that can reach the volume."""
    if not volume.spec.nodeAffinity.HasField("required"):
        return np.ones(nodes.size, np.bool_)
    selector = volume.spec.nodeAffinity.required
    key = ("volume", selector.SerializeToString(deterministic=True))
    return nodes.derived(key, lambda: nodes.labels.select(selector, nodes.name_column))


@dataclass(frozen=True)
class _Choice:
    """`picked` holds for each row the number of a candidate, or _PROVISION."""

    claim: PersistentVolumeClaim
    candidates: Sequence[PersistentVolume]
    picked: NDArray[np.int64]


@dataclass(frozen=True)
class _Chosen:
    fits: Mask
    choices: Sequence[_Choice]


def _choose(claims: Sequence[PersistentVolumeClaim], nodes: Snapshot, rows: Rows) -> _Chosen:
    """On each row, a volume of its own for each claim. The smallest claim comes first and gets the smallest volume."""
    length = nodes.length(rows)
    fits, taken, choices = np.ones(length, np.bool_), dict[str, Mask](), []
    for claim in sorted(claims, key=lambda one: size(one.spec.resources.requests)):
        candidates = nodes.storage.free_for(claim)
        picked = np.full(length, _PROVISION, np.int64)
        for number, volume in enumerate(candidates):
            name = volume.metadata.name
            used = taken.setdefault(name, np.zeros(length, np.bool_))
            here = rows_reaching(volume, nodes)[rows] & (picked == _PROVISION) & ~used
            picked[here] = number
            taken[name] = used | here
        fits &= (picked != _PROVISION) | _can_provision(claim, nodes)[rows]
        if node := nodes.storage.node_of(claim):
            fits &= _only(node, nodes)[rows]
        choices.append(_Choice(claim, candidates, picked))
    return _Chosen(fits, choices)


def _only(node: str, nodes: Snapshot) -> Mask:
    found = np.zeros(nodes.size, np.bool_)
    if (row := nodes.row(node)) is not None:
        found[row] = True
    return found


def _can_provision(claim: PersistentVolumeClaim, nodes: Snapshot) -> Mask:
    """The rows where the provisioner of the claim's class may make a volume."""
    found = nodes.storage.classes.get(claim.spec.storageClassName)
    if found is None or found.provisioner == NO_PROVISIONER:
        return np.zeros(nodes.size, np.bool_)
    if not found.allowedTopologies:
        return np.ones(nodes.size, np.bool_)
    allowed = np.zeros(nodes.size, np.bool_)
    for term in found.allowedTopologies:
        of_term = np.ones(nodes.size, np.bool_)
        for each in term.matchLabelExpressions:
            requirement = pod_pb2.NodeSelectorRequirement(key=each.key, operator="In", values=each.values)
            of_term &= nodes.labels.column(each.key).matches(requirement)[: nodes.size]
        allowed |= of_term
    return allowed
