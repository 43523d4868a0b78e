"""Admission policies as people use them: with the real kubectl."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import pytest
from podlab_testing.admission_policies import Object
from podlab_testing.kubectl import Kubectl

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")

API = "admissionregistration.k8s.io/v1"
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
MATCH = {"resourceRules": [DEPLOYMENTS]}


def manifest(kind: str, name: str, spec: Object) -> str:
    return json.dumps({"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec})


async def run(kubectl: Kubectl, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    done = await asyncio.to_thread(kubectl, *arguments, stdin=stdin, check=False)
    return done.returncode, done.stdout + done.stderr


async def ok(kubectl: Kubectl, *arguments: str, stdin: str | None = None) -> str:
    code, told = await run(kubectl, *arguments, stdin=stdin)
    assert code == 0, told
    return told


async def test_a_mutating_policy_is_applied_listed_and_obeyed(kubectl: Kubectl) -> None:
    expression = 'Object{metadata: Object.metadata{annotations: {"mutated-by": "admission-policy"}}}'
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    spec = {"matchConstraints": MATCH, "mutations": [mutation], "reinvocationPolicy": "Never"}
    await ok(kubectl, "apply", "-f", "-", stdin=manifest("MutatingAdmissionPolicy", "marks", spec))
    binding = manifest("MutatingAdmissionPolicyBinding", "marks", {"policyName": "marks"})
    await ok(kubectl, "apply", "--server-side", "-f", "-", stdin=binding)
    listed = await ok(kubectl, "get", "mutatingadmissionpolicies", "--no-headers")
    assert listed.split()[:3] == ["marks", "1", "<unset>"]
    await ok(kubectl, "create", "deployment", "web", "--image=web:1")
    path = "jsonpath={.metadata.annotations.mutated-by}"
    assert await ok(kubectl, "get", "deployment", "web", "-o", path) == "admission-policy"
    await ok(kubectl, "delete", "mutatingadmissionpolicybindings", "--all")
    await ok(kubectl, "create", "deployment", "plain", "--image=web:1")
    assert await ok(kubectl, "get", "deployment", "plain", "-o", path) == ""
    explained = await ok(kubectl, "explain", "mutatingadmissionpolicy.spec.mutations.jsonPatch")
    assert "RFC 6902" in explained


async def test_a_validating_policy_refuses_and_warns(kubectl: Kubectl) -> None:
    spec: dict[str, Any] = {
        "matchConstraints": MATCH,
        "variables": [{"name": "replicas", "expression": "object.spec.replicas"}],
        "validations": [{"expression": "variables.replicas > 1", "message": "wants more than 1 replica"}],
    }
    await ok(kubectl, "apply", "-f", "-", stdin=manifest("ValidatingAdmissionPolicy", "many", spec))
    for action, code in (("Deny", 1), ("Warn", 0)):
        binding = {"policyName": "many", "validationActions": [action]}
        await ok(kubectl, "apply", "-f", "-", stdin=manifest("ValidatingAdmissionPolicyBinding", "many", binding))
        done, told = await run(kubectl, "create", "deployment", f"few-{action.lower()}", "--image=web:1")
        assert done == code
        assert ("Warning: Validation failed for ValidatingAdmissionPolicy 'many'" in told) is (action == "Warn")
        assert "wants more than 1 replica" in told
    await ok(kubectl, "create", "deployment", "several", "--image=web:1", "--replicas=2")
