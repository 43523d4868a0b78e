"""What roles let users do with custom kinds, and that nobody gives more than they have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab
from podlab_testing.http_clients import tls_of

RBAC = "rbac.authorization.k8s.io"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"


def role(name: str, resources: list[str], verbs: list[str], group: str = "example.com") -> dict[str, Any]:
    rule = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return {"metadata": {"name": name, "namespace": "default"}, "rules": [rule]}


def binding(name: str, of: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": of},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}],
    }


async def grant(rest: Rest, name: str, resources: list[str], verbs: list[str], group: str = "example.com") -> None:
    await rest("POST", ROLES, role(name, resources, verbs, group), code=201)
    await rest("POST", BINDINGS, binding(name, name), code=201)


@pytest.fixture
async def jane(crontabs: Rest, cluster: Cluster) -> AsyncIterator[Rest]:
    """Who may nothing but what roles give her."""
    connector = aiohttp.TCPConnector(ssl=tls_of(cluster, "jane"))
    async with aiohttp.ClientSession(f"https://127.0.0.1:{cluster.settings.rest_port}", connector=connector) as http:
        yield Rest(http)


async def test_each_verb_and_subresource_of_a_custom_kind_takes_a_right_of_its_own(crontabs: Rest, jane: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab("my"), code=201)
    await grant(crontabs, "reader", ["crontabs"], ["get", "list"])
    await grant(crontabs, "scaler", ["crontabs/scale"], ["patch"])
    await jane("GET", f"{CRONTABS}/my", code=200)
    assert (await jane.patch(f"{CRONTABS}/my/scale", {"spec": {"replicas": 2}}))["spec"]["replicas"] == 2
    for method, path, body, verb, resource in (
        ("POST", CRONTABS, crontab("other"), "create", "crontabs"),
        ("DELETE", f"{CRONTABS}/my", None, "delete", "crontabs"),
        ("DELETE", CRONTABS, None, "deletecollection", "crontabs"),
        ("PUT", f"{CRONTABS}/my", crontab("my"), "update", "crontabs"),
        ("GET", f"{CRONTABS}/my/status", None, "get", "crontabs/status"),
        ("GET", f"{CRONTABS}/my/scale", None, "get", "crontabs/scale"),
    ):
        told = await jane(method, path, body, code=403)
        wanted = f'cannot {verb} resource "{resource}" in API group "example.com" in the namespace "default"'
        assert wanted in told["message"], (method, path)


@pytest.mark.parametrize(
    ("more", "code"),
    [([], 403), (["escalate"], 201)],
    ids=["nobody gives what they lack", "but who may escalate"],
)
async def test_rights_on_custom_kinds_are_given_by_those_who_have_them(
    crontabs: Rest, jane: Rest, more: list[str], code: int
) -> None:
    await grant(crontabs, "reader", ["crontabs"], ["get"])
    await grant(crontabs, "author", ["roles"], ["create", *more], "rbac.authorization.k8s.io")
    await jane("POST", ROLES, role("same", ["crontabs"], ["get"]), code=201)
    found = await jane("POST", ROLES, role("more", ["crontabs"], ["delete"]), code=code)
    if code == 403:
        assert "is attempting to grant RBAC permissions not currently held" in found["message"]


@pytest.mark.parametrize(
    ("more", "code"), [([], 403), (["bind"], 201)], ids=["nobody binds what they lack", "but who may bind"]
)
async def test_roles_of_custom_kinds_are_bound_by_those_who_have_their_rights(
    crontabs: Rest, jane: Rest, more: list[str], code: int
) -> None:
    await crontabs("POST", ROLES, role("deleter", ["crontabs"], ["delete"]), code=201)
    await grant(crontabs, "binder", ["rolebindings"], ["create"], RBAC)
    if more:
        await grant(crontabs, "of-roles", ["roles"], more, RBAC)
    found = await jane("POST", BINDINGS, binding("own", "deleter"), code=code)
    if code == 403:
        assert 'Resources:["crontabs"], Verbs:["delete"]' in found["message"].replace("{", "").replace("}", "")


async def test_a_right_may_be_to_one_object_of_a_custom_kind(crontabs: Rest, jane: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab("my"), code=201)
    await crontabs("POST", CRONTABS, crontab("other"), code=201)
    named = role("one", ["crontabs", "crontabs/status"], ["get", "patch", "delete"])
    named["rules"][0]["resourceNames"] = ["my"]
    await crontabs("POST", ROLES, named, code=201)
    await crontabs("POST", BINDINGS, binding("one", "one"), code=201)
    assert (await jane.patch(f"{CRONTABS}/my/status", {"status": {"replicas": 1}}))["status"]["replicas"] == 1
    told = await jane("GET", f"{CRONTABS}/other", code=403)
    assert 'crontabs.example.com "other" is forbidden: User "jane" cannot get resource "crontabs"' in told["message"]
    await jane("GET", CRONTABS, code=403)
    await jane("DELETE", f"{CRONTABS}/my", code=200)


async def test_who_is_impersonated_has_their_own_rights_to_custom_kinds(crontabs: Rest, jane: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab("my"), code=201)
    await grant(crontabs, "reader", ["crontabs"], ["get"])
    await crontabs("GET", f"{CRONTABS}/my", code=200, Impersonate_User="jane")
    told = await crontabs("DELETE", f"{CRONTABS}/my", code=403, Impersonate_User="jane")
    assert 'User "jane" cannot delete resource "crontabs" in API group "example.com"' in told["message"]
    told = await jane("GET", f"{CRONTABS}/my", code=403, Impersonate_User="admin")
    assert 'User "jane" cannot impersonate resource "users"' in told["message"]
