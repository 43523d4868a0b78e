"""Expressions that choose devices, in DeviceClasses and ResourceClaims: the variable `device`, and what it holds.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from podlab.cel.compiler import Environment, Program
from podlab.cel.environments import base_environment
from podlab.cel.estimation.sizes import Sized
from podlab.cel.frame import Budget
from podlab.cel.libraries import quantities, semvers
from podlab.cel.types import BOOL, DYN, STRING, MapOf, ObjectOf, Opaque
from podlab.cel.values import CompileError, DefaultMap, EvaluationError, type_name
from podlab.resource.v1.resourceslice_pb2 import Device, DeviceAttribute

COST_LIMIT: Final = 1_000_000
"""What one selector may cost for one device, in CEL's units."""
_REMEMBERED: Final = 1024
_DEVICE: Final = ObjectOf(
    "DRADevice",
    {
        "driver": STRING,
        "allowMultipleAllocations": BOOL,
        "attributes": MapOf(MapOf(DYN)),
        "capacity": MapOf(MapOf(Opaque(quantities.QuantityValue.cel_type))),
    },
)
_DOMAINS: Final = 32
_TEXT_CHARS: Final = 64
_SIZES: Final = Sized(
    fields={
        "driver": Sized("string", 63),
        "attributes": Sized("map", _DOMAINS, Sized("map", _DOMAINS, Sized("string", _TEXT_CHARS))),
        "capacity": Sized("map", _DOMAINS, Sized("map", _DOMAINS)),
    }
)


def compiled(expression: str) -> Program:
    """The selector, ready to be evaluated. Raises CompileError, also for what is no boolean."""
    found = _compiled(expression)
    if isinstance(found, CompileError):
        raise found
    return found


def estimate(expression: str) -> int:
    """What the selector, which compiles, may cost at most for one device."""
    return _environment().estimate(expression, {"device": _SIZES})


def variables(driver: str, device: Device) -> Mapping[str, object]:
    """What selectors see of the device. Attributes and capacities without a domain are in that of the driver.

    Raises EvaluationError for an attribute that has no value, or none that can be read.
    """
    attributes, capacity = DefaultMap(), DefaultMap()
    for name, attribute in sorted(device.attributes.items()):
        _put(attributes, name, driver, _value(name, attribute))
    for name, given in sorted(device.capacity.items()):
        _put(capacity, name, driver, quantities.parse(given.value.string))
    return {
        "device": {
            "driver": driver,
            "allowMultipleAllocations": device.allowMultipleAllocations,
            "attributes": attributes,
            "capacity": capacity,
        }
    }


def matches(expression: str, seen: Mapping[str, object]) -> bool:
    """Whether the selector chooses the device. Raises CompileError, EvaluationError and CostLimitExceeded."""
    result = compiled(expression).evaluate(seen, Budget(COST_LIMIT))
    if not isinstance(result, bool):
        raise EvaluationError(f"CEL result of type {type_name(result)} could not be converted to bool")
    return result


@cache
def _environment() -> Environment:
    return base_environment({"device": _DEVICE})


@lru_cache(maxsize=_REMEMBERED)
def _compiled(expression: str) -> Program | CompileError:
    """Errors are remembered too: a class that does not compile is asked about for each device."""
    try:
        program = _environment().compile(expression)
    except CompileError as error:
        return CompileError(f"compilation failed: {error}")
    if program.result_type not in ("BOOL", "DYN"):
        told = program.result_type.lower()
        return CompileError(f"must evaluate to bool or the unknown type, not {told}")
    return program


def _value(name: str, attribute: DeviceAttribute) -> object:
    if attribute.HasField("int"):
        return int(attribute.int)
    if attribute.HasField("bool"):
        return bool(attribute.bool)
    if attribute.HasField("string"):
        return str(attribute.string)
    if attribute.HasField("version"):
        try:
            return semvers.parse(attribute.version)
        except EvaluationError as error:
            raise EvaluationError(f"attribute {name}: parse semantic version: {error}") from None
    raise EvaluationError(f"attribute {name}: unsupported attribute value")


def _put(into: DefaultMap, name: str, driver: str, value: object) -> None:
    domain, slash, identifier = name.partition("/")
    if not slash:
        domain, identifier = driver, name
    of_domain = into.setdefault(domain, {})
    assert isinstance(of_domain, dict)
    of_domain[identifier] = value
