"""What is wrong with the rules of a schema, when its CustomResourceDefinition is written."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.errors import Cause
from podlab.schemas import causes
from podlab.schemas.rules.compiled import CompiledRule, compile_rules
from podlab.schemas.rules.declared import declared_type
from podlab.schemas.schema import Schema

_RULES = "x-kubernetes-validations"


def faults(schema: Schema, path: str) -> Iterator[Cause]:
    """Rules that do not compile, or compare with an old value where there is none. The schema is a whole object's.

    The schema is structural: what else may be wrong with it has been told before.
    """
    yield from _faults(schema, schema, path, root=True, uncorrelatable="")


def _faults(schema: Schema, spine: Schema, path: str, *, root: bool, uncorrelatable: str) -> Iterator[Cause]:
    """`spine` is the schema that says types, where `schema` is a part of its allOf; `uncorrelatable` is the path of
    the nearest list or map above whose items have no old value."""
    yield from _own(schema, spine, path, root=root, uncorrelatable=uncorrelatable)
    if schema.items is not None and spine.items is not None:
        below = uncorrelatable or ("" if spine.list_type == "map" else path)
        part = spine.items
        yield from _faults(schema.items, part, f"{path}.items", root=part.embedded, uncorrelatable=below)
    below = uncorrelatable or (path if spine.map_type == "atomic" else "")
    if schema.values is not None and spine.values is not None:
        part = spine.values
        at = f"{path}.additionalProperties"
        yield from _faults(schema.values, part, at, root=part.embedded, uncorrelatable=below)
    for name, property_ in schema.properties.items():
        if name in spine.properties:
            part = spine.properties[name]
            at = f"{path}.properties[{name}]"
            yield from _faults(property_, part, at, root=part.embedded, uncorrelatable=below)
    for index, one in enumerate(schema.validation.all_of if schema.validation is not None else ()):
        yield from _faults(one, spine, f"{path}.allOf[{index}]", root=root, uncorrelatable=uncorrelatable)


def _own(schema: Schema, spine: Schema, path: str, *, root: bool, uncorrelatable: str) -> Iterator[Cause]:
    if not schema.rules:
        return
    declared = declared_type(spine, root=root)
    if declared is None:
        preserves = str(spine.preserves_unknown).lower()
        told = f"type: '{spine.type}' x-kubernetes-preserve-unknown-fields: '{preserves}'"
        message = f"Internal error: rule declared on schema that does not support validation rules {told}"
        yield Cause(f"{path}.{_RULES}", "InternalError", message)
        return
    for index, compiled in enumerate(compile_rules(schema, declared)):
        yield from _rule(compiled, schema, index, f"{path}.{_RULES}[{index}]", uncorrelatable)


def _rule(compiled: CompiledRule, schema: Schema, index: int, path: str, uncorrelatable: str) -> Iterator[Cause]:
    if compiled.error:
        yield causes.invalid(f"{path}.rule", schema.rules[index], compiled.error)
    if compiled.message_error:
        yield causes.invalid(f"{path}.messageExpression", schema.rules[index], compiled.message_error)
    if compiled.uses_old and uncorrelatable:
        detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
        yield causes.invalid(f"{path}.rule", compiled.source.rule, detail)
    if compiled.program is not None and compiled.source.optional_old is not None and not compiled.uses_old:
        detail = "may not be set if oldSelf is not used in rule"
        yield causes.invalid(f"{path}.optionalOldSelf", compiled.source.optional_old, detail)
