from __future__ import annotations

from typing import Any

import pytest

from master.apiserver.admission.rules.policies.typechecking import check
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import Kind, of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.cel.admission.messagetypes import object_type
from podlab.cel.types import DeclaredType
from podlab.kinds import builtin

DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
ALL = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}


def type_at(group: str, version: str, plural: str) -> tuple[Kind, DeclaredType] | None:
    kind = builtin.catalog().at(group, version, plural)
    return None if kind is None else (kind, object_type(kind.message.DESCRIPTOR))


def policy(validations: list[Any], *rules: Any, **spec: Any) -> ValidatingAdmissionPolicy:
    constraints = {"resourceRules": list(rules or (DEPLOYMENTS,))}
    data = {
        "metadata": {"name": "p", "generation": 1},
        "spec": {"matchConstraints": constraints, "validations": validations, **spec},
    }
    return typed(codec.from_dict(data, of(ValidatingAdmissionPolicy)), ValidatingAdmissionPolicy)


def warnings(checked: ValidatingAdmissionPolicy) -> list[tuple[str, str]]:
    return [(one.fieldRef, one.warning) for one in checked.status.typeChecking.expressionWarnings]


FITTING = [
    "object.spec.replicas > 1",
    "object.spec.template.spec.containers.all(c, c.image.startsWith('a'))",
    "object.metadata.labels['a'] == 'b' && object.kind == 'Deployment'",
    "object.spec.template.spec.containers[0].resources.limits['cpu'] == '1'",
    "object.metadata.?namespace.orValue('') == oldObject.metadata.namespace",
    "object.spec.strategy.rollingUpdate.maxSurge == 1",
]


@pytest.mark.parametrize("expression", FITTING)
def test_what_fits_the_kind_has_no_warning(expression: str) -> None:
    checked = policy([{"expression": expression}])
    check(checked, 1, type_at)
    assert warnings(checked) == []
    assert checked.status.HasField("typeChecking")
    assert checked.status.observedGeneration == 1


def test_what_does_not_fit_is_told_with_the_kind() -> None:
    checked = policy([{"expression": "object.spec.replica > 1", "messageExpression": "string(object.spec.paused > 1)"}])
    check(checked, 1, type_at)
    fields = dict(warnings(checked))
    assert list(fields) == ["spec.validations[0].expression", "spec.validations[0].messageExpression"]
    assert fields["spec.validations[0].expression"] == (
        "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n"
        " | object.spec.replica > 1\n | ...........^\n"
    )


def test_all_kinds_are_no_kind_to_check_by() -> None:
    checked = policy([{"expression": "object.spec.replica > 1"}], ALL)
    check(checked, 1, type_at)
    assert warnings(checked) == []


def test_a_variable_that_does_not_fit_is_told_once() -> None:
    variables = [{"name": "n", "expression": "object.spec.replica"}]
    checked = policy([{"expression": "variables.n > 1"}], variables=variables)
    check(checked, 1, type_at)
    assert [field for field, _ in warnings(checked)] == ["spec.variables[0].expression"]


def test_a_change_is_checked_again() -> None:
    old = policy([{"expression": "object.spec.replica > 1"}])
    check(old, 1, type_at)
    new = policy([{"expression": "object.spec.replicas > 1"}])
    new.status.CopyFrom(old.status)
    check(new, 2, type_at)
    assert (warnings(new), new.status.observedGeneration) == ([], 2)
