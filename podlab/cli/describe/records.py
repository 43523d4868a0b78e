"""Kinds that are little more than their data: ConfigMap, Secret, Namespace, Lease, Event, CustomResourceDefinition."""

from podlab.api.values import times
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, conditions, events, heading, moment
from podlab.cli.describe.layout import Fields
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.meta.v1.meta_pb2 import MicroTime


def config_map(found: ConfigMap, related: Related) -> Fields:
    data = [layout.block(key, found.data[key] or '""') for key in sorted(found.data)]
    binary = [layout.field(key, f"{len(found.binaryData[key])} bytes") for key in sorted(found.binaryData)]
    fields = [*heading(found.metadata), layout.group("Data", data), layout.group("BinaryData", binary)]
    return [*fields, events(related)]


def secret(found: Secret, related: Related) -> Fields:
    """The sizes of its values; `get -o yaml` shows the values."""
    data = [layout.field(key, f"{len(found.data[key])} bytes") for key in sorted(found.data)]
    return [*heading(found.metadata), layout.field("Type", found.type), layout.group("Data", data), events(related)]


def namespace(found: Namespace, related: Related) -> Fields:
    status = layout.field("Status", found.status.phase)
    fields = [*heading(found.metadata, namespaced=False), status]
    return [*fields, *([conditions(found.status.conditions)] if found.status.conditions else []), events(related)]


def lease(found: Lease, related: Related) -> Fields:
    spec = found.spec
    return [
        *heading(found.metadata),
        layout.field("Holder", spec.holderIdentity or layout.NONE),
        layout.field("Duration", f"{spec.leaseDurationSeconds} s"),
        layout.field("Acquired", _moment(spec.acquireTime)),
        layout.field("Renewed", f"{_moment(spec.renewTime)} ({times.age(spec.renewTime, related.now)} ago)"),
        layout.field("Transitions", str(spec.leaseTransitions)),
        events(related),
    ]


def event(found: Event, related: Related) -> Fields:
    about = found.involvedObject
    return [
        *heading(found.metadata),
        layout.field("About", f"{about.kind} {about.namespace}/{about.name} {about.fieldPath}".rstrip()),
        layout.field("Type", found.type),
        layout.field("Reason", found.reason),
        layout.field("Message", found.message.strip().splitlines()),
        layout.field("From", f"{found.source.component or found.reportingComponent} {found.source.host}".rstrip()),
        layout.field("Count", str(found.series.count or found.count or 1)),
        layout.field("First Seen", moment(found.firstTimestamp)),
        layout.field("Last Seen", moment(found.lastTimestamp)),
    ]


def _moment(when: MicroTime) -> str:
    return "<unknown>" if times.is_zero(when) else times.micro_text(when)


def definition(found: CustomResourceDefinition, related: Related) -> Fields:
    spec, names = found.spec, found.spec.names
    versions = [[one.name, str(one.served), str(one.storage), str(one.deprecated)] for one in spec.versions]
    told = [[one.type, one.status, one.reason, one.message] for one in found.status.conditions]
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("Group", spec.group),
        layout.field("Kind", names.kind),
        layout.field("Plural", names.plural),
        layout.field("Short Names", list(names.shortNames)),
        layout.field("Scope", spec.scope),
        layout.table("Versions", ["Name", "Served", "Storage", "Deprecated"], versions),
        layout.field("Stored Versions", list(found.status.storedVersions)),
        layout.table("Conditions", ["Type", "Status", "Reason", "Message"], told),
        events(related),
    ]
