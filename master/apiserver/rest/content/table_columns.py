"""How Kubernetes spells the columns of its tables, and of which types their cells are. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from podlab.api.cells import ColumnWords
from podlab.kinds.resource import Resource

Cell = str | int | float | bool | None

_SPELT = {
    header.upper(): header
    for header in (
        "AddressType", "AllowVolumeExpansion", "AttachRequired", "CIDRs", "cpu", "DistinguisherMethod", "DriverName",
        "HandSize", "IP", "MatchingPrecedence", "MaxPods", "memory", "MinPods", "MissingPL", "NominalConcurrencyShares",
        "OS-Image", "ParamKind", "ParamRef", "ParentRef", "PodInfoOnMount", "PolicyName", "PreemptionPolicy",
        "PriorityLevel", "PV", "QueueLengthLimit",
        "ReclaimPolicy", "RequestedDuration", "RequiresRepublish", "ServiceAccounts", "SignerName", "StorageCapacity",
        "StorageClass", "StorageClassName", "TokenRequests", "Up-to-date", "VolumeAttributesClass", "VolumeBindingMode",
        "VolumeMode",
    )
}  # fmt: skip
_READ: Mapping[str, Callable[[str], Cell]] = {"integer": int, "boolean": "true".__eq__}


def definitions(resource: Resource) -> list[dict[str, Any]]:
    """The columns of the kind's tables; what kubectl shows with `-o wide` alone has priority 1."""
    table = resource.table
    always = table.columns()
    return [
        {
            "name": words.name,
            "type": table.types.get(header, "string"),
            "format": words.format,
            "description": words.description,
            "priority": words.priority,
        }
        for header in table.columns(wide=True)
        for words in [table.words.get(header) or _words(resource, header, always=header in always)]
    ]


def _words(resource: Resource, header: str, *, always: bool) -> ColumnWords:
    name = title(header)
    told = f"{name} of the {resource.kind.name}, as kubectl prints it"
    return ColumnWords(name, "name" if header == "NAME" else "", told, 0 if always else 1)


def cells(resource: Resource, texts: Sequence[str]) -> list[Cell]:
    """A row's cells, each of the type that clients read."""
    made: list[Cell] = list(texts)
    for index, read in _readers(resource):
        made[index] = read(texts[index])
    return made


@lru_cache(maxsize=512)
def _readers(resource: Resource) -> list[tuple[int, Callable[[str], Cell]]]:
    """Of the cells that are no text: where they stand, and how they are read."""
    table = resource.table
    found = (
        (index, table.untold.get(header) or _READ.get(table.types.get(header, "")))
        for index, header in enumerate(table.columns(wide=True))
    )
    return [(index, read) for index, read in found if read is not None]


def title(header: str) -> str:
    """NOMINATED NODE as Nominated Node, CLUSTER-IP as Cluster-IP."""
    if header in _SPELT:
        return _SPELT[header]
    return " ".join("-".join(map(_word, part.split("-"))) for part in header.split(" "))


def _word(word: str) -> str:
    return _SPELT.get(word) or word.capitalize()
