"""How Kubernetes spells the columns of its tables, and of which types their cells are. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from podlab.api import columns
from podlab.api.kinds import Kind

Cell = str | int | bool

_SPELT = {
    header.upper(): header
    for header in (
        "AddressType", "AllowVolumeExpansion", "cpu", "IP", "MaxPods", "memory", "MinPods", "OS-Image",
        "PreemptionPolicy", "ReclaimPolicy", "RequestedDuration", "ServiceAccounts", "SignerName", "StorageClass",
        "Up-to-date", "VolumeAttributesClass", "VolumeBindingMode", "VolumeMode",
    )
}  # fmt: skip
_COUNTS = ("DESIRED", "CURRENT", "READY")
# Columns of another type than string.
_TYPES: Mapping[str, Mapping[str, str]] = {
    "ClusterRole": {"CREATED AT": "date"},
    "CronJob": {"SUSPEND": "boolean", "ACTIVE": "integer"},
    "DaemonSet": dict.fromkeys((*_COUNTS, "UP-TO-DATE", "AVAILABLE"), "integer"),
    "Event": {"COUNT": "integer"},
    "LimitRange": {"CREATED AT": "date"},
    "PodDisruptionBudget": {"ALLOWED DISRUPTIONS": "integer"},
    "PriorityClass": {"VALUE": "integer", "GLOBAL-DEFAULT": "boolean"},
    "ReplicaSet": dict.fromkeys(_COUNTS, "integer"),
    "ReplicationController": dict.fromkeys(_COUNTS, "integer"),
    "Role": {"CREATED AT": "date"},
    "Secret": {"DATA": "integer"},
}
# Cells that are no text though their column says so: Kubernetes does not keep to its own definitions here.
_UNTOLD: Mapping[str, Mapping[str, Callable[[str], Cell]]] = {
    "ConfigMap": {"DATA": int},
    "ControllerRevision": {"REVISION": int},
    "CronJob": {"SUSPEND": str},
    "Deployment": {"UP-TO-DATE": int, "AVAILABLE": int},
    "HorizontalPodAutoscaler": {"MAXPODS": int, "REPLICAS": int},
    "ServiceAccount": {"SECRETS": int},
    "StorageClass": {"ALLOWVOLUMEEXPANSION": "true".__eq__},
}
_READ: Mapping[str, Callable[[str], Cell]] = {"integer": int, "boolean": "true".__eq__}


def definitions(kind: Kind) -> list[dict[str, Any]]:
    """The columns of the kind's tables; what kubectl shows with `-o wide` alone has priority 1."""
    always = columns.columns(kind)
    return [
        {
            "name": title(header),
            "type": _TYPES.get(kind.name, {}).get(header, "string"),
            "format": "name" if header == "NAME" else "",
            "description": f"{title(header)} of the {kind.name}, as kubectl prints it",
            "priority": 0 if header in always else 1,
        }
        for header in columns.columns(kind, wide=True)
    ]


def cells(kind: Kind, texts: Sequence[str]) -> list[Cell]:
    """A row's cells, each of the type that clients read."""
    made: list[Cell] = list(texts)
    for index, read in _readers(kind):
        made[index] = read(texts[index])
    return made


@cache
def _readers(kind: Kind) -> list[tuple[int, Callable[[str], Cell]]]:
    """Of the cells that are no text: where they stand, and how they are read."""
    types, untold = _TYPES.get(kind.name, {}), _UNTOLD.get(kind.name, {})
    found = (
        (index, untold.get(header) or _READ.get(types.get(header, "")))
        for index, header in enumerate(columns.columns(kind, wide=True))
    )
    return [(index, read) for index, read in found if read is not None]


def title(header: str) -> str:
    """NOMINATED NODE as Nominated Node, CLUSTER-IP as Cluster-IP."""
    if header in _SPELT:
        return _SPELT[header]
    return " ".join("-".join(map(_word, part.split("-"))) for part in header.split(" "))


def _word(word: str) -> str:
    return _SPELT.get(word) or word.capitalize()
