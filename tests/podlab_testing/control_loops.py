"""The control loops: what wakes each and what it writes. `make control-loops` tells ARCHITECTURE.md.

`tests/architecture/test_control_loops.py` finds two loops that write the same field. Integration tests find a loop that
writes what is not said here (`observed_client.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

from master.controllers.framework.informers import Informers
from master.controllers.main import EventRecorders, controllers
from master.controllers.settings import ControllersSettings
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.tls import Tls
from podlab_testing.source_code import PROJECT

PAGE = PROJECT / "ARCHITECTURE.md"
_BEGIN, _END = "<!-- control loops: begin -->\n", "<!-- control loops: end -->\n"
MANY = 20  # kinds


@dataclass(frozen=True)
class ControlLoop:
    """`writes` are fields, with all that is below them, and `KIND create`, `KIND delete`."""

    name: str
    writes: tuple[str, ...]


_PODS = ("Pod create", "Pod delete", "Pod.metadata.ownerReferences")
_REVISIONS = (
    "ControllerRevision create",
    "ControllerRevision delete",
    "ControllerRevision.metadata.ownerReferences",
    "ControllerRevision.revision",
)
_COUNTED = "Pod.metadata.finalizers[batch.kubernetes.io/job-tracking]"

LOOPS = (
    ControlLoop("nodeipam", ("Node.spec.podCIDR", "Node.spec.podCIDRs")),
    ControlLoop("nodelifecycle", ("Node.spec.taints", "Node.status.conditions", "Pod.status.conditions[Ready]")),
    ControlLoop("tainteviction", ("Pod delete", "Pod.status.conditions[DisruptionTarget]")),
    ControlLoop(
        "deployment",
        (
            "Deployment.metadata.annotations[deployment.kubernetes.io/revision]",
            "Deployment.status",
            "ReplicaSet create",
            "ReplicaSet delete",
            "ReplicaSet.metadata.annotations",
            "ReplicaSet.metadata.ownerReferences",
            "ReplicaSet.spec",
        ),
    ),
    ControlLoop("replicaset", (*_PODS, "ReplicaSet.status")),
    ControlLoop("replicationcontroller", (*_PODS, "ReplicationController.status")),
    ControlLoop(
        "statefulset",
        (
            *_PODS,
            *_REVISIONS,
            "Pod.metadata.labels",
            "PersistentVolumeClaim create",
            "PersistentVolumeClaim.metadata.ownerReferences",
            "StatefulSet.status",
        ),
    ),
    ControlLoop("daemonset", (*_PODS, *_REVISIONS, "DaemonSet.status")),
    ControlLoop("job", (*_PODS, _COUNTED, "Job.status")),
    ControlLoop("job-tracking", (_COUNTED,)),
    ControlLoop("ttl-after-finished", ("Job delete",)),
    ControlLoop("cronjob", ("CronJob.status", "Job create", "Job delete")),
    ControlLoop(
        "horizontalpodautoscaler",
        (
            "Custom.content",
            "Deployment.spec.replicas",
            "HorizontalPodAutoscaler.status",
            "ReplicaSet.spec.replicas",
            "ReplicationController.spec.replicas",
            "StatefulSet.spec.replicas",
        ),
    ),
    ControlLoop("disruption", ("PodDisruptionBudget.status",)),
    ControlLoop("stale-pod-disruption", ("Pod.status.conditions[DisruptionTarget]",)),
    ControlLoop(
        "persistentvolume",
        (
            "PersistentVolume.metadata.annotations[pv.kubernetes.io/bound-by-controller]",
            "PersistentVolume.spec.claimRef",
            "PersistentVolume.status",
            "PersistentVolumeClaim.metadata.annotations[pv.kubernetes.io/bind-completed]",
            "PersistentVolumeClaim.metadata.annotations[pv.kubernetes.io/bound-by-controller]",
            "PersistentVolumeClaim.metadata.annotations[volume.kubernetes.io/storage-provisioner]",
            "PersistentVolumeClaim.spec.storageClassName",
            "PersistentVolumeClaim.spec.volumeName",
            "PersistentVolumeClaim.status",
        ),
    ),
    ControlLoop(
        "provisioner",
        (
            "PersistentVolume create",
            "PersistentVolume delete",
            "PersistentVolume.metadata.finalizers[podlab.io/local-path]",
            "PersistentVolumeClaim.metadata.annotations[volume.kubernetes.io/selected-node]",
        ),
    ),
    ControlLoop(
        "storageprotection",
        (
            "PersistentVolume.metadata.finalizers[kubernetes.io/pv-protection]",
            "PersistentVolumeClaim.metadata.finalizers[kubernetes.io/pvc-protection]",
        ),
    ),
    ControlLoop("ephemeral-volume", ("PersistentVolumeClaim create",)),
    ControlLoop("attachdetach", ("VolumeAttachment create", "VolumeAttachment delete")),
    ControlLoop(
        "resourceclaim",
        (
            "Pod.status.resourceClaimStatuses",
            "ResourceClaim create",
            "ResourceClaim delete",
            "ResourceClaim.metadata.finalizers[resource.kubernetes.io/delete-protection]",
            "ResourceClaim.status.allocation",
            "ResourceClaim.status.reservedFor",
        ),
    ),
    ControlLoop("device-taint-eviction", ("Pod delete", "Pod.status.conditions[DisruptionTarget]")),
    ControlLoop(
        "endpointslice",
        ("EndpointSlice create", "EndpointSlice delete", "EndpointSlice.endpoints", "EndpointSlice.ports"),
    ),
    ControlLoop("endpoints", ("Endpoints create", "Endpoints delete", "Endpoints.metadata", "Endpoints.subsets")),
    ControlLoop(
        "endpointslicemirroring",
        ("EndpointSlice create", "EndpointSlice delete", "EndpointSlice.endpoints", "EndpointSlice.ports"),
    ),
    ControlLoop(
        "servicecidr",
        ("ServiceCIDR.metadata.finalizers[networking.k8s.io/service-cidr-finalizer]", "ServiceCIDR.status.conditions"),
    ),
    ControlLoop(
        "loadbalancer",
        (
            "Service.metadata.annotations[podlab.io/ip-allocated-from-pool]",
            "Service.metadata.finalizers[service.kubernetes.io/load-balancer-cleanup]",
            "Service.status.loadBalancer",
        ),
    ),
    ControlLoop("namespace", ("* delete", "Namespace.spec.finalizers", "Namespace.status.conditions")),
    ControlLoop("serviceaccount", ("ServiceAccount create",)),
    ControlLoop("root-ca-certificate-publisher", ("ConfigMap create", "ConfigMap.data")),
    ControlLoop(
        "serviceaccount-token",
        ("Secret delete", "Secret.data", "Secret.metadata.annotations[kubernetes.io/service-account.uid]"),
    ),
    ControlLoop(
        "garbagecollector",
        (
            "* delete",
            "*.metadata.finalizers[foregroundDeletion]",
            "*.metadata.finalizers[orphan]",
            "*.metadata.ownerReferences",
        ),
    ),
    ControlLoop("podgc", ("Pod delete", "Pod.status.conditions[DisruptionTarget]", "Pod.status.phase")),
    ControlLoop(
        "certificates",
        (
            "CertificateSigningRequest delete",
            "CertificateSigningRequest.status.certificate",
            "CertificateSigningRequest.status.conditions",
        ),
    ),
    ControlLoop("clusterrole_aggregation", ("ClusterRole.rules",)),
    ControlLoop("resourcequota", ("ResourceQuota.status",)),
)

# Written by several, each with the reason why they cannot come in each other's way.
SHARED = {
    _COUNTED: "job takes it off a pod that it has counted, job-tracking off one whose job is gone",
    "EndpointSlice.endpoints": "each slice is labelled with the loop that manages it, and the other leaves it alone",
    "EndpointSlice.ports": "as for endpoints",
    "ReplicaSet.spec.replicas": "an autoscaler is aimed at a ReplicaSet only where no Deployment stands above it",
    "Pod.metadata.ownerReferences": "a reference to the loop's own owner, where there is no other",
    "ReplicaSet.metadata.ownerReferences": "as for pods; the garbage collector takes out owners that are gone",
    "ControllerRevision.revision": "each loop writes those of its own kind's objects",
    "ControllerRevision.metadata.ownerReferences": "as for pods; the garbage collector takes out owners that are gone",
    "PersistentVolumeClaim.metadata.ownerReferences": "whom the claim goes with; as above",
    "Pod.status.conditions[DisruptionTarget]": "whoever takes a pod away says why, once; taken back where it stays",
}


def is_declared(loop: str, field: str) -> bool:
    """Whether the loop may write it. Events belong to all; nobody writes them again."""
    return field == "Event create" or any(
        covers(declared, field) for one in LOOPS if one.name == loop for declared in one.writes
    )


def covers(declared: str, field: str) -> bool:
    """Whether a declared field is that field or holds it. `*` stands for any kind."""
    if declared.startswith("*"):
        kind_end = min(index for index in (field.find("."), field.find(" ")) if index >= 0)
        declared, field = declared[1:], field[kind_end:]
    return field == declared or field.startswith((f"{declared}.", f"{declared}["))


@cache
def subscriptions() -> dict[str, frozenset[str]]:
    """The kinds whose changes wake each loop that podlab-controllers runs."""
    tls = Tls(*[Path(__file__)] * 3)  # some files that can be read
    settings = ControllersSettings(apiserver="", bind_address="", tls=tls, pod_cidr="10.244.0.0/16")
    client = MagicMock(Client, channel=None)  # nothing is asked of it
    informers = Informers(client)
    asked: list[tuple[str, frozenset[int]]] = []
    kinds = {id(informer): kind.kind for kind, informer in informers.by_kind.items()}

    def noted(informer: Informer[Any], _: object) -> None:
        asked.append((kinds[id(informer)], frozenset(id(one) for one in _callers())))

    with patch.object(Informer, "on_change", noted):
        loops = controllers(settings, client, informers, EventRecorders(client))
    return {one.name: frozenset(kind for kind, callers in asked if id(one) in callers) for one in loops}


def _callers() -> Iterator[object]:
    """The objects whose methods have led here."""
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        if "self" in frame.f_locals:
            yield frame.f_locals["self"]


def _watched(loop: ControlLoop) -> str:
    kinds = subscriptions()[loop.name]
    return "every kind" if len(kinds) > MANY else ", ".join(sorted(kinds))


def table() -> str:
    """As ARCHITECTURE.md has it."""
    rows = [f"| {one.name} | {_watched(one)} | {', '.join(one.writes)} |" for one in LOOPS]
    return "\n".join(["| loop | woken by | writes |", "| --- | --- | --- |", *rows, ""])


def told() -> str:
    """The table that ARCHITECTURE.md has."""
    return PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(before + _BEGIN + table() + _END + rest.partition(_END)[2])
