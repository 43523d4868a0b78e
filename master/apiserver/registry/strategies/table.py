"""The one table of how kinds differ when they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from master.apiserver.registry.strategies import certificates, daemonsets, jobs, namespaces, nodes, pods, volumes


def _nothing(*_: Any) -> None:
    """For kinds that need no more than all do."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One kind's part in writes. The hooks change the new message, after defaults and before validation."""

    counts_generations: bool = False
    """Whether metadata.generation follows changes of what its user asks for."""
    keeps_status_at_create: bool = False
    graceful: bool = False
    """Whether a deletion waits for the node that runs it."""
    orphans: bool = False
    """Whether a deletion that does not say leaves the object's own objects alone."""
    claims: bool = False
    """Whether it holds addresses or ports that nobody else may hold."""
    at_create: Callable[[Any], None] = _nothing
    at_update: Callable[[Any, Any], None] = _nothing
    at_status: Callable[[Any, Any], None] = _nothing


def table(default_toleration_s: int) -> Mapping[str, Strategy]:
    """A strategy for each kind."""
    return {
        "Namespace": Strategy(
            at_create=namespaces.begin, at_update=namespaces.keep_finalizers, at_status=namespaces.keep_phase
        ),
        "Node": Strategy(keeps_status_at_create=True, at_create=nodes.begin),
        "Pod": Strategy(
            counts_generations=True,
            graceful=True,
            at_create=pods.beginning(default_toleration_s),
            at_update=pods.admitted_again(default_toleration_s),
            at_status=pods.keep_class,
        ),
        "Service": Strategy(claims=True),
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
        "CertificateSigningRequest": Strategy(at_update=certificates.keep_spec, at_status=certificates.stamp),
        "ResourceQuota": Strategy(),
        "LimitRange": Strategy(),
        "PriorityClass": Strategy(counts_generations=True),
        "PersistentVolume": Strategy(at_create=volumes.begin_volume, at_status=volumes.note_phase),
        "PersistentVolumeClaim": Strategy(at_create=volumes.begin_claim),
        "StorageClass": Strategy(),
        "Endpoints": Strategy(),
        "Ingress": Strategy(counts_generations=True),
        "IngressClass": Strategy(counts_generations=True),
        "NetworkPolicy": Strategy(counts_generations=True),
        "ReplicationController": Strategy(counts_generations=True, orphans=True),
        "DaemonSet": Strategy(counts_generations=True, at_create=daemonsets.begin, at_update=daemonsets.count),
        "StatefulSet": Strategy(counts_generations=True),
        "ControllerRevision": Strategy(),
        "Job": Strategy(counts_generations=True, orphans=True, at_create=jobs.begin),
        "CronJob": Strategy(counts_generations=True),
        "HorizontalPodAutoscaler": Strategy(),
        "PodDisruptionBudget": Strategy(counts_generations=True),
    }
