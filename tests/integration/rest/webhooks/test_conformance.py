"""What Kubernetes' conformance tests of [sig-api-machinery] AdmissionWebhook ask for, in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import pytest
from podlab_testing import custom_kinds
from podlab_testing.webhook_cases import API, CONFIG_MAPS, configure, webhook_of
from podlab_testing.webhook_server import Answer, WebhookServer

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"
FORBIDDEN = "webhook-disallow"
Sent = tuple[int, Any]


class Client:
    """Sends JSON."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def send(self, method: str, path: str, body: object = None, of: str = "application/json") -> Sent:
        async with self.http.request(method, path, json=body, headers={"Content-Type": of}) as response:
            return response.status, await response.json()

    async def create(self, path: str, body: object) -> Any:
        status, answer = await self.send("POST", path, body)
        assert status == 201, answer
        return answer


@pytest.fixture
def client(http: aiohttp.ClientSession) -> Client:
    return Client(http)


def rule(resources: str, *operations: str, group: str = "", version: str = "v1") -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": [*operations] or ["CREATE"],
        "resources": [resources],
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str, container: str = "c") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": container, "image": "nginx"}]}}


def refusing(is_bad: Callable[[Mapping[str, Any]], bool], why: str) -> Callable[[Mapping[str, Any]], Answer]:
    """Denies what is bad in the object, or in the old one of a deletion."""

    def answer(request: Mapping[str, Any]) -> Answer:
        judged = request["oldObject"] if request["operation"] == "DELETE" else request["object"]
        return {"deny": {"message": why}} if is_bad(judged) else {}

    return answer


def has_forbidden_data(one: Mapping[str, Any]) -> bool:
    return (one.get("data") or {}).get("webhook-e2e-test") == FORBIDDEN


def has_forbidden_container(one: Mapping[str, Any]) -> bool:
    return any(FORBIDDEN in container["name"] for container in one["spec"]["containers"])


async def test_discovery_has_the_kinds_of_webhooks(client: Client) -> None:
    _, groups = await client.send("GET", "/apis")
    [group] = [one for one in groups["groups"] if one["name"] == "admissionregistration.k8s.io"]
    assert {"groupVersion": "admissionregistration.k8s.io/v1", "version": "v1"} in group["versions"]
    _, resources = await client.send("GET", API)
    names = {one["name"] for one in resources["resources"]}
    assert {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} <= names


async def test_pods_and_configmaps_are_denied(client: Client, server: WebhookServer) -> None:
    skipping = {"matchExpressions": [{"key": "skip-webhooks", "operator": "NotIn", "values": ["yes"]}]}
    await client.create("/api/v1/namespaces", {"metadata": {"name": "exempt", "labels": {"skip-webhooks": "yes"}}})
    await configure(
        client.http,
        server,
        [
            {"name": "deny-pods", "rules": [rule("pods")], "namespaceSelector": skipping},
            {
                "name": "deny-maps",
                "rules": [rule("configmaps", "CREATE", "UPDATE", "DELETE")],
                "namespaceSelector": skipping,
            },
            {
                "name": "fail-closed",
                "rules": [rule("pods")],
                "timeoutSeconds": 1,
                "objectSelector": {"matchLabels": {"hang": "yes"}},
                "answer": {"hang": True},
            },
        ],
    )
    server.answers["deny-pods"] = refusing(has_forbidden_container, "the pod contains unwanted container name")
    server.answers["deny-maps"] = refusing(has_forbidden_data, "the configmap contains unwanted key and value")

    status, refused = await client.send("POST", PODS, pod("bad", FORBIDDEN))
    assert (status, "unwanted container name" in refused["message"]) == (400, True)
    slow = pod("slow")
    slow["metadata"]["labels"] = {"hang": "yes"}
    status, refused = await client.send("POST", PODS, slow)
    assert (status, "context deadline exceeded" in refused["message"]) == (500, True)
    assert (await client.send("GET", f"{PODS}/slow"))[0] == 404

    bad = config_map("bad", **{"webhook-e2e-test": FORBIDDEN})
    assert (await client.send("POST", MAPS, bad))[0] == 400
    await client.create(MAPS, config_map("good", **{"webhook-e2e-test": "webhook-allow"}))
    changed = config_map("good", **{"webhook-e2e-test": FORBIDDEN})
    assert (await client.send("PUT", f"{MAPS}/good", changed))[0] == 400
    status, refused = await client.send("PATCH", f"{MAPS}/good", {"data": changed["data"]}, MERGE)
    assert (status, "unwanted key and value" in refused["message"]) == (400, True)
    await client.create("/api/v1/namespaces/exempt/configmaps", bad)


