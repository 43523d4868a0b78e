"""The schema of one version of a custom kind: parsed when it is first needed, as most of hundreds never are."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.jsonschema_pb2 import JSONSchemaProps
from podlab.errors import Cause
from podlab.kinds.validation.apiextensions import embedded
from podlab.schemas import validation
from podlab.schemas.arrival import arrive
from podlab.schemas.pruning import prune
from podlab.schemas.rules.evaluation import RuleTree, evaluate, rule_tree
from podlab.schemas.schema import Schema, parse

_BLOCKING: Final = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""Of an object that is wrong like this rules would find what is not there, or cost too much."""
_NOT_CHECKED: Final = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation",
)


class VersionSchema:
    """`encoded` are the bytes of its JSONSchemaProps."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def props(self) -> dict[str, Json]:
        """As JSON has it: made anew each time, for it takes far more than what is parsed of it."""
        return codec.part_to_dict(JSONSchemaProps.FromString(self._encoded))

    @cached_property
    def schema(self) -> Schema:
        """As values are checked by it."""
        return parse(self.props())

    def arrive(self, value: dict[str, Json]) -> list[str]:
        """Default and prune what was sent, in place; the paths of what was dropped. Raises BadRequest."""
        return arrive(value, self.schema)

    def prune(self, value: dict[str, Json]) -> list[str]:
        """Drop what this version does not know of an object of another one, in place; the paths of it."""
        return prune(value, self.schema)

    @cached_property
    def rules(self) -> RuleTree | None:
        """Its rules in CEL; None where it has none."""
        return rule_tree(self.schema)

    def faults(self, value: dict[str, Json], old: dict[str, Json] | None = None) -> tuple[Cause, ...]:
        """What is wrong with an object; `old` is the one that it replaces."""
        found = validation.validate(self.schema, value, validation.NOTHING if old is None else old)
        found = (*found, *embedded.faults(self.schema, value))
        if self.rules is None:
            return found
        if any(cause.reason in _BLOCKING for cause in found):
            return (*found, _NOT_CHECKED)
        return (*found, *evaluate(self.rules, value, old).causes)
