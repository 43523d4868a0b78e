"""Namespaces, Nodes and Leases: what the cluster keeps about itself."""

from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import namespace_pb2, node_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.metadata import standard_finalizer
from podlab.kinds.validation.pods.placement import EFFECTS
from podlab.kinds.validation.pods.resources import check_resource_list


def check_namespace(found: Findings, namespace: namespace_pb2.Namespace) -> None:
    """A Namespace's finalizers."""
    for index, finalizer in enumerate(namespace.spec.finalizers):
        found.invalid(f"spec.finalizers[{index}]", finalizer, *standard_finalizer(finalizer))


def check_node(found: Findings, node: node_pb2.Node) -> None:
    """A Node's taints and networks."""
    taken: set[tuple[str, str]] = set()
    for index, taint in enumerate(node.spec.taints):
        where = f"spec.taints[{index}]"
        found.invalid(f"{where}.key", taint.key, *syntax.qualified_name(taint.key))
        found.invalid(f"{where}.value", taint.value, *syntax.label_value(taint.value))
        found.one_of(f"{where}.effect", taint.effect, EFFECTS)
        if (taint.key, taint.effect) in taken:
            found.duplicate(where, f"{taint.key}:{taint.effect}")
        taken.add((taint.key, taint.effect))
    for index, network in enumerate(node.spec.podCIDRs):
        found.invalid(f"spec.podCIDRs[{index}]", network, *syntax.cidr(network))
    if node.spec.podCIDR:
        found.invalid("spec.podCIDR", node.spec.podCIDR, *syntax.cidr(node.spec.podCIDR))
        if node.spec.podCIDRs and node.spec.podCIDRs[0] != node.spec.podCIDR:
            found.invalid("spec.podCIDRs[0]", node.spec.podCIDRs[0], "must be the same as podCIDR")


def check_node_update(found: Findings, new: node_pb2.Node, old: node_pb2.Node) -> None:
    """Pods have addresses of a node's network, so it stays once it is given."""
    for field in ("podCIDR", "providerID"):
        before = getattr(old.spec, field)
        if before and getattr(new.spec, field) != before:
            found.forbidden(f"spec.{field}", f'node updates may not change {field} except from "" to valid')


def check_node_status(found: Findings, node: node_pb2.Node) -> None:
    """What a kubelet reports about its node."""
    check_resource_list(found, "status.capacity", node.status.capacity)
    check_resource_list(found, "status.allocatable", node.status.allocatable)
    seen: set[tuple[str, str]] = set()
    for index, address in enumerate(node.status.addresses):
        place = (address.type, address.address)
        if place in seen:
            found.duplicate(f"status.addresses[{index}]", f"{address.type}:{address.address}")
        seen.add(place)


def check_lease(found: Findings, lease: lease_pb2.Lease) -> None:
    """A Lease's numbers."""
    spec = lease.spec
    if spec.HasField("leaseDurationSeconds"):
        found.at_least("spec.leaseDurationSeconds", spec.leaseDurationSeconds, 1)
    if spec.HasField("leaseTransitions"):
        found.at_least("spec.leaseTransitions", spec.leaseTransitions, 0)