async def test_attaching_to_a_pod_is_denied(client: Client, server: WebhookServer) -> None:
    deny = {"deny": {"message": "attaching to pod 'to-be-attached-pod' is not allowed"}}
    await configure(
        client.http, server, [{"name": "attach", "rules": [rule("pods/attach", "CONNECT")], "answer": deny}]
    )
    await client.create(PODS, pod("to-be-attached-pod"))
    status, refused = await client.send("POST", f"{PODS}/to-be-attached-pod/attach?stdin=true&stdout=true")
    assert status == 400
    assert "attaching to pod 'to-be-attached-pod' is not allowed" in refused["message"]


async def crontabs(client: Client, **spec: Any) -> None:
    await custom_kinds.Rest(client.http).define(custom_kinds.definition(**spec))


def crontab(name: str, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "CronTab", "metadata": {"name": name}, "spec": {"config": data}}


async def test_custom_objects_are_denied(client: Client, server: WebhookServer) -> None:
    await crontabs(client)
    every = rule("crontabs", "CREATE", "UPDATE", "DELETE", group="example.com")
    await configure(client.http, server, [{"name": "deny-custom", "rules": [every]}])
    server.answers["deny-custom"] = refusing(
        lambda one: FORBIDDEN in one["spec"].get("config", {}).values(), "the custom resource contains unwanted data"
    )
    status, refused = await client.send("POST", custom_kinds.CRONTABS, crontab("bad", a=FORBIDDEN))
    assert (status, "unwanted data" in refused["message"]) == (400, True)
    await client.create(custom_kinds.CRONTABS, crontab("good", a="webhook-allow"))
    path = f"{custom_kinds.CRONTABS}/good"
    worse = {"spec": {"config": {"a": FORBIDDEN}}}
    assert (await client.send("PATCH", path, worse, MERGE))[0] == 400
    server.answers["deny-custom"] = refusing(lambda one: True, "it may not be deleted")
    assert (await client.send("DELETE", path))[0] == 400
    server.answers["deny-custom"] = {}
    assert (await client.send("DELETE", path))[0] == 200


async def test_a_webhook_that_cannot_be_reached_refuses_everything(client: Client, server: WebhookServer) -> None:
    nobody = {"service": {"namespace": "default", "name": "nobody", "path": "/configmaps"}}
    await configure(client.http, server, [{"name": "closed", "clientConfig": nobody, "failurePolicy": "Fail"}])
    status, refused = await client.send("POST", MAPS, config_map("a"))
    assert status == 500
    assert refused["reason"] == "InternalError"


