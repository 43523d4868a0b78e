"""Which schemas are structural: the cases are in cases/structural.yaml."""

from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.definitions import structural


@pytest.mark.parametrize("case", cases(__file__, "structural"))
def test_faults_are_told_as_kubernetes_does(case: Case) -> None:
    assert [str(cause) for cause in structural.faults(case["schema"], "s")] == case.get("faults", [])


def test_what_has_no_structure_at_all_is_told() -> None:
    schemas = (
        {"properties": {"a": {"$ref": "#/x"}}},
        {"items": [{}]},
        {"allOf": [{"$schema": "x"}]},
        {"x-kubernetes-preserve-unknown-fields": False},
        {"type": "object", "additionalProperties": {"type": "string"}},
    )
    assert [structural.unsupported(schema) for schema in schemas] == [
        "OpenAPIV3Schema '$ref' is not supported",
        "OpenAPIV3Schema 'items' must be a schema, but is an array",
        "OpenAPIV3Schema 'schema' is not supported",
        "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined",
        "",
    ]
