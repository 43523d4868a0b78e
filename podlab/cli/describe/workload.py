"""Deployments and ReplicaSets."""

from podlab.api.selection import selectors
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.describe import layout, pod
from podlab.cli.describe.basics import Related, conditions, events, heading, is_owned, phases
from podlab.cli.describe.layout import Fields
from podlab.meta.v1.meta_pb2 import IntOrString


def deployment(found: Deployment, related: Related) -> Fields:
    status, spec = found.status, found.spec
    replicas = (
        f"{spec.replicas} desired | {status.updatedReplicas} updated | {status.replicas} total"
        f" | {status.availableReplicas} available | {status.unavailableReplicas} unavailable"
    )
    rolling = spec.strategy.rollingUpdate
    bounds = f"{_share(rolling.maxUnavailable)} max unavailable, {_share(rolling.maxSurge)} max surge"
    owned = [one for one in related.replica_sets if is_owned(one.metadata, found.metadata)]
    revision = found.metadata.annotations.get(REVISION_ANNOTATION, "")
    new = [one for one in owned if one.metadata.annotations.get(REVISION_ANNOTATION, "") == revision]
    old = [one for one in owned if one not in new and one.status.replicas]
    return [
        *heading(found.metadata),
        layout.field("Selector", str(selectors.from_message(spec.selector)) or layout.NONE),
        layout.field("Replicas", replicas),
        layout.field("StrategyType", spec.strategy.type),
        layout.field("MinReadySeconds", str(spec.minReadySeconds)),
        *([layout.field("RollingUpdateStrategy", bounds)] if spec.strategy.HasField("rollingUpdate") else []),
        *([layout.field("Paused", "True")] if spec.paused else []),
        layout.group("Pod Template", pod.template(spec.template)),
        conditions(status.conditions),
        layout.field("OldReplicaSets", [_counted(one) for one in old]),
        layout.field("NewReplicaSet", [_counted(one) for one in new]),
        events(related),
    ]


def replica_set(found: ReplicaSet, related: Related) -> Fields:
    return [
        *heading(found.metadata),
        layout.field("Selector", str(selectors.from_message(found.spec.selector)) or layout.NONE),
        layout.field("Replicas", f"{found.status.replicas} current / {found.spec.replicas} desired"),
        layout.field("Pods Status", phases(found.metadata, related)),
        layout.group("Pod Template", pod.template(found.spec.template)),
        conditions(found.status.conditions),
        events(related),
    ]


def _counted(found: ReplicaSet) -> str:
    return f"{found.metadata.name} ({found.status.replicas}/{found.spec.replicas} replicas created)"


def _share(value: IntOrString) -> str:
    return value.strVal if value.type == 1 else str(value.intVal)
