from __future__ import annotations

from typing import Any

import pytest

from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.kinds.strategies.validatingadmissionpolicies import begin, check_again

DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
ALL = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}


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
    begin(checked)
    assert warnings(checked) == []
    assert checked.status.HasField("typeChecking")
    assert checked.status.observedGeneration == 1


def test_what_does_not_fit_is_told_with_the_kind() -> None:
    checked = policy([{"expression": "object.spec.replica > 1", "messageExpression": "string(object.spec.paused > 1)"}])
    begin(checked)
    fields = dict(warnings(checked))
    assert list(fields) == ["spec.validations[0].expression", "spec.validations[0].messageExpression"]
    assert fields["spec.validations[0].expression"] == (
        "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n"
        " | object.spec.replica > 1\n | ...........^\n"
    )


def test_all_kinds_are_no_kind_to_check_by() -> None:
    checked = policy([{"expression": "object.spec.replica > 1"}], ALL)
    begin(checked)
    assert warnings(checked) == []


def test_a_variable_that_does_not_fit_is_told_once() -> None:
    variables = [{"name": "n", "expression": "object.spec.replica"}]
    checked = policy([{"expression": "variables.n > 1"}], variables=variables)
    begin(checked)
    assert [field for field, _ in warnings(checked)] == ["spec.variables[0].expression"]


def test_a_change_is_checked_again() -> None:
    old = policy([{"expression": "object.spec.replica > 1"}])
    begin(old)
    new = policy([{"expression": "object.spec.replicas > 1"}])
    new.status.CopyFrom(old.status)
    check_again(new, old)
    assert (warnings(new), new.status.observedGeneration) == ([], 2)
    check_again(new, new)
    assert new.status.observedGeneration == 2
