"""What `get` prints for each kind: the columns of kubectl, and those of `-o wide`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from podlab.api import (
    columns_certificates,
    columns_metrics,
    columns_network,
    columns_policy,
    columns_storage,
    columns_workloads,
    kinds,
    times,
)
from podlab.api.cells import NONE, Cells, Table, age, joined, labels, selector
from podlab.api.kinds import Kind
from podlab.api.objects import condition, is_true
from podlab.api.podstate import last_restart, pod_state
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Container, Pod
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.rbac.v1.rbac_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject

_SHOWN_ENDPOINTS = 3
_ROLE_PREFIX = "node-role.kubernetes.io/"


def columns(kind: Kind, wide: bool = False) -> list[str]:
    """The headers of a kind's table."""
    table = _TABLES[kind.name]
    return table.shown(table.headers, wide)


def row(message: Message, wide: bool, now: datetime) -> list[str]:
    """The object's cells, one for each of `columns`."""
    table = _TABLES[kinds.of(message).name]
    return table.shown(table.cells(message, now), wide)


def _namespace(item: Namespace, now: datetime) -> Cells:
    return [item.metadata.name, item.status.phase, age(item, now)]


def _node(item: Node, now: datetime) -> Cells:
    ready = condition(item.status.conditions, "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"]
    if item.spec.unschedulable:
        words.append("SchedulingDisabled")
    roles = sorted(key.removeprefix(_ROLE_PREFIX) for key in item.metadata.labels if key.startswith(_ROLE_PREFIX))
    address = {one.type: one.address for one in item.status.addresses}
    info = item.status.nodeInfo
    system = (info.osImage, info.kernelVersion, info.containerRuntimeVersion)
    return [
        item.metadata.name,
        ",".join(words),
        joined(roles),
        age(item, now),
        info.kubeletVersion,
        address.get("InternalIP", NONE),
        address.get("ExternalIP", NONE),
        *(word or "<unknown>" for word in system),
    ]


def _pod(item: Pod, now: datetime) -> Cells:
    state = pod_state(item)
    last = last_restart(state)
    restarts = f"{state.restarts} ({times.age(last, now)} ago)" if state.restarts and last else str(state.restarts)
    ready = f"{state.ready}/{state.total}"
    wide = (item.status.podIP or NONE, item.spec.nodeName or NONE, item.status.nominatedNodeName or NONE)
    return [item.metadata.name, ready, state.status, restarts, age(item, now), *wide, _gates(item)]


def _gates(item: Pod) -> str:
    """How many of its readiness gates are open, of how many."""
    gates = [gate.conditionType for gate in item.spec.readinessGates]
    opened = sum(is_true(item.status.conditions, gate) for gate in gates)
    return f"{opened}/{len(gates)}" if gates else NONE


def _service(item: Service, now: datetime) -> Cells:
    ports = (
        f"{port.port}:{port.nodePort}/{port.protocol}" if port.nodePort else f"{port.port}/{port.protocol}"
        for port in item.spec.ports
    )
    return [
        item.metadata.name,
        item.spec.type,
        item.spec.clusterIP or NONE,
        "<pending>" if item.spec.type == "LoadBalancer" else NONE,
        joined(ports),
        age(item, now),
        labels(item.spec.selector),
    ]


def _config_map(item: ConfigMap, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.data) + len(item.binaryData)), age(item, now)]


def _secret(item: Secret, now: datetime) -> Cells:
    return [item.metadata.name, item.type, str(len(item.data)), age(item, now)]


def _event(item: Event, now: datetime) -> Cells:
    target = item.involvedObject
    source = ", ".join(filter(None, (item.source.component or item.reportingComponent, item.source.host)))
    first = next((when for when in (item.firstTimestamp, item.eventTime) if not times.is_zero(when)), None)
    return [
        last_seen(item, now),
        item.type,
        item.reason,
        f"{target.kind.lower()}/{target.name}",
        target.fieldPath,
        source,
        item.message.strip(),
        times.age(first, now) if first else "<unknown>",
        str(item.series.count or item.count or 1),
        item.metadata.name,
    ]


def last_seen(item: Event, now: datetime) -> str:
    """How long ago the event last happened."""
    seen = (item.series.lastObservedTime, item.lastTimestamp, item.eventTime, item.metadata.creationTimestamp)
    return next((times.age(when, now) for when in seen if not times.is_zero(when)), "<unknown>")


def happened(item: Any) -> tuple[int, int]:
    """Orders events: by the second in which they last happened, and within it as they were stored."""
    seen = item.series.lastObservedTime.seconds or item.lastTimestamp.seconds or item.eventTime.seconds
    return seen, int(item.metadata.resourceVersion or 0)


