"""The kind Node."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age, joined
from podlab.api.kinds import of
from podlab.api.objects import condition
from podlab.core.v1.node_pb2 import Node
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import IMAGES, NODE_PROXY, STATS, STATUS, TRACE

_ROLE_PREFIX = "node-role.kubernetes.io/"
_NODE_WIDE = ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME")


def _cells(item: Node, now: datetime) -> Cells:
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


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import cluster
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        keeps_status_at_create=True,
        rules=Rules(cluster.check_node, cluster.check_node_update, cluster.check_node_status),
    )


RESOURCE = Resource(
    of(Node),
    subresources=(
        STATUS,
        NODE_PROXY,
        STATS,
        IMAGES,
        TRACE,
    ),
    table=Table(_cells, ("NAME", "STATUS", "ROLES", "AGE", "VERSION", *_NODE_WIDE), frozenset(_NODE_WIDE)),
    selectable_fields=("spec.unschedulable",),
    load_strategy=_strategy,
)
