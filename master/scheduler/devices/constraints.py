"""What the devices of a claim must have in common, or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from master.scheduler.devices.offers import OfferedDevice
from podlab.resource.v1.resourceclaim_pb2 import DeviceConstraint


class Constraint:
    """Whether one more device may be added. Each `add` that was true is undone by one `remove`, in reverse order.

    `is_distinct`: each device has another value of the attribute; else all have one.
    """

    def __init__(self, given: DeviceConstraint) -> None:
        self._requests = frozenset(given.requests)
        self.is_distinct = given.HasField("distinctAttribute")
        self._attribute = str(given.distinctAttribute if self.is_distinct else given.matchAttribute)
        self._values: Counter[Hashable] = Counter()

    def add(self, names: frozenset[str], device: OfferedDevice) -> bool:
        """`names` are what the request may be called: its own name, and that of the list it is in."""
        if not self._applies(names):
            return True
        value = _value(device, self._attribute)
        if value is None or (self._values and (value in self._values) is self.is_distinct):
            return False
        self._values[value] += 1
        return True

    def remove(self, names: frozenset[str], device: OfferedDevice) -> None:
        """The device is not to be given after all."""
        if not self._applies(names):
            return
        value = _value(device, self._attribute)
        self._values[value] -= 1
        if not self._values[value]:
            del self._values[value]

    def _applies(self, names: frozenset[str]) -> bool:
        return not self._requests or bool(self._requests & names)


def _value(device: OfferedDevice, attribute: str) -> Hashable:
    """The kind and value of the attribute; None when the device has none. The driver's own need not name its domain."""
    attributes = device.device.attributes
    domain, _, identifier = attribute.partition("/")
    name = identifier if attribute not in attributes and domain == device.id.driver else attribute
    if name not in attributes:
        return None
    found = attributes[name]
    if found.HasField("int"):
        return "int", found.int
    if found.HasField("bool"):
        return "bool", found.bool
    if found.HasField("string"):
        return "string", found.string
    return ("version", found.version) if found.HasField("version") else None