async def test_configmaps_are_mutated_in_stages(client: Client, server: WebhookServer) -> None:
    def staged(after: str, adds: str) -> Callable[[Mapping[str, Any]], Answer]:
        def answer(request: Mapping[str, Any]) -> Answer:
            if request["object"]["data"].get(after) == "yes":
                return {"patch": [{"op": "add", "path": f"/data/{adds}", "value": "yes"}]}
            return {}

        return answer

    await configure(
        client.http, server, [{"name": "stage1", "type": "mutating"}, {"name": "stage2", "type": "mutating"}]
    )
    server.answers["stage1"] = staged("mutation-start", "mutation-stage-1")
    server.answers["stage2"] = staged("mutation-stage-1", "mutation-stage-2")
    made = await client.create(MAPS, config_map("a", **{"mutation-start": "yes"}))
    assert made["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}


async def test_pods_are_mutated_and_get_their_defaults_after_that(client: Client, server: WebhookServer) -> None:
    added = {"name": "webhook-added-init-container", "image": "webhook-added-image"}
    patch = [{"op": "add", "path": "/spec/initContainers", "value": [added]}]
    await configure(
        client.http, server, [{"name": "init", "type": "mutating", "rules": [rule("pods")], "answer": {"patch": patch}}]
    )
    made = await client.create(PODS, pod("p"))
    [container] = made["spec"]["initContainers"]
    assert container["name"] == added["name"]
    assert container["terminationMessagePolicy"] == "File"
    assert container["volumeMounts"][0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_configurations_of_webhooks_are_neither_mutated_nor_kept(client: Client, server: WebhookServer) -> None:
    of_webhooks = [
        rule(one, "CREATE", "UPDATE", "DELETE", group="admissionregistration.k8s.io")
        for one in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
    ]
    label = [{"op": "add", "path": "/metadata/labels", "value": {"added": "label"}}]
    await configure(
        client.http,
        server,
        [
            {"name": "deny-all", "rules": of_webhooks, "answer": {"deny": {"message": "never"}}},
            {"name": "add-label", "type": "mutating", "rules": of_webhooks, "answer": {"patch": label}},
        ],
    )
    dummy = {"metadata": {"name": "dummy"}, "webhooks": [webhook_of(server, {"name": "dummy"})]}
    for plural in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
        made = await client.create(f"{API}/{plural}", dummy)
        assert "labels" not in made["metadata"]
        assert (await client.send("DELETE", f"{API}/{plural}/dummy"))[0] == 200
    assert server.names() == []


def mutated(one: Mapping[str, Any]) -> list[Any]:
    return [{"op": "add", "path": "/spec/config/mutated", "value": f"in {one['apiVersion']}"}]


async def test_custom_objects_are_mutated(client: Client, server: WebhookServer) -> None:
    await crontabs(client)
    rules = [rule("crontabs", "CREATE", "UPDATE", group="example.com")]
    await configure(client.http, server, [{"name": "custom", "type": "mutating", "rules": rules}])
    server.answers["custom"] = lambda request: {"patch": mutated(request["object"])}
    made = await client.create(custom_kinds.CRONTABS, crontab("a", k="v"))
    assert made["spec"]["config"] == {"k": "v", "mutated": "in example.com/v1"}


async def test_custom_objects_are_mutated_whatever_their_storage_version(client: Client, server: WebhookServer) -> None:
    versions = [custom_kinds.VERSION, {**custom_kinds.VERSION, "name": "v2", "storage": False}]
    await crontabs(client, versions=versions)
    rules = [rule("crontabs", "CREATE", "UPDATE", group="example.com", version="*")]
    await configure(client.http, server, [{"name": "custom", "type": "mutating", "rules": rules}])
    server.answers["custom"] = lambda request: {"patch": mutated(request["object"])}
    await client.create(custom_kinds.CRONTABS, crontab("a", k="v"))
    stored_in_v2 = [{**versions[0], "storage": False}, {**versions[1], "storage": True}]
    change = {"spec": {"versions": stored_in_v2}}
    status, _ = await client.send("PATCH", f"{custom_kinds.DEFINITIONS}/crontabs.example.com", change, MERGE)
    assert status == 200
    path = f"{custom_kinds.CRONTABS}/a".replace("/v1/", "/v2/", 1)
    status, patched = await client.send("PATCH", path, {"metadata": {"labels": {"x": "y"}}}, MERGE)
    assert (status, patched["apiVersion"]) == (200, "example.com/v2")
    assert patched["spec"]["config"]["mutated"] == "in example.com/v2"


async def test_custom_objects_are_pruned_after_they_were_mutated(client: Client, server: WebhookServer) -> None:
    await crontabs(client)
    patch = [{"op": "add", "path": "/spec/unknown", "value": 1}, {"op": "add", "path": "/spec/replicas", "value": 2}]
    rules = [rule("crontabs", group="example.com")]
    await configure(
        client.http, server, [{"name": "custom", "type": "mutating", "rules": rules, "answer": {"patch": patch}}]
    )
    made = await client.create(custom_kinds.CRONTABS, crontab("a"))
    assert made["spec"]["replicas"] == 2
    assert made["spec"]["image"] == "busybox"  # a default of the schema
    assert "unknown" not in made["spec"]


async def test_definitions_of_custom_kinds_are_denied(client: Client, server: WebhookServer) -> None:
    rules = [rule("*", group="apiextensions.k8s.io", version="*")]
    selector = {"matchLabels": {"webhook-e2e-test": FORBIDDEN}}
    deny = {"deny": {"message": "the crd contains unwanted label"}}
    await configure(
        client.http, server, [{"name": "deny-crd", "rules": rules, "objectSelector": selector, "answer": deny}]
    )
    labelled = custom_kinds.definition()
    labelled["metadata"]["labels"] = {"webhook-e2e-test": FORBIDDEN}
    status, refused = await client.send("POST", custom_kinds.DEFINITIONS, labelled)
    assert (status, "the crd contains unwanted label" in refused["message"]) == (400, True)
    await client.create(custom_kinds.DEFINITIONS, custom_kinds.definition())


@pytest.mark.parametrize(("policy", "status"), [("Fail", 500), ("Ignore", 201)])
async def test_time_outs_are_honoured(client: Client, server: WebhookServer, policy: str, status: int) -> None:
    slow = {"name": "slow", "timeoutSeconds": 1, "failurePolicy": policy, "answer": {"hang": True}}
    await configure(client.http, server, [slow])
    assert (await client.send("POST", MAPS, config_map("a")))[0] == status
    _, made = await client.send("GET", f"{API}/validatingwebhookconfigurations/slow")
    assert made["webhooks"][0]["timeoutSeconds"] == 1


@pytest.mark.parametrize("kind", ["validating", "mutating"])
async def test_webhooks_are_updated_and_patched(client: Client, server: WebhookServer, kind: str) -> None:
    patch = [{"op": "add", "path": "/data/mutated", "value": "yes"}]
    answer = {"deny": {"message": "no"}} if kind == "validating" else {"patch": patch}
    await configure(client.http, server, [{"name": "hook", "type": kind, "answer": answer}])
    path = f"{API}/{kind}webhookconfigurations/hook"

    async def is_asked(name: str) -> bool:
        status, made = await client.send("POST", MAPS, config_map(name, k="v"))
        return status == 400 or "mutated" in made["data"]

    assert await is_asked("a")
    _, found = await client.send("GET", path)
    found["webhooks"][0]["rules"][0]["operations"] = ["UPDATE"]
    status, changed = await client.send("PUT", path, found)
    assert (status, changed["metadata"]["generation"]) == (200, 2)
    assert not await is_asked("b")
    rules = [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["CREATE"]}]
    assert (await client.send("PATCH", path, rules, "application/json-patch+json"))[0] == 200
    assert await is_asked("c")


@pytest.mark.parametrize("kind", ["validating", "mutating"])
async def test_webhooks_are_listed_and_deleted_together(client: Client, server: WebhookServer, kind: str) -> None:
    plural = f"{API}/{kind}webhookconfigurations"
    for number in range(3):
        hook = webhook_of(server, {"name": f"hook{number}"})
        metadata = {"name": f"hook{number}", "labels": {"of": "test"}}
        await client.create(plural, {"metadata": metadata, "webhooks": [hook]})
    server.answers |= {f"hook{number}": {"deny": {"message": "no"}} for number in range(3)}
    if kind == "validating":
        assert (await client.send("POST", MAPS, config_map("a")))[0] == 400
    _, listed = await client.send("GET", f"{plural}?labelSelector=of%3Dtest")
    assert [one["metadata"]["name"] for one in listed["items"]] == ["hook0", "hook1", "hook2"]
    assert (await client.send("DELETE", f"{plural}?labelSelector=of%3Dtest"))[0] == 200
    assert (await client.send("POST", MAPS, config_map("b")))[0] == 201


@pytest.mark.parametrize("kind", ["validating", "mutating"])
async def test_conditions_are_created_and_updated(client: Client, server: WebhookServer, kind: str) -> None:
    first = [{"name": "expression-1", "expression": "true"}]
    await configure(client.http, server, [{"name": "hook", "type": kind, "matchConditions": first}])
    path = f"{API}/{kind}webhookconfigurations/hook"
    _, found = await client.send("GET", path)
    assert found["webhooks"][0]["matchConditions"] == first
    more = [*first, {"name": "expression-2", "expression": "object.metadata.name != 'skip-me'"}]
    found["webhooks"][0]["matchConditions"] = more
    status, changed = await client.send("PUT", path, found)
    assert (status, changed["webhooks"][0]["matchConditions"]) == (200, more)


@pytest.mark.parametrize("kind", ["validating", "mutating"])
async def test_conditions_that_do_not_compile_are_rejected(client: Client, server: WebhookServer, kind: str) -> None:
    conditions = [{"name": "expression-1", "expression": "... [] bad expression"}]
    hook = webhook_of(server, {"name": "hook", "matchConditions": conditions})
    body = {"metadata": {"name": "hook"}, "webhooks": [hook]}
    status, refused = await client.send("POST", f"{API}/{kind}webhookconfigurations", body)
    assert (status, "compilation failed" in refused["message"]) == (422, True)


async def test_everything_is_mutated_but_what_conditions_leave_out(client: Client, server: WebhookServer) -> None:
    skip = [{"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}]
    patch = [{"op": "add", "path": "/data/mutated", "value": "yes"}]
    hook = {"name": "all", "type": "mutating", "matchConditions": skip, "rules": [CONFIG_MAPS]}
    await configure(client.http, server, [{**hook, "answer": {"patch": patch}}])
    skipped = await client.create(MAPS, config_map("skip-me", k="v"))
    changed = await client.create(MAPS, config_map("other", k="v"))
    assert (skipped["data"], changed["data"]) == ({"k": "v"}, {"k": "v", "mutated": "yes"})
