"""What a node may be given, as slices come, change and go."""

from __future__ import annotations

from podlab_testing import allocations

from master.scheduler.devices.inventory import Inventory
from master.scheduler.devices.offers import TargetNode
from podlab.api.values.jsonvalues import Json

ZONE: Json = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["x"]}]}]}


def _devices(known: Inventory, name: str = "n1", **labels: str) -> list[str]:
    return [str(each.device.id) for each in known.pools_for(TargetNode(name, labels)).devices]


def test_slices_come_change_and_go() -> None:
    known = Inventory()
    assert _devices(known) == []
    known.set_slice("slice", allocations.resource_slice("slice", {"devices": ["a"]}))
    assert _devices(known) == ["gpu.example.com/n1/a"]
    known.set_slice("slice", allocations.resource_slice("slice", {"devices": ["a", "b"]}))
    assert _devices(known) == ["gpu.example.com/n1/a", "gpu.example.com/n1/b"]
    known.set_slice("slice", allocations.resource_slice("slice", {"nodeName": "n2", "devices": ["a"]}))
    assert _devices(known) == []
    assert _devices(known, "n2") == ["gpu.example.com/n2/a"]
    known.set_slice("slice", None)
    known.set_slice("slice", None)
    assert _devices(known, "n2") == []


def test_a_slice_of_another_node_may_end_a_generation() -> None:
    known = Inventory()
    first: Json = {"name": "p", "generation": 1}
    known.set_slice("s1", allocations.resource_slice("s1", {"pool": first, "devices": ["a"]}))
    assert _devices(known) == ["gpu.example.com/p/a"]
    second: Json = {"name": "p", "generation": 2}
    known.set_slice("s2", allocations.resource_slice("s2", {"nodeName": "n2", "pool": second, "devices": ["b"]}))
    assert _devices(known) == []
    known.set_slice("s2", None)
    assert _devices(known) == ["gpu.example.com/p/a"]


def test_a_node_reaches_others_when_its_labels_change() -> None:
    known = Inventory()
    known.set_slice("slice", allocations.resource_slice("slice", {"nodeSelector": ZONE, "devices": ["a"]}))
    assert _devices(known, zone="x") == ["gpu.example.com/shared/a"]
    assert _devices(known, zone="y") == []
    assert _devices(known, zone="x") == ["gpu.example.com/shared/a"]
