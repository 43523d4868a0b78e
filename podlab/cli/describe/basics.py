"""What described objects of several kinds have alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from podlab.api import eventtimes
from podlab.api.objects import controller_of
from podlab.api.pods.podphase import FAILED, PENDING, RUNNING, SUCCEEDED
from podlab.api.selection.labels import LAST_APPLIED
from podlab.api.values import times
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.describe import layout
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta, Quantity, Time

_HIDDEN = (LAST_APPLIED,)


@dataclass(frozen=True)
class Related:
    """What belongs to an object and is told with it."""

    now: datetime
    events: Sequence[Event] = ()
    pods: Sequence[Pod] = ()
    slices: Sequence[EndpointSlice] = ()
    replica_sets: Sequence[ReplicaSet] = field(default=())


class _ShownCondition(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...


def heading(metadata: ObjectMeta, *, namespaced: bool = True) -> Fields:
    """Name, namespace, labels, annotations, and what is becoming of the object."""
    annotations = {key: value for key, value in metadata.annotations.items() if key not in _HIDDEN}
    fields = [
        layout.field("Name", metadata.name),
        *([layout.field("Namespace", metadata.namespace)] if namespaced else []),
        layout.field("Labels", layout.pairs(metadata.labels)),
        layout.field("Annotations", [f"{key}: {annotations[key]}" for key in sorted(annotations)]),
        layout.field("Created", moment(metadata.creationTimestamp)),
    ]
    owner = controller_of(metadata)
    if owner is not None:
        fields.append(layout.field("Controlled By", f"{owner.kind}/{owner.name}"))
    if metadata.HasField("deletionTimestamp"):
        period = f"grace period {metadata.deletionGracePeriodSeconds} s"
        fields.append(layout.field("Terminating", f"until {moment(metadata.deletionTimestamp)} ({period})"))
    if metadata.finalizers:
        fields.append(layout.field("Finalizers", list(metadata.finalizers)))
    return fields


def moment(when: Time) -> str:
    """Mon, 31 Dec 2029 23:59:59 +0000"""
    return "<unknown>" if times.is_zero(when) else times.to_datetime(when).strftime("%a, %d %b %Y %H:%M:%S +0000")


def conditions(found: Iterable[_ShownCondition]) -> LayoutField:
    rows = [[one.type, one.status, one.reason, one.message] for one in found]
    return layout.table("Conditions", ["Type", "Status", "Reason", "Message"], rows)


def phases(metadata: ObjectMeta, related: Related) -> str:
    """How many of the object's own pods are in each phase."""
    own = [one.status.phase for one in related.pods if is_owned(one.metadata, metadata)]
    return " / ".join(f"{own.count(phase)} {phase}" for phase in (RUNNING, PENDING, SUCCEEDED, FAILED))


def is_owned(metadata: ObjectMeta, owner: ObjectMeta) -> bool:
    """Whether the one object is managed by the other."""
    found = controller_of(metadata)
    return found is not None and found.uid == owner.uid


def quantities(name: str, values: Mapping[str, Quantity]) -> LayoutField:
    return layout.group(name, [layout.field(key, values[key].string) for key in sorted(values)])


def events(related: Related) -> LayoutField:
    """Oldest first."""
    rows = []
    for event in sorted(related.events, key=eventtimes.happened):
        age, count = eventtimes.last_seen(event, related.now), event.series.count or event.count
        first = event.firstTimestamp if not times.is_zero(event.firstTimestamp) else event.eventTime
        age = f"{age} (x{count} over {times.age(first, related.now)})" if count > 1 else age
        source = event.source.component or event.reportingComponent
        rows.append([event.type, event.reason, age, source, event.message.strip()])
    return layout.table("Events", ["Type", "Reason", "Age", "From", "Message"], rows)
