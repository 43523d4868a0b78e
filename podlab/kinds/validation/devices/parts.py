"""What all who name devices have alike: names, selectors, marks, and how devices are set up."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import orjson

from podlab.api.values import quantity
from podlab.cel.devices import selectors as expressions
from podlab.cel.values import CompileError
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1 import device_pb2

MOST_OF_EACH = 32
RAW_BYTES = 10 << 10
"""What a driver is told, or tells, in a form of its own."""
_EXPRESSION_BYTES = 10 << 10
_MOST_BINDING_CONDITIONS = 4
_POOL_CHARS = 253
_IDENTIFIER_CHARS = 32
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_OPERATORS = ("Equal", "Exists")
_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters"
    " or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)


def fits(found: Findings, field: str, entries: Sequence[object], most: int = MOST_OF_EACH) -> bool:
    """Whether the list is not too long: of one that is, no more is said."""
    found.too_many(field, len(entries), most)
    return len(entries) <= most


def check_different(found: Findings, field: str, keys: Sequence[Hashable], shown: Sequence[str] | None = None) -> None:
    """No two are the same."""
    known: set[Hashable] = set()
    for index, key in enumerate(keys):
        if key in known:
            found.duplicate(f"{field}[{index}]", shown[index] if shown is not None else str(key))
        known.add(key)


def check_selectors(
    found: Findings, field: str, selectors: Sequence[device_pb2.DeviceSelector], *, stored: bool = False
) -> None:
    """What devices must be. Expressions that are `stored` were valid when that was done, and stay so."""
    if not fits(found, field, selectors):
        return
    for index, selector in enumerate(selectors):
        where = f"{field}[{index}].cel"
        if not selector.HasField("cel"):
            found.required(where)
        elif not stored:
            _check_expression(found, f"{where}.expression", selector.cel.expression)


def _check_expression(found: Findings, field: str, expression: str) -> None:
    if not expression:
        found.required(field)
    elif len(expression.encode()) > _EXPRESSION_BYTES:
        found.too_long(field, _EXPRESSION_BYTES)
    else:
        try:
            expressions.compiled(expression)
        except CompileError as error:
            found.invalid(field, expression, str(error))
        else:
            if expressions.estimate(expression) > expressions.COST_LIMIT:
                found.forbidden(field, "too complex, exceeds cost limit")


def check_configuration(
    found: Findings, field: str, config: device_pb2.DeviceConfiguration, *, stored: bool = False
) -> None:
    """How devices are set up."""
    if not config.HasField("opaque"):
        found.required(f"{field}.opaque")
        return
    check_driver_name(found, f"{field}.opaque.driver", config.opaque.driver)
    check_raw(found, f"{field}.opaque.parameters", config.opaque.parameters, stored=stored)


def check_raw(found: Findings, field: str, raw: meta_pb2.RawExtension, *, stored: bool = False) -> None:
    """JSON of an object, which is not too large, unless it was before there was a limit."""
    if not raw.raw or raw.raw == b"null":
        found.required(field)
    elif not stored and len(raw.raw) > RAW_BYTES:
        found.too_long(field, RAW_BYTES)
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
    for index, toleration in enumerate(tolerations):
        where = f"{field}[{index}]"
        if toleration.key:
            found.invalid(f"{where}.key", toleration.key, *syntax.qualified_name(toleration.key))
        found.one_of_required(f"{where}.operator", toleration.operator, _OPERATORS)
        if toleration.operator == "Exists" and toleration.value:
            found.invalid(f"{where}.value", toleration.value, "must be empty for operator `Exists`")
        if toleration.operator == "Equal":
            found.invalid(f"{where}.value", toleration.value, *syntax.label_value(toleration.value))
        if toleration.effect and toleration.effect not in _EFFECTS:
            found.unsupported(f"{where}.effect", toleration.effect, _EFFECTS)


def check_taints(found: Findings, field: str, taints: Sequence[device_pb2.DeviceTaint]) -> None:
    """Marks that keep off claims."""
    for index, taint in enumerate(taints):
        where = f"{field}[{index}]"
        found.invalid(f"{where}.key", taint.key, *syntax.qualified_name(taint.key))
        if taint.value:
            found.invalid(f"{where}.value", taint.value, *syntax.label_value(taint.value))
        found.one_of_required(f"{where}.effect", taint.effect, _EFFECTS)


def check_binding_conditions(found: Findings, field: str, ready: Sequence[str], failed: Sequence[str]) -> None:
    """What a pod's binding waits for, and what ends it; there is none without the other."""
    for name, conditions in (("bindingConditions", ready), ("bindingFailureConditions", failed)):
        where = f"{field}.{name}"
        if fits(found, where, conditions, _MOST_BINDING_CONDITIONS):
            for index, condition in enumerate(conditions):
                found.invalid(f"{where}[{index}]", condition, *syntax.qualified_name(condition))
        check_different(found, where, conditions)
    for index, condition in enumerate(failed):
        if condition in ready:
            rule = "bindingFailureConditions must not overlap with bindingConditions"
            found.invalid(f"{field}.bindingFailureConditions[{index}]", condition, rule)
    if failed and not ready:
        rule = "bindingConditions are required to use bindingFailureConditions"
        found.invalid(f"{field}.bindingConditions", [], rule)
    if ready and not failed:
        rule = "bindingFailureConditions are required to use bindingConditions"
        found.invalid(f"{field}.bindingFailureConditions", [], rule)


def check_name(found: Findings, field: str, name: str) -> None:
    """Of a device, a request, a counter or a set of them: a label."""
    found.invalid(field, name, *syntax.label(name))


def check_amount(found: Findings, field: str, given: meta_pb2.Quantity) -> None:
    """Any quantity; over REST it is one by then."""
    try:
        quantity.parse(given)
    except ValueError as error:
        found.invalid(field, given.string, str(error))


def check_required_name(found: Findings, field: str, name: str) -> None:
    """As `check_name`, of what may not be missing."""
    if name:
        check_name(found, field, name)
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
        found.invalid(field, part, *syntax.subdomain(part))


def check_qualified(found: Findings, field: str, name: str) -> None:
    """A C identifier, with a domain and a slash before it or not."""
    domain, slash, last = name.partition("/")
    if "/" in last:
        found.invalid(field, name, "must not contain more than one slash")
        return
    if slash and not domain:
        found.invalid(field, "", "the domain must not be empty")
    elif slash:
        check_driver_name(found, field, domain)
    if slash and not last:
        found.invalid(field, "", "the name must not be empty")
    else:
        _check_identifier(found, field, last if slash else name)


def check_attribute_name(found: Findings, field: str, name: str) -> None:
    """An attribute, with its domain."""
    check_qualified(found, field, name)
    if "/" not in name:
        rule = "a fully qualified name must be a domain and a name separated by a slash"
        found.invalid(field, name, rule)


def _check_identifier(found: Findings, field: str, name: str) -> None:
    if len(name) > _IDENTIFIER_CHARS:
        found.too_long(field, _IDENTIFIER_CHARS)
    if not name.isidentifier() or not name.isascii():
        found.invalid(field, name, _IDENTIFIER)
