"""What policies say of a write is told by the command line."""

from __future__ import annotations

import yaml
from podlab_testing.command_line import Podlab

API = "admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
POLICY = [
    {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "owned"},
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "matchConditions": [{"name": "ours", "expression": "request.namespace == 'default'"}],
            "validations": [{"expression": "has(object.metadata.labels)", "message": "nobody owns it"}],
        },
    },
    {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "owned"},
        "spec": {"policyName": "owned", "validationActions": ["Warn"]},
    },
]
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


async def test_apply_tells_what_admission_warns_of(podlab: Podlab) -> None:
    policy = podlab.write("policy.yaml", yaml.safe_dump_all(POLICY))
    assert (await podlab("apply", "-f", str(policy))).code == 0
    done = await podlab("apply", "-f", str(podlab.write("map.yaml", yaml.safe_dump(MAP))))
    told = "Warning: Validation failed for ValidatingAdmissionPolicy 'owned' with binding 'owned': nobody owns it"
    assert (done.code, done.err.strip()) == (0, told)
    again = await podlab("apply", "-f", str(podlab.write("map.yaml", yaml.safe_dump({**MAP, "data": {"a": "b"}}))))
    assert (again.code, again.err) == (0, "")
