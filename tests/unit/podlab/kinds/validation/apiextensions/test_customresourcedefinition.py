"""What is told of CustomResourceDefinitions: the cases are in cases/definitions.yaml and cases/updates.yaml."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cases import Case, cases

from podlab.api.serializer import codec
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.errors import Cause
from podlab.kinds.apiextensions.customresourcedefinition import RESOURCE

VALID: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crontabs.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "listKind": "CronTabList"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
        "conversion": {"strategy": "None"},
    },
    "status": {"storedVersions": ["v1"]},
}


def merged(one: Any, other: Any) -> Any:
    """The second in the first: objects by their members, the first version by its own."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{name: merged(one.get(name), value) for name, value in other.items()}}
    is_list = isinstance(one, list) and isinstance(other, list)
    if is_list and other and isinstance(other[0], dict) and "name" not in other[0]:
        return [merged(one[0], other[0])]
    return other


def definition(case: Case) -> CustomResourceDefinition:
    given = merged(deepcopy(VALID), {name: case[name] for name in ("metadata", "spec", "status") if name in case})
    if "schema" in case:
        given["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = case["schema"]
    message = codec.from_dict(given, RESOURCE.kind)
    assert isinstance(message, CustomResourceDefinition)
    return message


def assert_told(found: tuple[Cause, ...], expected: list[str]) -> None:
    """An expectation without a message is the field alone."""
    told = [str(cause) for cause in found]
    assert [one if ": " in wanted else one.partition(": ")[0] for one, wanted in zip(told, expected, strict=False)] == (
        expected
    )
    assert len(told) == len(expected), told


@pytest.mark.parametrize("case", cases(__file__, "definitions"))
def test_causes_of_a_new_definition_are_those_of_kubernetes(case: Case) -> None:
    assert_told(builtin_kinds.validate_create(definition(case)), case.get("causes", []))


@pytest.mark.parametrize("case", cases(__file__, "updates"))
def test_causes_of_a_change_are_those_of_kubernetes(case: Case) -> None:
    old = definition({})
    if case.get("established"):
        old.status.conditions.add(type="Established", status="True")
    assert_told(builtin_kinds.validate_update(definition(case), old), case.get("causes", []))


def test_a_status_has_names_that_may_be_names() -> None:
    new = definition({"status": {"acceptedNames": {"plural": "A_B"}}})
    (cause,) = builtin_kinds.validate_status_update(new, definition({}))
    assert cause.field == "status.acceptedNames.plural"


def test_an_approval_is_asked_for_when_it_changes() -> None:
    case = {"metadata": {"name": "crontabs.a.k8s.io"}, "spec": {"group": "a.k8s.io"}}
    old, new = definition(case), definition(case)
    assert builtin_kinds.validate_update(new, old) == ()
    new.metadata.annotations["api-approved.kubernetes.io"] = "soon"
    (cause,) = builtin_kinds.validate_update(new, old)
    assert cause.field == "metadata.annotations[api-approved.kubernetes.io]"


def test_rules_that_cost_too_much_are_refused_where_they_are_new() -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    rule = {"rule": "self.texts.all(t, t.contains('abc'))"}
    schema = {"type": "object", "properties": {"texts": texts}, "x-kubernetes-validations": [rule]}
    dear, plain = definition({"schema": schema}), definition({})
    path = "spec.validation.openAPIV3Schema"
    fields = [f"{path}.x-kubernetes-validations[0].rule"] * 2 + [path]
    told = builtin_kinds.validate_create(dear)
    assert [(cause.field, cause.reason) for cause in told] == [(field, "FieldValueForbidden") for field in fields]
    assert "estimated rule cost exceeds budget by factor of more than 100x" in told[0].message
    assert builtin_kinds.validate_update(dear, plain) == told
    assert builtin_kinds.validate_update(dear, dear) == ()
    texts["maxItems"], texts["items"] = 10, {"type": "string", "maxLength": 10}
    assert builtin_kinds.validate_create(definition({"schema": schema})) == ()
