"""ValidatingAdmissionPolicies over REST: put in force by bindings, refusing, warning and noting for the audit log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from podlab_testing.admission_policies import API, CONFIG_MAPS, MAPS, Object, Policies, config_map, sent
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf

from master.apiserver.settings import AuditSettings


@pytest.fixture
async def policies(http: aiohttp.ClientSession) -> AsyncIterator[Policies]:
    made = Policies(http)
    yield made
    await made.remove()


async def test_a_policy_refuses_what_does_not_keep_it(http: aiohttp.ClientSession, policies: Policies) -> None:
    rule = {"expression": "object.data.size() <= 1", "message": "one entry at most"}
    await policies.put_in_force("small", {"validations": [rule]})
    judged = {"judged": "small"}
    assert (await sent(http, "POST", MAPS, config_map("fits", judged, a="1")))[0] == 201
    status, refused, _ = await sent(http, "POST", MAPS, config_map("large", judged, a="1", b="2"))
    told = "ValidatingAdmissionPolicy 'small' with binding 'small' denied request: one entry at most"
    assert (status, refused["reason"]) == (422, "Invalid")
    assert refused["message"] == f'configmaps "large" is forbidden: {told}'
    assert (refused["details"]["name"], refused["details"]["kind"]) == ("large", "configmaps")
    assert [cause["message"] for cause in refused["details"]["causes"]] == [told]
    assert (await sent(http, "POST", MAPS, config_map("not-judged", a="1", b="2")))[0] == 201
    status, refused, _ = await sent(http, "PUT", f"{MAPS}/fits", config_map("fits", judged, a="1", b="2"))
    assert (status, refused["reason"]) == (422, "Invalid")
    assert (await sent(http, "DELETE", f"{MAPS}/fits"))[0] == 200


async def test_a_policy_is_gone_when_its_binding_is(http: aiohttp.ClientSession) -> None:
    policies = Policies(http)
    await policies.put_in_force("gone", {"validations": [{"expression": "false", "reason": "Forbidden"}]})
    assert (await sent(http, "POST", MAPS, config_map("waits", {"judged": "gone"})))[0] == 403
    await policies.remove()
    assert (await sent(http, "POST", MAPS, config_map("waits", {"judged": "gone"})))[0] == 201


async def test_a_policy_may_warn_and_note(http: aiohttp.ClientSession, policies: Policies) -> None:
    spec = {"validations": [{"expression": "has(object.data)", "message": "no data"}]}
    await policies.put_in_force("warns", spec, {"validationActions": ["Warn", "Audit"]})
    status, _, warnings = await sent(http, "POST", MAPS, config_map("empty", {"judged": "warns"}))
    told = "Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns': no data"
    assert (status, warnings) == (201, [f'299 - "{told}"'])


async def test_a_refused_request_is_warned_too(http: aiohttp.ClientSession, policies: Policies) -> None:
    data = {"validations": [{"expression": "has(object.data)", "message": "no data"}]}
    await policies.put_in_force("first", data, {"validationActions": ["Warn"]})
    refuses = {"policyName": "first", "validationActions": ["Deny"]}
    await policies.bind("second", refuses)
    status, refused, warnings = await sent(http, "POST", MAPS, config_map("empty", {"judged": "first"}))
    assert (status, len(warnings)) == (422, 1)
    assert "with binding 'second' denied request: no data" in refused["message"]


async def test_parameters_are_those_of_the_objects_namespace(http: aiohttp.ClientSession, policies: Policies) -> None:
    rule = {
        "expression": "object.data.size() <= int(params.data.most)",
        "messageExpression": "'at most ' + params.data.most",
    }
    spec = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [rule]}
    await policies.put_in_force(
        "with-params", spec, {"paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"}}
    )
    status, refused, _ = await sent(http, "POST", MAPS, config_map("bounded", {"judged": "with-params"}, a="1", b="2"))
    missing = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    assert (status, missing in refused["message"]) == (422, True)
    assert (await sent(http, "POST", MAPS, config_map("limits", most="1")))[0] == 201
    _, refused, _ = await sent(http, "POST", MAPS, config_map("bounded", {"judged": "with-params"}, a="1", b="2"))
    assert refused["message"].endswith("denied request: at most 1")
    assert (await sent(http, "POST", MAPS, config_map("bounded", {"judged": "with-params"}, a="1")))[0] == 201


async def test_parameters_are_chosen_by_their_labels(http: aiohttp.ClientSession, policies: Policies) -> None:
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "validations": [
            {"expression": "!(params.data.word in object.data)", "messageExpression": "string(params.data.word)"}
        ],
    }
    chosen = {"selector": {"matchLabels": {"kind": "word"}}, "parameterNotFoundAction": "Allow"}
    await policies.put_in_force("words", spec, {"paramRef": chosen})
    judged = {"judged": "words"}
    assert (await sent(http, "POST", MAPS, config_map("no-words-yet", judged, bad="")))[0] == 201
    for word in ("bad", "worse"):
        assert (await sent(http, "POST", MAPS, config_map(f"word-{word}", {"kind": "word"}, word=word)))[0] == 201
    _, refused, _ = await sent(http, "POST", MAPS, config_map("words", judged, worse=""))
    assert refused["message"].endswith("denied request: worse")
    assert (await sent(http, "POST", MAPS, config_map("words", judged, good="")))[0] == 201


async def test_who_writes_and_what_they_may_do_is_seen(
    http: aiohttp.ClientSession, session_of: SessionOf, policies: Policies
) -> None:
    spec = {
        "matchConditions": [{"name": "not-admin", "expression": "!('system:masters' in request.userInfo.groups)"}],
        "validations": [
            {"expression": "authorizer.requestResource.check('bless').allowed()", "reason": "Forbidden"},
        ],
    }
    await policies.put_in_force("blessed", spec)
    role = {
        "metadata": {"name": "map-writer"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}],
    }
    binding = {
        "metadata": {"name": "map-writer"},
        "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "Role", "name": "map-writer", "apiGroup": "rbac.authorization.k8s.io"},
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    assert (await sent(http, "POST", f"{rbac}/roles", role))[0] == 201
    assert (await sent(http, "POST", f"{rbac}/rolebindings", binding))[0] == 201
    jane, judged = session_of("jane"), {"judged": "blessed"}
    assert (await sent(jane, "POST", MAPS, config_map("hers", judged)))[0] == 403
    assert (await sent(http, "POST", MAPS, config_map("ours", judged)))[0] == 201
    role["rules"][0]["verbs"].append("bless")  # type: ignore[index]
    assert (await sent(http, "PUT", f"{rbac}/roles/map-writer", role))[0] == 200
    assert (await sent(jane, "POST", MAPS, config_map("hers", judged)))[0] == 201


async def test_a_dry_run_is_judged_and_objects_are_seen_as_they_are_written(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    spec = {
        "variables": [{"name": "images", "expression": "object.spec.template.spec.containers.map(c, c.image)"}],
        "validations": [
            {
                "expression": "variables.images.all(i, i.startsWith('registry.example.com/'))",
                "messageExpression": "'not from our registry: ' + variables.images.join(', ')",
            },
            {"expression": "request.dryRun && object.spec.replicas == 1 && request.kind.kind == 'Deployment'"},
        ],
    }
    rules = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    await policies.put_in_force("registry", spec, rules=rules)

    def deployment(image: str) -> Object:
        pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": image}]}}
        return {
            "metadata": {"name": "judged", "labels": {"judged": "registry"}},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod},
        }

    path = "/apis/apps/v1/namespaces/default/deployments?dryRun=All"
    _, refused, _ = await sent(http, "POST", path, deployment("busybox"))
    assert refused["message"].endswith("denied request: not from our registry: busybox")
    assert (await sent(http, "POST", path, deployment("registry.example.com/busybox")))[0] == 201


async def test_a_policy_that_does_not_fit_its_kind_says_so_in_its_status(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    rules = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    await policies.put_in_force("misfit", {"validations": [{"expression": "object.spec.replica > 1"}]}, rules=rules)
    path = f"{API}/validatingadmissionpolicies/misfit"
    _, made, _ = await sent(http, "GET", path)
    (warning,) = made["status"]["typeChecking"]["expressionWarnings"]
    assert (made["status"]["observedGeneration"], warning["fieldRef"]) == (1, "spec.validations[0].expression")
    assert warning["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'")
    made["spec"]["validations"][0]["expression"] = "object.spec.replicas > 1"
    assert (await sent(http, "PUT", path, made))[0] == 200
    _, changed, _ = await sent(http, "GET", f"{path}/status")
    assert changed["status"] == {"observedGeneration": 2, "typeChecking": {}}
    changed["status"]["conditions"] = [
        {
            "type": "Seen",
            "status": "True",
            "reason": "Looked",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]
    status, kept, _ = await sent(http, "PUT", f"{path}/status", changed)
    assert (status, kept["status"]["conditions"][0]["type"]) == (200, "Seen")


async def test_a_policy_is_checked_by_the_schema_of_a_custom_kind(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    spec = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    names = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"}
    definition = {
        "metadata": {"name": "crontabs.typed.example.com"},
        "spec": {"group": "typed.example.com", "names": names, "scope": "Namespaced", "versions": [version]},
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert (await sent(http, "POST", definitions, definition))[0] == 201
    rules = {
        "apiGroups": ["typed.example.com"],
        "apiVersions": ["v1"],
        "operations": ["*"],
        "resources": ["crontabs"],
    }
    for name, expression in (("right", "object.spec.replicas > 1"), ("confused", "object.spec.replicas > '1'")):
        await policies.put_in_force(name, {"validations": [{"expression": expression}]}, rules=rules)
    _, right, _ = await sent(http, "GET", f"{API}/validatingadmissionpolicies/right")
    assert right["status"]["typeChecking"] == {}
    _, confused, _ = await sent(http, "GET", f"{API}/validatingadmissionpolicies/confused")
    (warning,) = confused["status"]["typeChecking"]["expressionWarnings"]
    assert warning["warning"].startswith("typed.example.com/v1, Kind=CronTab: ERROR: <input>:1:22: ")
    assert "found no matching overload for '_>_' applied to '(int, string)'" in warning["warning"]
    assert (await sent(http, "DELETE", f"{definitions}/crontabs.typed.example.com"))[0] == 200


async def test_a_policy_that_does_not_compile_is_refused_with_the_place(http: aiohttp.ClientSession) -> None:
    spec = {
        "matchConstraints": {"resourceRules": [CONFIG_MAPS]},
        "validations": [{"expression": "object.data.size() > 'a'"}, {"expression": "request.missing == 1"}],
    }
    body = {"metadata": {"name": "wrong"}, "spec": spec}
    status, refused, _ = await sent(http, "POST", f"{API}/validatingadmissionpolicies", body)
    causes = refused["details"]["causes"]
    assert status == 422
    assert [one["field"] for one in causes] == ["spec.validations[0].expression", "spec.validations[1].expression"]
    assert "compilation failed: ERROR: <input>:1:8: undefined field 'missing'" in causes[1]["message"]


async def test_what_policies_note_is_in_the_audit_log(cluster: Cluster, tmp_path: Path, session_of: SessionOf) -> None:
    log, policy = tmp_path / "audit.log", tmp_path / "policy.yaml"
    rules = [{"level": "Metadata", "resources": [{"group": "", "resources": ["configmaps"]}]}]
    policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
    await cluster.stop()
    cluster.settings = replace(cluster.settings, audit=AuditSettings(policy, log))
    await cluster.start()
    http = session_of("kubernetes-admin")
    spec = {
        "validations": [{"expression": "has(object.data)", "message": "no data"}],
        "auditAnnotations": [{"key": "who", "valueExpression": "request.userInfo.username"}],
    }
    await Policies(http).put_in_force("notes", spec, {"validationActions": ["Audit"]})
    assert (await sent(http, "POST", MAPS, config_map("noted", {"judged": "notes"})))[0] == 201
    await cluster.stop()  # which writes the last
    annotations = json.loads(log.read_bytes().splitlines()[-1])["annotations"]
    assert annotations["notes/who"] == "kubernetes-admin"
    failures = json.loads(annotations["validation.policy.admission.k8s.io/validation_failure"])
    assert failures == [
        {
            "message": "no data",
            "policy": "notes",
            "binding": "notes",
            "expressionIndex": 0,
            "validationActions": ["Audit"],
        }
    ]
