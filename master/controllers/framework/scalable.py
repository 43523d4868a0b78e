"""Workloads that have a scale: a number of replicas that others may set."""

from __future__ import annotations

from typing import Any

from master.controllers.framework.informers import Informers

SCALABLE = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})


def workload(informers: Informers, kind: str, name: str, namespace: str) -> Any | None:
    """The object that has the scale; None where there is none, or one of another kind."""
    return informers.by_kind[kind].get(name, namespace) if kind in SCALABLE else None
