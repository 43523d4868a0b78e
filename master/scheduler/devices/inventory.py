"""All slices that drivers have published, found by pool and by node."""

from __future__ import annotations

from collections import defaultdict

from master.scheduler.devices.offers import OfferedSlice, PoolId, TargetNode
from master.scheduler.devices.pools import NodePools, node_pools, pool_of
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice


class Inventory:
    """`set_slice` as informers tell. What a node may be given is remembered until one of them changes."""

    def __init__(self) -> None:
        self._slices: dict[str, OfferedSlice] = {}
        self._of_pool: defaultdict[PoolId, dict[str, OfferedSlice]] = defaultdict(dict)
        self._pools_of_node: defaultdict[str, dict[PoolId, int]] = defaultdict(dict)  # "" for those of several nodes
        self._remembered: dict[str, NodePools] = {}

    def __bool__(self) -> bool:
        return bool(self._slices)

    def set_slice(self, name: str, given: ResourceSlice | None) -> None:
        """Takes in a slice; None when it is gone."""
        self._remembered.clear()
        if (old := self._slices.pop(name, None)) is not None:
            self._count(old, -1)
            del self._of_pool[old.pool][name]
            if not self._of_pool[old.pool]:
                del self._of_pool[old.pool]
        if given is not None:
            new = self._slices[name] = OfferedSlice(given)
            self._of_pool[new.pool][name] = new
            self._count(new, 1)

    def pools_for(self, node: TargetNode) -> NodePools:
        """What the node may be given."""
        found = self._remembered.get(node.name)
        if found is None or found.node.labels != node.labels:
            names = sorted({*self._pools_of_node.get(node.name, ()), *self._pools_of_node.get("", ())})
            pools = (pool_of(name, self._of_pool[name].values(), node) for name in names)
            found = self._remembered[node.name] = node_pools(node, pools)
        return found

    def _count(self, one: OfferedSlice, sign: int) -> None:
        pools = self._pools_of_node[one.node_name]
        pools[one.pool] = pools.get(one.pool, 0) + sign
        if not pools[one.pool]:
            del pools[one.pool]
        if not pools:
            del self._pools_of_node[one.node_name]
