"""Devices as their drivers offer them, and what all who name devices have alike."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.placement import check_node_selector
from podlab.kinds.validation.pods.resources import check_quantity
from podlab.kinds.validation.storage.csi import check_driver_name
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1 import device_pb2, deviceclass_pb2, resourceslice_pb2

MOST_OF_EACH = 32
_EXPRESSION_BYTES = 10 << 10
_PARAMETERS_BYTES = 10 << 10
_MOST_DEVICES = 128
_MOST_TAINTS = 16
_POOL_CHARS = 253
_TEXT_CHARS = 64
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_TOLERATED = ("NoExecute", "NoSchedule")
_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters"
    " or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def check_class(found: Findings, given: deviceclass_pb2.DeviceClass) -> None:
    """A DeviceClass, whichever way it comes."""
    check_selectors(found, "spec.selectors", given.spec.selectors)
    found.too_many("spec.config", len(given.spec.config), MOST_OF_EACH)
    for index, config in enumerate(given.spec.config):
        check_configuration(found, f"spec.config[{index}]", config.deviceConfiguration)
    if given.spec.HasField("extendedResourceName"):
        name = given.spec.extendedResourceName
        found.invalid("spec.extendedResourceName", name, *syntax.qualified_name(name))
        if "/" not in name:
            found.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")


def check_slice(found: Findings, given: resourceslice_pb2.ResourceSlice) -> None:
    """A ResourceSlice, whichever way it comes."""
    spec = given.spec
    check_driver_name(found, "spec.driver", spec.driver)
    _check_pool(found, "spec.pool", spec.pool)
    _check_place(found, spec)
    found.too_many("spec.devices", len(spec.devices), _MOST_DEVICES)
    check_different(found, "spec.devices", [device.name for device in spec.devices], "name")
    sets = {one.name for one in spec.sharedCounters}
    for index, device in enumerate(spec.devices):
        _check_device(found, f"spec.devices[{index}]", device, sets)
    check_different(found, "spec.sharedCounters", [one.name for one in spec.sharedCounters], "name")
    for index, counters in enumerate(spec.sharedCounters):
        check_name(found, f"spec.sharedCounters[{index}].name", counters.name)
        if not counters.counters:
            found.required(f"spec.sharedCounters[{index}].counters")


def check_slice_update(
    found: Findings, new: resourceslice_pb2.ResourceSlice, old: resourceslice_pb2.ResourceSlice
) -> None:
    """Whose devices they are, and where, stays."""
    found.immutable("spec.driver", new.spec.driver, old.spec.driver, new.spec.driver)
    found.immutable("spec.pool.name", new.spec.pool.name, old.spec.pool.name, new.spec.pool.name)
    found.immutable("spec.nodeName", new.spec.nodeName, old.spec.nodeName, new.spec.nodeName)
    found.immutable("spec.nodeSelector", new.spec.nodeSelector, old.spec.nodeSelector, None)
    found.immutable("spec.allNodes", new.spec.allNodes, old.spec.allNodes, new.spec.allNodes)


def check_selectors(found: Findings, field: str, selectors: Sequence[device_pb2.DeviceSelector]) -> None:
    """What devices must be."""
    found.too_many(field, len(selectors), MOST_OF_EACH)
    for index, selector in enumerate(selectors):
        where = f"{field}[{index}].cel"
        if not selector.HasField("cel"):
            found.required(where)
        elif not selector.cel.expression:
            found.required(f"{where}.expression")
        elif len(selector.cel.expression.encode()) > _EXPRESSION_BYTES:
            found.too_long(f"{where}.expression", _EXPRESSION_BYTES)


def check_configuration(found: Findings, field: str, config: device_pb2.DeviceConfiguration) -> None:
    """How devices are set up."""
    if not config.HasField("opaque"):
        found.required(f"{field}.opaque")
        return
    check_driver_name(found, f"{field}.opaque.driver", config.opaque.driver)
    check_object(found, f"{field}.opaque.parameters", config.opaque.parameters, required=True)


def check_object(found: Findings, field: str, raw: meta_pb2.RawExtension, *, required: bool) -> None:
    """JSON of an object, which is not too large."""
    if not raw.raw:
        if required:
            found.required(field)
    elif len(raw.raw) > _PARAMETERS_BYTES:
        found.too_long(field, _PARAMETERS_BYTES)
    elif not _is_object(raw.raw):
        found.invalid(field, "<value omitted>", "must be a valid JSON object")


def _is_object(raw: bytes) -> bool:
    """Over REST it is JSON by then; over gRPC it is whatever was sent."""
    try:
        return isinstance(orjson.loads(raw), dict)
    except orjson.JSONDecodeError:
        return False


def check_tolerations(found: Findings, field: str, tolerations: Sequence[device_pb2.DeviceToleration]) -> None:
    """Which marks are tolerated."""
    found.too_many(field, len(tolerations), _MOST_TAINTS)
    for index, toleration in enumerate(tolerations):
        where = f"{field}[{index}]"
        if toleration.key:
            found.invalid(f"{where}.key", toleration.key, *syntax.qualified_name(toleration.key))
        found.one_of(f"{where}.operator", toleration.operator, ("Equal", "Exists"))
        if toleration.operator == "Exists" and toleration.value:
            found.invalid(f"{where}.value", toleration.value, "must be empty for operator `Exists`")
        if toleration.operator == "Equal":
            if not toleration.key:
                found.required(f"{where}.key")
            found.invalid(f"{where}.value", toleration.value, *syntax.label_value(toleration.value))
        if toleration.effect:
            found.one_of(f"{where}.effect", toleration.effect, _TOLERATED)


def check_name(found: Findings, field: str, name: str) -> None:
    """Of a device, a request, a set of counters."""
    if name:
        found.invalid(field, name, *syntax.label(name))
    else:
        found.required(field)


def check_pool_name(found: Findings, field: str, name: str) -> None:
    """DNS subdomains with slashes between them."""
    if not name:
        found.required(field)
        return
    if len(name) > _POOL_CHARS:
        found.too_long(field, _POOL_CHARS)
    for part in name.split("/"):
        found.invalid(field, name, *syntax.subdomain(part))


def check_different(found: Findings, field: str, keys: Sequence[str], name: str = "") -> None:
    """No two are the same."""
    for index, key in enumerate(keys):
        if key in keys[:index]:
            found.duplicate(f"{field}[{index}]{f'.{name}' if name else ''}", key)


def _check_pool(found: Findings, field: str, pool: resourceslice_pb2.ResourcePool) -> None:
    check_pool_name(found, f"{field}.name", pool.name)
    if pool.resourceSliceCount <= 0:
        found.invalid(f"{field}.resourceSliceCount", pool.resourceSliceCount, "must be greater than zero")
    found.at_least(f"{field}.generation", pool.generation, 0)


def _check_place(found: Findings, spec: resourceslice_pb2.ResourceSliceSpec) -> None:
    places = [spec.HasField("nodeName"), spec.HasField("nodeSelector"), spec.allNodes, spec.perDeviceNodeSelection]
    if not any(places):
        found.required("spec", _ONE_PLACE)
    elif sum(places) > 1:
        found.invalid("spec", None, f"{_ONE_PLACE}, but multiple fields are set")
    if spec.HasField("nodeName"):
        found.invalid("spec.nodeName", spec.nodeName, *syntax.subdomain(spec.nodeName))
    if spec.HasField("nodeSelector"):
        check_node_selector(found, "spec.nodeSelector", spec.nodeSelector)


def _check_device(found: Findings, field: str, device: resourceslice_pb2.Device, sets: set[str]) -> None:
    check_name(found, f"{field}.name", device.name)
    both = len(device.attributes) + len(device.capacity)
    if both > MOST_OF_EACH:
        told = f"the total number of attributes and capacities must not exceed {MOST_OF_EACH}"
        found.invalid(field, both, told)
    for name, attribute in device.attributes.items():
        where = f"{field}.attributes[{name}]"
        _check_qualified(found, where, name)
        _check_attribute(found, where, attribute)
    for name, capacity in device.capacity.items():
        _check_qualified(found, f"{field}.capacity[{name}]", name)
        check_quantity(found, f"{field}.capacity[{name}].value", capacity.value)
    for index, consumed in enumerate(device.consumesCounters):
        where = f"{field}.consumesCounters[{index}].counterSet"
        if consumed.counterSet and consumed.counterSet not in sets:
            told = "must reference a counterSet defined in the ResourceSlice sharedCounters"
            found.invalid(where, consumed.counterSet, told)
        check_name(found, where, consumed.counterSet)
    _check_taints(found, f"{field}.taints", device.taints)


def _check_taints(found: Findings, field: str, taints: Sequence[device_pb2.DeviceTaint]) -> None:
    found.too_many(field, len(taints), _MOST_TAINTS)
    for index, taint in enumerate(taints):
        where = f"{field}[{index}]"
        found.invalid(f"{where}.key", taint.key, *syntax.qualified_name(taint.key))
        if taint.value:
            found.invalid(f"{where}.value", taint.value, *syntax.label_value(taint.value))
        found.one_of(f"{where}.effect", taint.effect, _EFFECTS)


def _check_attribute(found: Findings, field: str, attribute: resourceslice_pb2.DeviceAttribute) -> None:
    given = [descriptor.name for descriptor, _ in attribute.ListFields()]
    if not given:
        found.required(field, "exactly one value must be specified")
    elif len(given) > 1:
        found.invalid(field, None, "exactly one value must be specified")
    for name, text in (("string", attribute.string), ("version", attribute.version)):
        if len(text) > _TEXT_CHARS:
            found.too_long(f"{field}.{name}", _TEXT_CHARS)


def _check_qualified(found: Findings, field: str, name: str) -> None:
    """A C identifier, with a domain and a slash before it or not."""
    domain, slash, last = name.rpartition("/")
    if slash:
        found.invalid(field, domain, *syntax.subdomain(domain))
    if not last.isidentifier() or not last.isascii():
        found.invalid(field, last, _IDENTIFIER)


def check_attribute_name(found: Findings, field: str, name: str) -> None:
    """An attribute, with its domain."""
    if "/" not in name:
        found.invalid(field, name, "must include a domain")
    _check_qualified(found, field, name)
