"""What MutatingAdmissionPolicies make of an object. Pure: whoever asks has looked everything up.

Source: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from master.apiserver.admission.rules.conditions import Conditions, Variables, failed
from master.apiserver.admission.rules.matching import Matcher
from master.apiserver.patching.json_patch import TestFailed, json_patch
from podlab.admissionregistration.v1 import mutatingadmissionpolicy_pb2
from podlab.api.values.jsonvalues import Json
from podlab.apply import validation
from podlab.apply.atomics import atomic_parts
from podlab.apply.merging import merge
from podlab.apply.structure import Unidentified
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.admission.results import misnamed, plain
from podlab.cel.compiler import Program
from podlab.cel.frame import Budget
from podlab.cel.values import CostLimitExceeded, EvaluationError
from podlab.errors import ApiError
from podlab.shapes.shape import Struct


class Unmutable(Exception):
    """A change that cannot be made; says why."""


@dataclass(frozen=True, slots=True)
class Mutable:
    """An object in one version, as JSON, and the shape of objects there."""

    content: dict[str, Json]
    shape: Struct


@dataclass(frozen=True, slots=True)
class _Mutation:
    expression: str
    program: Program
    applies: bool
    """Whether it makes a configuration to be applied, and no patch."""


class CompiledMutatingPolicy:
    """A policy, ready to be asked. Raises CompileError."""

    def __init__(self, policy: mutatingadmissionpolicy_pb2.MutatingAdmissionPolicy) -> None:
        spec = policy.spec
        self.policy = policy
        self.matcher = Matcher.of(spec.matchConstraints)
        self.is_reinvoked = spec.reinvocationPolicy == "IfNeeded"
        expressions = RequestExpressions(has_params=spec.HasField("paramKind"))
        self.conditions = Conditions(spec.matchConditions, expressions)
        self._variables = Variables(spec.variables, expressions)
        self._mutations = [
            _Mutation(source, expressions.mutation(source), applies) for source, applies in map(_source, spec.mutations)
        ]

    @property
    def count(self) -> int:
        """How many changes it makes."""
        return len(self._mutations)

    def mutated(self, index: int, found: Mutable, variables: Mapping[str, object]) -> dict[str, Json]:
        """The object after one of the changes; `found` stays as it is. Raises Unmutable."""
        mutation, budget = self._mutations[index], Budget()
        try:
            value = mutation.program.evaluate(self._variables.added(variables, budget), budget)
        except (EvaluationError, CostLimitExceeded) as e:
            raise Unmutable(failed(mutation.expression, e, budget)) from None
        return _applied(value, found) if mutation.applies else _patched(value, found.content)


def _source(mutation: mutatingadmissionpolicy_pb2.Mutation) -> tuple[str, bool]:
    applies = mutation.patchType == "ApplyConfiguration"
    return (mutation.applyConfiguration if applies else mutation.jsonPatch).expression, applies


def _applied(value: object, found: Mutable) -> dict[str, Json]:
    """As server-side apply merges, but that nothing atomic may be replaced, and nobody comes to own it."""
    if wrong := misnamed(value):
        raise Unmutable("type mismatch: " + "\n".join(wrong))
    try:
        content = plain(value)
    except EvaluationError as e:
        raise Unmutable(f"invalid return type: {e}") from None
    assert isinstance(content, dict)  # as the compiler has checked
    config = {**content, **{name: found.content[name] for name in ("apiVersion", "kind")}}
    if problems := validation.problems(config, found.shape):
        told = f"failed to convert patch object to typed object: {validation.described(problems)}"
        raise Unmutable(f"error applying patch: {told}")
    if atomics := atomic_parts(config, found.shape):
        told = f"may not mutate atomic arrays, maps or structs: {', '.join(atomics)}"
        raise Unmutable(f"error applying patch: invalid ApplyConfiguration: {told}")
    try:
        return merge(found.content, config, found.shape)
    except Unidentified as e:
        raise Unmutable(f"error applying patch: failed to merge patch: {e}") from None


def _patched(value: object, content: dict[str, Json]) -> dict[str, Json]:
    assert isinstance(value, list)  # as the compiler has checked
    try:
        patched = json_patch(content, [_operation(one) for one in value])
    except TestFailed:
        return content  # the patch is not for this object
    except ApiError as e:
        raise Unmutable(f"JSONPath: {e.__cause__ or e.message}") from None
    if not isinstance(patched, dict):
        raise Unmutable("JSONPath: the result is no object")
    return patched


def _operation(made: object) -> dict[str, Json]:
    assert isinstance(made, dict)
    operation: dict[str, Json] = {"op": made.get("op", ""), "path": made.get("path", "")}
    if made.get("from"):
        operation["from"] = made["from"]
    if "value" not in made:
        return operation
    if wrong := misnamed(made["value"]):
        raise Unmutable("type mismatch: " + "\n".join(wrong))
    try:
        operation["value"] = plain(made["value"])
    except EvaluationError as e:
        told = f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {e}"
        raise Unmutable(told) from None
    return operation
