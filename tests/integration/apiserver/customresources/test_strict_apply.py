"""What is applied to custom objects with `fieldValidation=Strict`, as Kubernetes' conformance tests do it.

Finalizers of custom objects need no domain, and the YAML is theirs.

https://github.com/kubernetes/kubernetes/blob/master/test/e2e/apimachinery/field_validation.go
"""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.custom_kinds import Rest, definition

AT = "/apis/example.com/v1beta1/crontabs/mine"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
PORT = {
    "type": "object",
    "required": ["containerPort", "protocol"],
    "properties": {
        "containerPort": {"type": "integer", "format": "int32"},
        "hostIP": {"type": "string"},
        "name": {"type": "string"},
        "protocol": {"type": "string"},
    },
}
FIELDS = {
    "foo": {"type": "string"},
    "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
    "ports": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
        "items": PORT,
    },
}
EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
        "spec": {"type": "object"},
    },
}
WRITTEN = """\
apiVersion: example.com/v1beta1
kind: CronTab
metadata:
  name: mine
  finalizers:
  - test-finalizer
spec:
  foo: foo1
  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP
"""


def schema(spec: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", **spec}}}


def versions(of: dict[str, Any]) -> list[dict[str, Any]]:
    """Three of one schema, of which the first is stored."""
    plain = {"schema": {"openAPIV3Schema": of}, "served": True}
    return [{"name": name, "storage": name == "v1beta1", **plain} for name in ("v1beta1", "v1beta2", "v0")]


CHECKED = schema({"properties": FIELDS})
KEEPING = schema({"x-kubernetes-preserve-unknown-fields": True, "properties": FIELDS})
NESTED = schema({"x-kubernetes-preserve-unknown-fields": True, "properties": {"template": EMBEDDED, **FIELDS}})
TEMPLATE = """\
spec:
  template:
    apiversion: foo/v1
    kind: Sub
    metadata:
      unknownSubMeta: unknown
      name: subobject
"""


@pytest.mark.parametrize(
    ("of", "changed", "code", "told"),
    [
        pytest.param(ANYTHING, {"  foo: foo1\n": "  unknown: uk1\n"}, 201, "", id="no schema, and an unknown field"),
        pytest.param(CHECKED, {}, 201, "", id="what fits its schema"),
        pytest.param(
            CHECKED,
            {"spec:\n": "unknownField: unknown\nspec:\n"},
            400,
            ".unknownField: field not declared in schema",
            id="a field that the schema lacks",
        ),
        pytest.param(
            NESTED,
            {"  name: mine\n": "  name: mine\n  unknownMeta: unknown\n", "spec:\n": TEMPLATE},
            400,
            ".metadata.unknownMeta: field not declared in schema",
            id="unknown metadata of the object, or of one within it",
        ),
        pytest.param(
            KEEPING,
            {"  foo: foo1\n": "  unknown: uk1\n  foo: foo1\n  foo: foo2\n"},
            400,
            'line 10: key "foo" already set in map',
            id="a field that is said twice, where unknown ones are kept",
        ),
    ],
)
async def test_what_is_applied_strictly(
    rest: Rest, of: dict[str, Any], changed: dict[str, str], code: int, told: str
) -> None:
    await rest.define(definition(scope="Cluster", versions=versions(of)))
    text = WRITTEN
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, after)
    query = {"fieldManager": "mine", "fieldValidation": "Strict"}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    async with rest.http.patch(AT, data=text, params=query, headers=headers) as response:
        answer = await response.json()
    assert (response.status, told in answer.get("message", "")) == (code, True), answer
