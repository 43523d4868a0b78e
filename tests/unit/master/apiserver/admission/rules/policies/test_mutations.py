from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cases import Case, cases

from master.apiserver.admission.rules.policies.mutations import CompiledMutatingPolicy, Mutable, Unmutable
from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import MutatingAdmissionPolicy
from podlab.api.kinds import of
from podlab.api.serializer import codec
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.shapes.messages import shape_of

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {"name": "a", "image": "one", "args": ["x"], "env": [{"name": "A", "value": "1"}]},
                    {"name": "b", "image": "two"},
                ]
            }
        },
    },
}


def merged(into: Any, changes: Any) -> Any:
    """What JSON merge patch would make of it: how cases say what has changed."""
    if not isinstance(changes, dict) or not isinstance(into, dict):
        return changes
    found = dict(into)
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name, {}), value)
    return found


def policy(case: Case) -> MutatingAdmissionPolicy:
    field = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
    patch_type = "ApplyConfiguration" if "apply" in case else "JSONPatch"
    mutation = {"patchType": patch_type, field[patch_type]: {"expression": case.get("apply") or case["patch"]}}
    spec = {"mutations": [mutation], "variables": case.get("variables", []), "reinvocationPolicy": "Never"}
    if "params" in case:
        spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    made = codec.from_dict({"metadata": {"name": "p"}, "spec": spec}, of(MutatingAdmissionPolicy))
    assert isinstance(made, MutatingAdmissionPolicy)
    return made


@pytest.mark.parametrize("case", cases(__file__, "mutations"))
def test_a_policy_changes_an_object(case: Case) -> None:
    found = merged(DEPLOYMENT, case.get("object", {}))
    seen = {"object": found, "oldObject": None, "params": case.get("params"), "request": {"operation": "CREATE"}}
    compiled, mutable = CompiledMutatingPolicy(policy(case)), Mutable(found, shape_of(Deployment))
    if "refused" in case:
        with pytest.raises(Unmutable) as refused:
            compiled.mutated(0, mutable, seen)
        assert str(refused.value) == case["refused"].strip()
    else:
        assert compiled.mutated(0, mutable, seen) == merged(found, case["changes"])
