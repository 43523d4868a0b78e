"""What drivers offer: slices, devices, and which nodes reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.api.selection.nodeselectors import Terms, selects, terms_of
from podlab.core.v1.pod_pb2 import NodeSelector
from podlab.resource.v1.resourceslice_pb2 import Device, ResourceSlice


@dataclass(frozen=True, slots=True, order=True)
class PoolId:
    """A driver's pool."""

    driver: str
    pool: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}"


@dataclass(frozen=True, slots=True, order=True)
class DeviceId:
    """A device in a pool."""

    driver: str
    pool: str
    device: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}/{self.device}"


@dataclass(frozen=True, slots=True)
class TargetNode:
    """A node that devices are to be used from."""

    name: str
    labels: Mapping[str, str]


class Reach:
    """Which nodes reach something: one by its name, all, or those that a selector means; none without any of these."""

    def __init__(self, node_name: str, selector: NodeSelector | None, *, all_nodes: bool) -> None:
        self.node_name = node_name
        self.selector = selector
        self._all_nodes = all_nodes
        self._terms: Terms = terms_of(selector) if selector is not None else ()

    def has(self, node: TargetNode) -> bool:
        """Whether the node reaches it."""
        if self.node_name:
            return node.name == self.node_name
        return self._all_nodes or selects(self._terms, node.name, node.labels)


class OfferedDevice:
    """A device of a slice. Which selectors choose it is remembered, as neither of them changes."""

    def __init__(self, driver: str, pool: str, device: Device, own_reach: Reach | None, slice_reach: Reach) -> None:
        self.id = DeviceId(driver, pool, device.name)
        self.device = device
        self.reach = own_reach or slice_reach
        self.own_reach = own_reach
        """None where the slice says it for all its devices."""
        self._chosen: dict[str, bool] = {}
        self._variables: Mapping[str, object] | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several requests may have it at once, as far as its capacity goes."""
        return bool(self.device.allowMultipleAllocations)

    def is_chosen_by(self, expression: str) -> bool:
        """Raises CompileError, EvaluationError and CostLimitExceeded."""
        chosen = self._chosen.get(expression)
        if chosen is None:
            chosen = self._chosen[expression] = self._matches(expression)
        return chosen

    def _matches(self, expression: str) -> bool:
        # Where no claim has a selector, the scheduler does without the 8 MiB that CEL takes.
        from podlab.cel.devices import selectors

        if self._variables is None:
            self._variables = selectors.variables(self.id.driver, self.device)
        return selectors.matches(expression, self._variables)


class OfferedSlice:
    """A ResourceSlice, read once."""

    def __init__(self, given: ResourceSlice) -> None:
        spec = given.spec
        self.given = given
        self.name = str(given.metadata.name)
        self.pool = PoolId(spec.driver, spec.pool.name)
        self.node_name = str(spec.nodeName)
        selector = spec.nodeSelector if spec.HasField("nodeSelector") else None
        self._reach = Reach(self.node_name, selector, all_nodes=spec.allNodes)
        per_device = spec.perDeviceNodeSelection
        self.devices = tuple(
            OfferedDevice(spec.driver, spec.pool.name, each, _reach_of(each) if per_device else None, self._reach)
            for each in spec.devices
        )
        self.holds_counters = bool(spec.sharedCounters)

    def is_relevant_for(self, node: TargetNode) -> bool:
        """Whether the node reaches it, or one of its devices, or needs it for the counters of other slices."""
        if self.holds_counters:
            return True
        if self.given.spec.perDeviceNodeSelection:
            return any(each.reach.has(node) for each in self.devices)
        return self._reach.has(node)


def _reach_of(device: Device) -> Reach:
    selector = device.nodeSelector if device.HasField("nodeSelector") else None
    return Reach(device.nodeName, selector, all_nodes=device.allNodes)
