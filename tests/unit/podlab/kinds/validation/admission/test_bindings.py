from __future__ import annotations

from typing import Any

import pytest

from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicyBinding
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.kinds.validation.admission.bindings import check_binding
from podlab.kinds.validation.findings import Findings

_TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and"
    " headers serves no purpose)"
)
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({"policyName": "p", "validationActions": ["Deny"]}, []),
    (
        {},
        [
            "spec.policyName: Required value",
            "spec.validationActions: Required value: at least one validation action is required",
        ],
    ),
    (
        {"policyName": "p", "validationActions": ["Deny", "Warn"]},
        [f'spec.validationActions: Invalid value: ["Deny","Warn"]: {_TWICE}'],
    ),
    (
        {"policyName": "p", "validationActions": ["Audit", "Audit", "Tell"]},
        [
            'spec.validationActions[1]: Duplicate value: "Audit"',
            'spec.validationActions[2]: Unsupported value: "Tell": supported values: "Audit", "Deny", "Warn"',
        ],
    ),
    (
        {"policyName": "p", "validationActions": ["Deny"], "paramRef": {}},
        [
            "spec.paramRef: Required value: one of name or selector must be specified",
            "spec.paramRef.parameterNotFoundAction: Required value",
        ],
    ),
    (
        {
            "policyName": "p",
            "validationActions": ["Deny"],
            "paramRef": {"name": "a", "selector": {}, "parameterNotFoundAction": "Ask"},
        },
        [
            "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
            "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
            'spec.paramRef.parameterNotFoundAction: Unsupported value: "Ask": supported values: "Deny", "Allow"',
        ],
    ),
]


@pytest.mark.parametrize(("spec", "causes"), CASES)
def test_what_is_wrong_with_a_binding_is_told(spec: dict[str, Any], causes: list[str]) -> None:
    data = {"metadata": {"name": "b"}, "spec": spec}
    kind = of(ValidatingAdmissionPolicyBinding)
    found = Findings()
    check_binding(found, typed(codec.from_dict(data, kind), ValidatingAdmissionPolicyBinding))
    assert [str(cause) for cause in found.causes] == causes
