"""ReplicationControllers, DaemonSets, StatefulSets and ControllerRevisions."""

from podlab.api import cells
from podlab.api.serializer import manifest
from podlab.api.serializer.scalars import SCALARS
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli.describe import layout, pod
from podlab.cli.describe.basics import Related, conditions, events, heading, phases
from podlab.cli.describe.layout import Fields
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController


def replication_controller(found: ReplicationController, related: Related) -> Fields:
    return [
        *heading(found.metadata),
        layout.field("Selector", cells.labels(found.spec.selector)),
        layout.field("Replicas", f"{found.status.replicas} current / {found.spec.replicas} desired"),
        layout.field("Pods Status", phases(found.metadata, related)),
        layout.group("Pod Template", pod.template(found.spec.template)),
        conditions(found.status.conditions),
        events(related),
    ]


def daemon_set(found: DaemonSet, related: Related) -> Fields:
    status = found.status
    return [
        *heading(found.metadata),
        layout.field("Selector", cells.selector(found.spec.selector)),
        layout.field("Node-Selector", cells.labels(found.spec.template.spec.nodeSelector)),
        layout.field("Desired Number of Nodes Scheduled", str(status.desiredNumberScheduled)),
        layout.field("Current Number of Nodes Scheduled", str(status.currentNumberScheduled)),
        layout.field("Number of Nodes Scheduled with Up-to-date Pods", str(status.updatedNumberScheduled)),
        layout.field("Number of Nodes Scheduled with Available Pods", str(status.numberAvailable)),
        layout.field("Number of Nodes Misscheduled", str(status.numberMisscheduled)),
        layout.field("Pods Status", phases(found.metadata, related)),
        layout.group("Pod Template", pod.template(found.spec.template)),
        conditions(status.conditions),
        events(related),
    ]


def stateful_set(found: StatefulSet, related: Related) -> Fields:
    strategy = found.spec.updateStrategy
    claims = [
        f"{one.metadata.name}: {one.spec.resources.requests['storage'].string} {' '.join(one.spec.accessModes)}"
        for one in found.spec.volumeClaimTemplates
    ]
    partition = strategy.rollingUpdate.partition
    return [
        *heading(found.metadata),
        layout.field("Selector", cells.selector(found.spec.selector)),
        layout.field("Replicas", f"{found.spec.replicas} desired | {found.status.replicas} total"),
        layout.field("Current Revision", found.status.currentRevision or layout.NONE),
        layout.field("Update Revision", found.status.updateRevision or layout.NONE),
        layout.field("Service", found.spec.serviceName or layout.NONE),
        layout.field("Update Strategy", strategy.type),
        *([layout.field("Partition", str(partition))] if strategy.HasField("rollingUpdate") else []),
        layout.field("Pods Status", phases(found.metadata, related)),
        layout.group("Pod Template", pod.template(found.spec.template)),
        layout.field("Volume Claims", claims),
        conditions(found.status.conditions),
        events(related),
    ]


def controller_revision(found: ControllerRevision, related: Related) -> Fields:
    data = SCALARS[found.data.DESCRIPTOR.full_name].write(found.data)
    return [
        *heading(found.metadata),
        layout.field("Revision", str(found.revision)),
        layout.block("Data", manifest.write([data]) if data is not None else ""),
        events(related),
    ]