def _deployment(item: Deployment, now: datetime) -> Cells:
    return [
        item.metadata.name,
        f"{item.status.readyReplicas}/{item.spec.replicas}",
        str(item.status.updatedReplicas),
        str(item.status.availableReplicas),
        age(item, now),
        *_workload_wide(item),
    ]


def _replica_set(item: ReplicaSet, now: datetime) -> Cells:
    counts = (item.spec.replicas, item.status.replicas, item.status.readyReplicas)
    return [item.metadata.name, *map(str, counts), age(item, now), *_workload_wide(item)]


def _workload_wide(item: Deployment | ReplicaSet) -> Cells:
    containers: Sequence[Container] = item.spec.template.spec.containers
    names, images = (one.name for one in containers), (one.image for one in containers)
    return [joined(names), joined(images), selector(item.spec.selector)]


def _endpoint_slice(item: EndpointSlice, now: datetime) -> Cells:
    ports = [str(port.port) for port in item.ports]
    addresses = [address for endpoint in item.endpoints for address in endpoint.addresses]
    return [item.metadata.name, item.addressType, _first_few(ports), _first_few(addresses), age(item, now)]


def _first_few(values: list[str]) -> str:
    more = f" + {len(values) - _SHOWN_ENDPOINTS} more..." if len(values) > _SHOWN_ENDPOINTS else ""
    return (",".join(values[:_SHOWN_ENDPOINTS]) or "<unset>") + more


def _lease(item: Lease, now: datetime) -> Cells:
    return [item.metadata.name, item.spec.holderIdentity, age(item, now)]


def _role(item: Role | ClusterRole, _: datetime) -> Cells:
    return [item.metadata.name, times.text(item.metadata.creationTimestamp)]


def _binding(item: RoleBinding | ClusterRoleBinding, now: datetime) -> Cells:
    users, groups, accounts = (
        ", ".join(_subject_name(one, item) for one in item.subjects if one.kind == kind)
        for kind in ("User", "Group", "ServiceAccount")
    )
    role = f"{item.roleRef.kind}/{item.roleRef.name}"
    return [item.metadata.name, role, age(item, now), users, groups, accounts]


def _subject_name(subject: Subject, binding: RoleBinding | ClusterRoleBinding) -> str:
    if subject.kind != "ServiceAccount":
        return subject.name
    return f"{subject.namespace or binding.metadata.namespace}/{subject.name}"


_WORKLOAD_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_NODE_WIDE = ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME")
_POD_WIDE = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")
_BINDING_WIDE = ("USERS", "GROUPS", "SERVICEACCOUNTS")
_EVENT_HEADERS = "LAST SEEN|TYPE|REASON|OBJECT|SUBOBJECT|SOURCE|MESSAGE|FIRST SEEN|COUNT|NAME"
_TABLES: dict[str, Table] = {
    "Namespace": Table(_namespace, ("NAME", "STATUS", "AGE")),
    "Node": Table(_node, ("NAME", "STATUS", "ROLES", "AGE", "VERSION", *_NODE_WIDE), frozenset(_NODE_WIDE)),
    "Pod": Table(_pod, ("NAME", "READY", "STATUS", "RESTARTS", "AGE", *_POD_WIDE), frozenset(_POD_WIDE)),
    "Service": Table(
        _service,
        ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"),
        frozenset({"SELECTOR"}),
    ),
    "ConfigMap": Table(_config_map, ("NAME", "DATA", "AGE")),
    "Secret": Table(_secret, ("NAME", "TYPE", "DATA", "AGE")),
    "Event": Table(
        _event,
        tuple(_EVENT_HEADERS.split("|")),
        frozenset({"SUBOBJECT", "SOURCE", "FIRST SEEN", "COUNT", "NAME"}),
    ),
    "Deployment": Table(
        _deployment,
        ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", *_WORKLOAD_WIDE),
        frozenset(_WORKLOAD_WIDE),
    ),
    "ReplicaSet": Table(
        _replica_set,
        ("NAME", "DESIRED", "CURRENT", "READY", "AGE", *_WORKLOAD_WIDE),
        frozenset(_WORKLOAD_WIDE),
    ),
    "EndpointSlice": Table(_endpoint_slice, ("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE")),
    "Lease": Table(_lease, ("NAME", "HOLDER", "AGE")),
    "Role": Table(_role, ("NAME", "CREATED AT")),
    "ClusterRole": Table(_role, ("NAME", "CREATED AT")),
    "RoleBinding": Table(_binding, ("NAME", "ROLE", "AGE", *_BINDING_WIDE), frozenset(_BINDING_WIDE)),
    "ClusterRoleBinding": Table(_binding, ("NAME", "ROLE", "AGE", *_BINDING_WIDE), frozenset(_BINDING_WIDE)),
    **columns_network.TABLES,
    **columns_policy.TABLES,
    **columns_certificates.TABLES,
    **columns_metrics.TABLES,
    **columns_storage.TABLES,
    **columns_workloads.TABLES,
}
