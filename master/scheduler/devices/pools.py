"""The pools that a node can be given devices of: whole ones, of their newest generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from master.scheduler.devices.offers import OfferedDevice, OfferedSlice, PoolId, TargetNode
from podlab.api.values import quantity

CounterSets = Mapping[str, Mapping[str, Fraction]]
"""Amounts by the name of their set and their own."""


@dataclass(frozen=True)
class Pool:
    """`slices` are those that the node reaches, `elsewhere` the pool's others, which may use up the same counters.

    `is_incomplete`: not all of its slices are known. `why_invalid`: what is wrong with it; empty when nothing is.
    """

    id: PoolId
    slices: Sequence[OfferedSlice] = ()
    elsewhere: Sequence[OfferedSlice] = ()
    counter_sets: CounterSets = field(default_factory=dict)
    is_incomplete: bool = False
    why_invalid: str = ""

    @property
    def is_usable(self) -> bool:
        return not self.is_incomplete and not self.why_invalid

    @property
    def devices(self) -> Iterator[OfferedDevice]:
        """Those of the slices that the node reaches."""
        return (device for one in self.slices for device in one.devices)


@dataclass(frozen=True)
class PooledDevice:
    """A device, and its pool."""

    pool: Pool
    device: OfferedDevice


@dataclass(frozen=True)
class NodePools:
    """What a node may be given, in the order in which devices are tried: those that need no preparation first, then by
    name. `devices` are those of the pools that can be used."""

    node: TargetNode
    pools: Sequence[Pool]
    devices: Sequence[PooledDevice]


def node_pools(node: TargetNode, pools: Iterable[Pool | None]) -> NodePools:
    """Of pools in their order; None stands for those that have nothing for the node."""
    ordered = sorted((pool for pool in pools if pool is not None), key=_must_be_prepared)
    devices = [PooledDevice(pool, device) for pool in ordered if pool.is_usable for device in pool.devices]
    return NodePools(node, ordered, devices)


def _must_be_prepared(pool: Pool) -> bool:
    return any(each.device.bindingConditions for each in pool.devices)


def pool_of(pool: PoolId, known: Iterable[OfferedSlice], node: TargetNode) -> Pool | None:
    """The pool as the node sees it, of its known slices; None when it has nothing for the node."""
    slices = sorted(known, key=lambda one: one.name)
    generation = max(one.given.spec.pool.generation for one in slices)
    newest = [one for one in slices if one.given.spec.pool.generation == generation]
    relevant = [one for one in newest if one.is_relevant_for(node)]
    if not relevant:
        return None
    if len(newest) != relevant[0].given.spec.pool.resourceSliceCount:
        return Pool(pool, is_incomplete=True)
    with_devices = [one for one in relevant if not one.holds_counters]
    sets, why_invalid = _counter_sets(newest)
    why_invalid = _why_names_invalid(with_devices) or why_invalid or _why_counters_invalid(newest, sets)
    if why_invalid:
        return Pool(pool, why_invalid=why_invalid)
    return Pool(pool, with_devices, [one for one in newest if one not in relevant], sets)


def _why_names_invalid(slices: Iterable[OfferedSlice]) -> str:
    names = set[str]()
    for device in (device for one in slices for device in one.devices):
        if device.id.device in names:
            return f"duplicate device name {device.id.device}"
        names.add(device.id.device)
    return ""


def _counter_sets(slices: Iterable[OfferedSlice]) -> tuple[CounterSets, str]:
    """The sets, and what is wrong with them."""
    sets: dict[str, Mapping[str, Fraction]] = {}
    for given in (given for one in slices for given in one.given.spec.sharedCounters):
        if given.name in sets:
            return {}, f"duplicate counter set name {given.name}"
        sets[given.name] = {name: quantity.parse(counter.value) for name, counter in given.counters.items()}
    return sets, ""


def _why_counters_invalid(slices: Iterable[OfferedSlice], sets: CounterSets) -> str:
    for device in (device for one in slices for device in one.devices):
        for used in device.device.consumesCounters:
            if used.counterSet not in sets:
                return f"counter set {used.counterSet} not found"
            for name in sorted(used.counters):
                if name not in sets[used.counterSet]:
                    return f"counter {name} not found in counter set {used.counterSet}"
    return ""
