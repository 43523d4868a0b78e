"""Workloads that have a scale: a number of replicas that others may set."""

from __future__ import annotations

from typing import Any

from master.controllers.framework.informers import Informers
from podlab.api.kinds import GroupKind
from podlab.kinds.catalog import Catalog


def workload(informers: Informers, kind: GroupKind, name: str, namespace: str) -> Any | None:
    """The object that has the scale; None where there is none, or one of another kind."""
    if not informers.catalog.catalog.is_scalable(kind):
        return None
    informer = informers.by_kind.get(kind)
    return informer.get(name, namespace) if informer is not None else None


def scalable(catalog: Catalog) -> list[str]:
    """The names of the kinds that have one."""
    return sorted(kind.name for kind in catalog.stored if catalog.is_scalable(kind.group_kind))
