"""ResourceSlices: devices as their drivers offer them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from podlab.kinds.validation import syntax
from podlab.kinds.validation.devices.capacity import check_capacity
from podlab.kinds.validation.devices.parts import (
    MOST_OF_EACH,
    check_amount,
    check_binding_conditions,
    check_different,
    check_name,
    check_pool_name,
    check_qualified,
    check_required_name,
    check_taints,
    fits,
)
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.placement import check_node_selector
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.resource.v1 import resourceslice_pb2 as pb

_MOST_DEVICES, _MOST_WITH_FEATURES = 128, 64
_MOST_COUNTER_SETS = 8
_MOST_CONSUMED_SETS = 2
_MOST_TAINTS = 16
_TEXT_CHARS = 64
_NUMBER, _WORD = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMANTIC_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_WORD}(\.{_WORD})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
)
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_ONE_PLACE_EACH = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true"
    " in the ResourceSlice spec"
)
_NO_PLACE_EACH = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the"
    " ResourceSlice spec"
)


def check_new_slice(found: Findings, given: pb.ResourceSlice) -> None:
    """A ResourceSlice that there was not."""
    _check_slice(found, given.spec, {})


def check_slice_update(found: Findings, new: pb.ResourceSlice, old: pb.ResourceSlice) -> None:
    """Whose devices they are, and on which node, stays; so may what devices were before there were rules for it."""
    _check_slice(found, new.spec, {device.name: device for device in old.spec.devices})
    found.immutable("spec.pool.name", new.spec.pool.name, old.spec.pool.name, new.spec.pool.name)
    found.immutable("spec.driver", new.spec.driver, old.spec.driver, new.spec.driver)
    found.immutable("spec.nodeName", new.spec.nodeName, old.spec.nodeName, new.spec.nodeName)


def _check_slice(found: Findings, spec: pb.ResourceSliceSpec, old: Mapping[str, pb.Device]) -> None:
    check_driver_name(found, "spec.driver", spec.driver)
    _check_pool(found, "spec.pool", spec.pool)
    _check_place(found, spec)
    if spec.sharedCounters and spec.devices:
        found.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    has_features = any(device.taints or device.consumesCounters for device in spec.devices)
    if fits(found, "spec.devices", spec.devices, _MOST_WITH_FEATURES if has_features else _MOST_DEVICES):
        for index, device in enumerate(spec.devices):
            where, before = f"spec.devices[{index}]", old.get(device.name, pb.Device())
            _check_device(found, where, device, before)
            _check_device_place(found, where, device, each=spec.perDeviceNodeSelection)
        check_different(found, "spec.devices", [device.name for device in spec.devices])
    if fits(found, "spec.sharedCounters", spec.sharedCounters, _MOST_COUNTER_SETS):
        for index, counters in enumerate(spec.sharedCounters):
            where = f"spec.sharedCounters[{index}]"
            check_required_name(found, f"{where}.name", counters.name)
            _check_counters(found, f"{where}.counters", counters.counters)
        check_different(found, "spec.sharedCounters", [one.name for one in spec.sharedCounters])


def _check_pool(found: Findings, field: str, pool: pb.ResourcePool) -> None:
    check_pool_name(found, f"{field}.name", pool.name)
    if pool.resourceSliceCount <= 0:
        found.invalid(f"{field}.resourceSliceCount", pool.resourceSliceCount, "must be greater than zero")
    if pool.generation < 0:
        found.invalid(f"{field}.generation", pool.generation, "must be greater than or equal to zero")


def _check_place(found: Findings, spec: pb.ResourceSliceSpec) -> None:
    places = _places(found, "spec", spec, "must be either unset or set to a non-empty string")
    if spec.HasField("nodeSelector") and len(spec.nodeSelector.nodeSelectorTerms) != 1:
        found.breaks("spec.nodeSelector.nodeSelectorTerms", "must have exactly one node selector term")
    if spec.HasField("perDeviceNodeSelection"):
        if spec.perDeviceNodeSelection:
            places.append("`perDeviceNodeSelection`")
        else:
            found.invalid("spec.perDeviceNodeSelection", False, "must be either unset or set to true")
    if not places:
        found.required("spec", _ONE_PLACE)
    elif len(places) > 1:
        found.invalid("spec", f"{{{', '.join(places)}}}", f"{_ONE_PLACE}, but multiple fields are set")


def _check_device_place(found: Findings, field: str, device: pb.Device, *, each: bool) -> None:
    if not each:
        if device.HasField("nodeName") or device.HasField("nodeSelector") or device.HasField("allNodes"):
            found.invalid(field, None, _NO_PLACE_EACH)
        return
    places = _places(found, field, device, "must not be empty")
    if not places:
        found.required(field, _ONE_PLACE_EACH)
    elif len(places) > 1:
        found.invalid(field, f"{{{', '.join(places)}}}", _ONE_PLACE_EACH)


def _places(found: Findings, field: str, of: pb.ResourceSliceSpec | pb.Device, empty: str) -> list[str]:
    """Which of the three ways to say where devices are is used."""
    places = []
    if of.HasField("nodeName"):
        if of.nodeName:
            places.append("`nodeName`")
            found.invalid(f"{field}.nodeName", of.nodeName, *syntax.subdomain(of.nodeName))
        else:
            found.invalid(f"{field}.nodeName", "", empty)
    if of.HasField("nodeSelector"):
        places.append("`nodeSelector`")
        check_node_selector(found, f"{field}.nodeSelector", of.nodeSelector)
    if of.HasField("allNodes"):
        if of.allNodes:
            places.append("`allNodes`")
        else:
            found.invalid(f"{field}.allNodes", False, "must be either unset or set to true")
    return places


def _check_device(found: Findings, field: str, device: pb.Device, old: pb.Device) -> None:
    check_name(found, f"{field}.name", device.name)
    both = len(device.attributes) + len(device.capacity)
    if both > MOST_OF_EACH:
        told = f"the total number of attributes and capacities must not exceed {MOST_OF_EACH}"
        found.invalid(field, both, told)
    for name, attribute in sorted(device.attributes.items()):
        check_qualified(found, f"{field}.attributes", name)
        _check_attribute(found, f"{field}.attributes[{name}]", attribute)
    for name, capacity in sorted(device.capacity.items()):
        where = f"{field}.capacity[{name}]"
        check_amount(found, f"{where}.value", capacity.value)
        if capacity != old.capacity.get(name):
            check_qualified(found, f"{field}.capacity", name)
            check_capacity(found, where, capacity, shared=device.allowMultipleAllocations)
    if list(device.taints) != list(old.taints) and fits(found, f"{field}.taints", device.taints, _MOST_TAINTS):
        check_taints(found, f"{field}.taints", device.taints)
    _check_consumption(found, f"{field}.consumesCounters", device)
    check_binding_conditions(found, field, device.bindingConditions, device.bindingFailureConditions)


def _check_consumption(found: Findings, field: str, device: pb.Device) -> None:
    if not fits(found, field, device.consumesCounters, _MOST_CONSUMED_SETS):
        return
    for index, consumed in enumerate(device.consumesCounters):
        check_required_name(found, f"{field}[{index}].counterSet", consumed.counterSet)
        _check_counters(found, f"{field}[{index}].counters", consumed.counters)
    check_different(found, field, [one.counterSet for one in device.consumesCounters])


def _check_counters(found: Findings, field: str, counters: Mapping[str, pb.Counter]) -> None:
    if not counters:
        found.required(field)
    elif fits(found, field, sorted(counters)):
        for name in sorted(counters):
            check_name(found, field, name)
            check_amount(found, f"{field}[{name}].value", counters[name].value)


def _check_attribute(found: Findings, field: str, attribute: pb.DeviceAttribute) -> None:
    given = [descriptor.name for descriptor, _ in attribute.ListFields()]
    for name, text in (("string", attribute.string), ("version", attribute.version)):
        if name == "version" and attribute.HasField("version") and not _SEMANTIC_VERSION.fullmatch(text):
            found.invalid(f"{field}.version", text, "must be a string compatible with semver.org spec 2.0.0")
        if len(text.encode()) > _TEXT_CHARS:
            found.too_long(f"{field}.{name}", _TEXT_CHARS)
    if not given:
        found.invalid(field, "", "exactly one value must be specified")
    elif len(given) > 1:
        found.breaks(field, "exactly one value must be specified")
