"""Labels of nodes that others have taken the place of."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.selection.labels import LEGACY_REGION_LABEL, LEGACY_ZONE_LABEL
from podlab.core.v1 import pod_pb2

DEPRECATED = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    LEGACY_REGION_LABEL: ('deprecated since v1.17; use "topology.kubernetes.io/region" instead'),
    LEGACY_ZONE_LABEL: 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}


def of_key(field: str, key: str) -> Iterator[str]:
    """Of a label that a field names."""
    if key in DEPRECATED:
        yield f"{field}: {key} is {DEPRECATED[key]}"


def of_term(field: str, term: pod_pb2.NodeSelectorTerm) -> Iterator[str]:
    """Of what must hold of a node."""
    for index, expression in enumerate(term.matchExpressions):
        yield from of_key(f"{field}.matchExpressions[{index}].key", expression.key)
