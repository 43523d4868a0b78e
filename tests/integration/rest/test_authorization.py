"""Users with certificates and what roles let them do, over REST and gRPC alike."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import Forbidden
from podlab.rbac.v1 import rbac_pb2
from podlab.v1 import apiserver_pb2

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"
Sessions = Callable[[str | None], aiohttp.ClientSession]
HELD = "is attempting to grant RBAC permissions not currently held"


async def grant(admin: Client, role: str, *, user: str = "jane", namespace: str = "default") -> rbac_pb2.RoleBinding:
    binding = rbac_pb2.RoleBinding()
    binding.metadata.name, binding.metadata.namespace = f"{user}-{role}", namespace
    binding.roleRef.kind, binding.roleRef.name = "ClusterRole", role
    binding.subjects.add(kind="User", name=user)
    return await admin.create(binding)


async def asked(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, path, json=body, headers=named) as response:
        return response.status, await response.json(content_type=None)


async def test_a_role_lets_in_and_its_end_keeps_out(cluster: Cluster, admin: Client, session_of: Sessions) -> None:
    jane, http = await cluster.client("jane"), session_of("jane")
    with pytest.raises(Forbidden):
        await jane.list(pod_pb2.Pod, "default")
    bound = await grant(admin, "view")
    assert (await jane.list(pod_pb2.Pod, "default")).items == []
    assert (await asked(http, "GET", "/api/v1/namespaces/default/pods"))[0] == 200
    told = 'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"'
    with pytest.raises(Forbidden) as refused:
        await jane.list(config_pb2.Secret, "default")
    code, status = await asked(http, "GET", "/api/v1/namespaces/default/secrets")
    assert (code, status["reason"], status["message"], refused.value.message) == (403, "Forbidden", told, told)
    code, status = await asked(http, "GET", "/api/v1/pods")
    assert status["message"].endswith('cannot list resource "pods" in API group "" at the cluster scope')
    code, status = await asked(http, "GET", "/metrics")
    assert (code, status["message"]) == (403, 'forbidden: User "jane" cannot get path "/metrics"')
    await admin.delete(rbac_pb2.RoleBinding, bound.metadata.name, "default")
    with pytest.raises(Forbidden):
        await jane.list(pod_pb2.Pod, "default")


async def test_a_missing_role_is_named_in_the_refusal(admin: Client, session_of: Sessions) -> None:
    await grant(admin, "gone")
    code, status = await asked(session_of("jane"), "GET", "/api/v1/namespaces/default/pods")
    assert code == 403
    assert status["message"].endswith(': RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found')


async def test_nobody_gives_what_he_has_not_got(cluster: Cluster, admin: Client, session_of: Sessions) -> None:
    await grant(admin, "admin")
    role: dict[str, Any] = {"metadata": {"name": "r"}}
    role["rules"] = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    http, path = session_of("jane"), f"{RBAC}/namespaces/default"
    assert (await asked(http, "POST", f"{path}/roles", role))[0] == 201
    role["metadata"]["name"], role["rules"][0]["resources"] = "more", ["nodes"]
    code, status = await asked(http, "POST", f"{path}/roles", role)
    assert code == 403
    assert f'user "jane" (groups=["system:authenticated" "users"]) {HELD}' in status["message"]
    assert status["message"].endswith('{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}')
    jane = await cluster.client("jane")
    with pytest.raises(Forbidden, match=HELD):
        await grant(jane, "cluster-admin", user="joe")
    await grant(jane, "view", user="joe")


async def test_a_binding_keeps_its_role(admin: Client, http: aiohttp.ClientSession) -> None:
    await grant(admin, "view")
    patch = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}}
    path = f"{RBAC}/namespaces/default/rolebindings/jane-view"
    code, status = await asked(http, "PATCH", path, patch, Content_Type="application/merge-patch+json")
    assert code == 422
    assert status["details"]["causes"][0]["message"].endswith("cannot change roleRef")


async def test_in_anothers_name(admin: Client, session_of: Sessions) -> None:
    await grant(admin, "view")
    boss, path = session_of("kubernetes-admin"), "/api/v1/namespaces/default/pods"
    assert (await asked(boss, "GET", path, Impersonate_User="jane"))[0] == 200
    code, status = await asked(boss, "GET", path, Impersonate_User="joe")
    assert (code, status["message"].split(": ")[1].split(" cannot")[0]) == (403, 'User "joe"')
    code, status = await asked(session_of("joe"), "GET", path, Impersonate_User="jane")
    assert code == 403
    assert status["message"] == (
        'users "jane" is forbidden: User "joe" cannot impersonate resource "users" in API group "" at the cluster scope'
    )
    assert (await asked(boss, "GET", path, Impersonate_Group="dev"))[0] == 400
    self_review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    headers = {"Impersonate_User": "jane", "Impersonate_Uid": "u", "Impersonate_Extra_Scopes": "read"}
    code, answer = await asked(boss, "POST", self_review, {}, **headers)
    assert answer["status"]["userInfo"] == {
        "username": "jane",
        "uid": "u",
        "groups": ["system:authenticated"],
        "extra": {"scopes": ["read"]},
    }


async def test_in_anothers_name_over_grpc(cluster: Cluster, admin: Client) -> None:
    stub = admin.channel.unary_unary("/podlab.v1.ApiServer/Version")
    answer = await stub(b"", metadata=(("impersonate-user", "jane"), ("impersonate-group", "dev")))
    told = apiserver_pb2.VersionResponse.FromString(answer)
    assert (told.user_name, list(told.user_groups)) == ("jane", ["dev", "system:authenticated"])


async def test_reviews_say_what_would_be_allowed(admin: Client, session_of: Sessions) -> None:
    await grant(admin, "view")
    jane, boss = session_of("jane"), session_of("kubernetes-admin")
    wanted = {"namespace": "default", "verb": "list", "resource": "pods"}
    code, answer = await asked(
        jane, "POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": wanted}}
    )
    assert (code, answer["status"]["allowed"]) == (201, True)
    assert answer["status"]["reason"] == (
        'RBAC: allowed by RoleBinding "jane-view/default" of ClusterRole "view" to User "jane"'
    )
    for kind, path, groups, allowed in (
        ("subjectaccessreviews", REVIEWS, [], False),
        ("subjectaccessreviews", REVIEWS, ["system:masters"], True),
        ("localsubjectaccessreviews", f"{REVIEWS}/namespaces/default", [], False),
    ):
        spec = {"user": "joe", "groups": groups, "resourceAttributes": wanted}
        code, answer = await asked(boss, "POST", f"{path}/{kind}", {"spec": spec})
        assert (code, answer["status"]["allowed"]) == (201, allowed)
    code, answer = await asked(jane, "POST", f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    assert answer["status"]["incomplete"] is False
    assert any("pods" in rule["resources"] for rule in answer["status"]["resourceRules"])
    assert (await asked(jane, "POST", f"{REVIEWS}/subjectaccessreviews", {"spec": {"user": "x"}}))[0] == 403
    assert (await asked(boss, "GET", f"{REVIEWS}/subjectaccessreviews"))[0] == 405


@pytest.mark.parametrize(
    ("selector", "allowed"),
    [
        ({"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}, True),
        ({"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n2"]}]}, False),
        ({"requirements": [{"key": "spec.nodeName", "operator": "Exists"}]}, False),
        ({"rawSelector": "spec.nodeName=n1"}, True),
        ({"rawSelector": "spec.nodeName!=n1"}, False),
    ],
)
async def test_reviews_tell_of_lists_by_fields(http: Any, selector: dict[str, Any], allowed: bool) -> None:
    attributes = {"verb": "list", "resource": "pods", "fieldSelector": selector}
    spec = {"user": "system:node:n1", "groups": ["system:nodes"], "resourceAttributes": attributes}
    status, told = await asked(http, "POST", f"{REVIEWS}/subjectaccessreviews", {"spec": spec})
    assert (status, told["status"]["allowed"]) == (201, allowed)


@pytest.mark.parametrize(
    ("selector", "field"),
    [
        ({}, "fieldSelector.requirements"),
        ({"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "Exists"}]}, "fieldSelector.rawSelector"),
        ({"requirements": [{"operator": "Exists"}]}, "fieldSelector.requirements[0].key"),
        ({"requirements": [{"key": "a", "operator": "In"}]}, "fieldSelector.requirements[0].values"),
        (
            {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            "fieldSelector.requirements[0].values",
        ),
        ({"requirements": [{"key": "a", "operator": "Gt", "values": ["b"]}]}, "fieldSelector.requirements[0].operator"),
    ],
)
async def test_an_unclear_selector_of_a_review_is_refused(http: Any, selector: dict[str, Any], field: str) -> None:
    spec = {"user": "jane", "resourceAttributes": {"verb": "list", "resource": "pods", "fieldSelector": selector}}
    status, told = await asked(http, "POST", f"{REVIEWS}/subjectaccessreviews", {"spec": spec})
    fields = [cause["field"] for cause in told["details"]["causes"]]
    assert (status, fields) == (422, [f"spec.resourceAttributes.{field}"])


async def test_an_unclear_review_is_refused_with_all_causes(http: aiohttp.ClientSession) -> None:
    code, status = await asked(http, "POST", f"{REVIEWS}/subjectaccessreviews", {"metadata": {"name": "x"}})
    assert code == 422
    assert [cause["field"] for cause in status["details"]["causes"]] == [
        "spec.resourceAttributes",
        "spec.user",
        "metadata",
    ]


async def test_kubectl_auth(cluster: Cluster, admin: Client, tmp_path: Path, base: str) -> None:
    def config(user: str) -> str:
        tls, path = cluster.authority.tls(user), tmp_path / user
        path.write_text(
            f"apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: '{base}', "
            f"certificate-authority: '{tls.ca}'}}}}]\nusers: [{{name: u, user: {{client-certificate: '{tls.cert}', "
            f"client-key: '{tls.key}'}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n"
            "current-context: x\n"
        )
        return str(path)

    async def kubectl(user: str, *arguments: str, stdin: str = "") -> tuple[int, str]:
        command = ("kubectl", f"--kubeconfig={config(user)}", f"--cache-dir={tmp_path}/cache", *arguments)
        done = await asyncio.to_thread(
            subprocess.run, command, input=stdin, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    boss = "kubernetes-admin"
    made = ("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log")
    assert await kubectl(boss, *made) == (0, "role.rbac.authorization.k8s.io/reader created")
    made = ("create", "rolebinding", "readers", "--role=reader", "--user=jane")
    assert (await kubectl(boss, *made))[0] == 0
    assert (await kubectl(boss, "create", "clusterrole", "urls", "--verb=get", "--non-resource-url=/logs/*"))[0] == 0
    assert (await kubectl(boss, "create", "clusterrolebinding", "urls", "--clusterrole=urls", "--group=ops"))[0] == 0
    for arguments, answer in (
        (("list", "pods"), "yes"),
        (("get", "pods", "--subresource=log"), "yes"),
        (("list", "pods", "-A"), "no"),
        (("delete", "pods/web"), "no"),
        (("get", "/version"), "yes"),
        (("get", "/metrics"), "no"),
    ):
        code, out = await kubectl("jane", "auth", "can-i", *arguments)
        assert (code, out.splitlines()[-1]) == (0 if answer == "yes" else 1, answer), arguments
    as_jane = ("--as=joe", "--as-group=ops")
    assert (await kubectl(boss, "auth", "can-i", "get", "/logs/x", *as_jane))[1] == "yes"
    code, listed = await kubectl("jane", "auth", "can-i", "--list")
    assert code == 0
    assert "pods/log" in listed
    code, who = await kubectl(boss, "auth", "whoami", "--as=jane", "-o", "jsonpath={.status.userInfo.username}")
    assert (code, who) == (0, "jane")
    role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules: [{verbs: [watch], apiGroups: [''], resources: [pods]}]
"""
    code, out = await kubectl(boss, "auth", "reconcile", "-f", "-", stdin=role)
    assert (code, out.splitlines()[0]) == (0, "role.rbac.authorization.k8s.io/reader reconciled"), out
    assert (await kubectl("jane", "auth", "can-i", "watch", "pods"))[1] == "yes"
    code, shown = await kubectl(boss, "get", "rolebindings", "-o", "wide")
    assert shown.splitlines()[0].split() == ["NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]
    assert (await kubectl(boss, "describe", "role", "reader"))[0] == 0
