"""The one table of how kinds differ when they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from master.apiserver.admission.rules.certificates import record_author
from master.apiserver.authentication.user import User
from master.apiserver.registry.strategies import certificates, daemonsets, jobs, namespaces, pods, volumes


def _nothing(*_: Any) -> None:
    """For kinds that need no more than all do."""


def _no_grace(*_: Any) -> int:
    """For objects that nobody has to wait for."""
    return 0


def _not_held(_: Any) -> bool:
    """For objects that nothing holds but their finalizers."""
    return False


@dataclass(frozen=True, slots=True)
class Strategy:
    """One kind's part in writes. The hooks change the new message, after defaults and before validation."""

    counts_generations: bool = False
    """Whether metadata.generation follows changes of what its user asks for."""
    keeps_status_at_create: bool = False
    orphans: bool = False
    """Whether a deletion that does not say leaves the object's own objects alone."""
    prepare_for_create: Callable[[Any], None] = _nothing
    record_author: Callable[[Any, User], None] = _nothing
    """Says in a new object who makes it."""
    prepare_for_update: Callable[[Any, Any], None] = _nothing
    """Takes the new object and the old one, as the next does."""
    prepare_for_status_update: Callable[[Any, Any], None] = _nothing
    grace_period_s: Callable[[Any, int | None], int] = _no_grace
    """How long a deletion waits for who runs the object, and how long it was asked to; None when nobody asked."""
    prepare_for_deletion: Callable[[Any], None] = _nothing
    is_held: Callable[[Any], bool] = _not_held
    """Whether it stays, though it is deleted and has no finalizers."""


def table() -> Mapping[str, Strategy]:
    """A strategy for each kind."""
    return {
        "Namespace": Strategy(
            prepare_for_create=namespaces.begin,
            prepare_for_update=namespaces.keep_finalizers,
            prepare_for_status_update=namespaces.keep_phase,
            prepare_for_deletion=namespaces.terminate,
            is_held=namespaces.is_held,
        ),
        "Node": Strategy(keeps_status_at_create=True),
        "Pod": Strategy(
            counts_generations=True,
            prepare_for_create=pods.begin,
            prepare_for_status_update=pods.keep_class,
            grace_period_s=pods.grace_period_s,
        ),
        "Service": Strategy(),
        "ConfigMap": Strategy(),
        "Secret": Strategy(),
        "Event": Strategy(),
        "Deployment": Strategy(counts_generations=True),
        "ReplicaSet": Strategy(counts_generations=True),
        "EndpointSlice": Strategy(counts_generations=True),
        "Lease": Strategy(),
        "Role": Strategy(),
        "RoleBinding": Strategy(),
        "ClusterRole": Strategy(),
        "ClusterRoleBinding": Strategy(),
        "ServiceAccount": Strategy(),
        "CertificateSigningRequest": Strategy(
            record_author=record_author,
            prepare_for_update=certificates.keep_spec,
            prepare_for_status_update=certificates.stamp,
        ),
        "ResourceQuota": Strategy(),
        "LimitRange": Strategy(),
        "PriorityClass": Strategy(counts_generations=True),
        "PersistentVolume": Strategy(
            prepare_for_create=volumes.begin_volume, prepare_for_status_update=volumes.note_phase
        ),
        "PersistentVolumeClaim": Strategy(prepare_for_create=volumes.begin_claim),
        "StorageClass": Strategy(),
        "Endpoints": Strategy(),
        "Ingress": Strategy(counts_generations=True),
        "IngressClass": Strategy(counts_generations=True),
        "NetworkPolicy": Strategy(counts_generations=True),
        "ReplicationController": Strategy(counts_generations=True, orphans=True),
        "DaemonSet": Strategy(
            counts_generations=True, prepare_for_create=daemonsets.begin, prepare_for_update=daemonsets.count
        ),
        "StatefulSet": Strategy(counts_generations=True),
        "ControllerRevision": Strategy(),
        "Job": Strategy(counts_generations=True, orphans=True, prepare_for_create=jobs.begin),
        "CronJob": Strategy(counts_generations=True),
        "HorizontalPodAutoscaler": Strategy(),
        "PodDisruptionBudget": Strategy(counts_generations=True),
    }
