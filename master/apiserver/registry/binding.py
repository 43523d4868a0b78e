"""What binds a pod to a node: a write of its subresource `binding`. Pure, but for the clock."""

from __future__ import annotations

from google.protobuf.message import Message

from master.apiserver.admission.write import Operation, Write, WriteContext
from master.apiserver.registry import changes
from podlab.api import kinds
from podlab.api.objects import condition, typed
from podlab.api.values import names, times
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest, Conflict
from podlab.meta.v1 import meta_pb2

SUBRESOURCE = "binding"
_ATTEMPTS = 3


def write(context: WriteContext, namespace: str, name: str, node: str, *, uid: str = "") -> Write:
    """The pod, which must have the `uid` unless that is empty, gets its node."""

    def bound(pod: Message) -> Message:
        _check_node(name, node)
        changes.check_preconditions(pod, kinds.of(pod_pb2.Pod), uid, "")
        assign(typed(pod, pod_pb2.Pod), node, times.now())
        return pod

    return Write(
        context,
        Operation.CREATE,
        kinds.of(pod_pb2.Pod),
        namespace=namespace,
        name=name,
        subresource=SUBRESOURCE,
        change=bound,
        attempts=_ATTEMPTS,
    )


def _check_node(pod: str, node: str) -> None:
    if not node:
        raise BadRequest(f'binding of pod "{pod}": node_name: Required value')
    if faults := names.rfc1123_subdomain(node):
        raise BadRequest(f'binding of pod "{pod}": node_name: Invalid value: {node!r}: {faults[0]}')


def assign(pod: pod_pb2.Pod, node: str, now: meta_pb2.Time) -> None:
    """Give the pod its node, and say so in its conditions. Raises Conflict when it has one, or is going."""
    name = pod.metadata.name
    if pod.metadata.HasField("deletionTimestamp"):
        raise Conflict.of("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if pod.spec.schedulingGates:
        raise Conflict.of("pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")
    if pod.spec.nodeName:
        raise Conflict.of("pods/binding", name, f'pod {name} is already assigned to node "{pod.spec.nodeName}"')
    pod.spec.nodeName = node
    scheduled = condition(pod.status.conditions, "PodScheduled") or pod.status.conditions.add(type="PodScheduled")
    if scheduled.status != "True":
        scheduled.status = "True"
        scheduled.lastTransitionTime.CopyFrom(now)
    scheduled.reason = scheduled.message = ""
