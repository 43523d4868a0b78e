"""Policies about what is written below objects: evictions, bindings, numbers of replicas, tokens, connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from podlab_testing.admission_policies import Object, Policies, sent

PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
POD: Object = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "a", "image": "x"}]}}


@pytest.fixture
async def policies(http: aiohttp.ClientSession) -> AsyncIterator[Policies]:
    made = Policies(http)
    yield made
    await made.remove()


def rules(resource: str, operation: str, group: str = "") -> Object:
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}


def spec(expression: str) -> Object:
    return {"validations": [{"expression": expression, "messageExpression": "string(request.operation)"}]}


def eviction(grace_period_s: int) -> Object:
    options = {"gracePeriodSeconds": grace_period_s}
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}, "deleteOptions": options}


async def test_an_eviction_is_created(http: aiohttp.ClientSession, policies: Policies) -> None:
    assert (await sent(http, "POST", PODS, POD))[0] == 201
    seen = "request.kind.kind == 'Eviction' && request.kind.group == 'policy' && oldObject == null"
    named = "request.resource.resource == 'pods' && request.subResource == 'eviction' && request.name == 'web'"
    expression = f"{seen} && {named} && object.metadata.name == 'web' && object.deleteOptions.gracePeriodSeconds > 5"
    await policies.put_in_force("evicts", spec(expression), rules=rules("pods/eviction", "CREATE"), of_all=True)
    status, refused, _ = await sent(http, "POST", f"{PODS}/web/eviction", eviction(1))
    assert (status, refused["message"].endswith("denied request: CREATE")) == (422, True)
    assert (await sent(http, "GET", f"{PODS}/web"))[0] == 200
    assert (await sent(http, "POST", f"{PODS}/web/eviction", eviction(10)))[0] == 201


async def test_a_binding_names_the_node(http: aiohttp.ClientSession, policies: Policies) -> None:
    assert (await sent(http, "POST", PODS, POD))[0] == 201
    expression = "request.kind.kind == 'Binding' && object.target.kind == 'Node' && object.target.name != 'closed'"
    await policies.put_in_force("binds", spec(expression), rules=rules("pods/binding", "CREATE"), of_all=True)

    def binding(node: str) -> Object:
        return {"metadata": {"name": "web"}, "target": {"kind": "Node", "name": node}}

    assert (await sent(http, "POST", f"{PODS}/web/binding", binding("closed")))[0] == 422
    assert (await sent(http, "POST", f"{PODS}/web/binding", binding("open")))[0] == 201


async def test_a_scale_is_updated(http: aiohttp.ClientSession, policies: Policies) -> None:
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
    deployment = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod}}
    assert (await sent(http, "POST", DEPLOYMENTS, deployment))[0] == 201
    expression = "request.kind.kind == 'Scale' && object.spec.replicas - oldObject.spec.replicas <= 2"
    await policies.put_in_force("scales", spec(expression), rules=rules("*/scale", "UPDATE", "apps"), of_all=True)
    _, scale, _ = await sent(http, "GET", f"{DEPLOYMENTS}/web/scale")
    assert await _scaled(http, scale, 4) == (422, "UPDATE")
    assert await _scaled(http, scale, 3) == (200, "")


async def _scaled(http: aiohttp.ClientSession, scale: dict[str, Any], replicas: int) -> tuple[int, str]:
    scale["spec"]["replicas"] = replicas
    status, answer, _ = await sent(http, "PUT", f"{DEPLOYMENTS}/web/scale", scale)
    return status, str(answer.get("message", "")).rpartition(" ")[2]


async def test_a_token_request_says_for_whom(http: aiohttp.ClientSession, policies: Policies) -> None:
    assert (await sent(http, "POST", ACCOUNTS, {"metadata": {"name": "robot"}}))[0] == 201
    expression = "request.kind.kind == 'TokenRequest' && object.spec.audiences.all(a, a == 'vault')"
    rule = rules("serviceaccounts/token", "CREATE")
    await policies.put_in_force("tokens", spec(expression), rules=rule, of_all=True)
    for audience, expected in (("elsewhere", 422), ("vault", 201)):
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [audience]}}
        assert (await sent(http, "POST", f"{ACCOUNTS}/robot/token", request))[0] == expected


async def test_a_connection_is_judged_by_what_it_asks_for(http: aiohttp.ClientSession, policies: Policies) -> None:
    assert (await sent(http, "POST", PODS, POD))[0] == 201
    expression = "request.kind.kind == 'PodExecOptions' && object.command != ['sh'] && oldObject == null"
    await policies.put_in_force("execs", spec(expression), rules=rules("pods/exec", "CONNECT"), of_all=True)
    status, refused, _ = await sent(http, "POST", f"{PODS}/web/exec?command=sh&stdout=true")
    told = "ValidatingAdmissionPolicy 'execs' with binding 'execs' denied request: CONNECT"
    assert (status, told in refused["message"]) == (422, True)
    status, answer, _ = await sent(http, "POST", f"{PODS}/web/exec?command=ls&stdout=true")
    assert told not in str(answer)  # it is no upgrade, and has no node
    assert status != 422
