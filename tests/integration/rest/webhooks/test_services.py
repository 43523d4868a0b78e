"""Webhooks that pods serve behind a Service, over gRPC and REST alike; what is counted and noted of them."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.webhook_cases import configure
from podlab_testing.webhook_server import WebhookServer

from master.apiserver.settings import AuditSettings
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Forbidden
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def pods(cluster: Cluster, admin: Client) -> AsyncIterator[PodServers]:
    made = PodServers(cluster, admin)
    await made.start()
    yield made
    await made.close()


def config_map(name: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"))


async def test_a_pod_behind_a_service_is_asked(
    http: aiohttp.ClientSession,
    admin: Client,
    pods: PodServers,
    server: WebhookServer,
    webhook_authority: ServerAuthority,
) -> None:
    tls = webhook_authority.server("hooks.default.svc")
    await pods.serve("hooks", server.handle, tls=tls)
    bundle = base64.b64encode(webhook_authority.bundle).decode()
    service = {"namespace": "default", "name": "hooks", "path": "/adding"}
    hook = {"name": "adding", "type": "mutating", "clientConfig": {"service": service, "caBundle": bundle}}
    patch = [{"op": "add", "path": "/data", "value": {"by": "a pod"}}]
    await configure(http, server, [{**hook, "answer": {"patch": patch}}])
    made = await admin.create(config_map("a"))
    assert dict(made.data) == {"by": "a pod"}
    assert server.names() == ["adding"]


async def test_refusals_reach_clients_of_grpc(
    http: aiohttp.ClientSession, admin: Client, server: WebhookServer
) -> None:
    deny = {"deny": {"code": 403, "reason": "Forbidden", "message": "no"}, "response": {"warnings": ["mind"]}}
    await configure(http, server, [{"name": "strict", "answer": deny}])
    with pytest.raises(Forbidden, match=r'admission webhook "strict.webhooks.test" denied the request: no'):
        await admin.create(config_map("a"))


async def test_commands_over_grpc_are_connections(
    http: aiohttp.ClientSession, admin: Client, server: WebhookServer
) -> None:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/exec"]}]
    await configure(http, server, [{"name": "exec", "rules": rules, "answer": {"deny": {"message": "no shells"}}}])
    pod = Pod(metadata=ObjectMeta(name="p", namespace="default"))
    pod.spec.containers.add(name="c", image="nginx")
    await admin.create(pod)
    start = kubelet_pb2.ExecStart(namespace="default", pod="p", container="c", command=["sh"])
    call = kubelet_pb2_grpc.KubeletStub(admin.channel).Exec(iter([kubelet_pb2.ExecRequest(start=start)]))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert "no shells" in str(refused.value.details())
    [(_, asked)] = server.asked
    assert asked["object"]["command"] == ["sh"]
    assert asked["subResource"] == "exec"


async def test_figures_count_what_webhooks_say(http: aiohttp.ClientSession, server: WebhookServer) -> None:
    labelled = {"objectSelector": {"matchLabels": {"x": "y"}}}
    gone = {"clientConfig": {"url": "https://127.0.0.1:1/"}, "failurePolicy": "Ignore"}
    await configure(
        http,
        server,
        [
            {"name": "calm", "type": "mutating"},
            {"name": "gone", **gone},
            {"name": "strict", "answer": {"deny": {"code": 403}}, **labelled},
            {"name": "choosy", "matchConditions": [{"name": "never", "expression": "false"}]},
        ],
    )
    for name, labels in (("a", {}), ("b", {"x": "y"})):
        async with http.post(MAPS, json={"metadata": {"name": name, "labels": labels}}) as response:
            assert response.status == (403 if labels else 201)
    async with http.get("/metrics") as response:
        figures = (await response.text()).splitlines()
    prefix = "apiserver_admission_webhook"
    for wanted in (
        f'{prefix}_request_total{{code="200",name="calm.webhooks.test",operation="CREATE",rejected="false",'
        'type="admit"} 2.0',
        f'{prefix}_request_total{{code="403",name="strict.webhooks.test",operation="CREATE",rejected="true",'
        'type="validating"} 1.0',
        f'{prefix}_rejection_count{{error_type="no_error",name="strict.webhooks.test",operation="CREATE",'
        'rejection_code="403",type="validating"} 1.0',
        f'{prefix}_fail_open_count{{name="gone.webhooks.test",type="validating"}} 2.0',
        f'{prefix}_admission_duration_seconds_count{{name="calm.webhooks.test",operation="CREATE",rejected="false",'
        'type="admit"} 2.0',
        'apiserver_admission_match_condition_exclusions_total{kind="webhook",name="choosy.webhooks.test",'
        'operation="CREATE",type="validating"} 2.0',
    ):
        assert told(wanted) in {told(figure) for figure in figures if not figure.startswith("#")}


def told(figure: str) -> tuple[str, frozenset[str], str]:
    """A figure, whatever the order of its labels."""
    name, _, rest = figure.partition("{")
    labels, _, value = rest.partition("}")
    return name, frozenset(labels.split(",")), value.strip()


@pytest.mark.parametrize(("level", "tells_patches"), [("Metadata", False), ("Request", True)])
async def test_what_webhooks_do_is_in_the_audit_log(
    cluster: Cluster,
    tmp_path: Path,
    session_of: SessionOf,
    server: WebhookServer,
    level: str,
    tells_patches: bool,
) -> None:
    log, policy = tmp_path / "audit.log", tmp_path / "policy.yaml"
    rules = [{"level": level, "resources": [{"group": "", "resources": ["configmaps"]}]}]
    policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
    await cluster.stop()
    cluster.settings = replace(cluster.settings, audit=AuditSettings(policy, log))
    await cluster.start()
    http = session_of("kubernetes-admin")
    patch = [{"op": "add", "path": "/data", "value": {"k": "v"}}]
    gone = {"clientConfig": {"url": "https://127.0.0.1:1/"}, "failurePolicy": "Ignore"}
    await configure(
        http,
        server,
        [
            {
                "name": "adding",
                "type": "mutating",
                "answer": {"patch": patch, "response": {"auditAnnotations": {"a": "b"}}},
            },
            {"name": "lost", "type": "mutating", **gone},
            {"name": "missing", **gone},
        ],
    )
    async with http.post(MAPS, json={"metadata": {"name": "a"}}) as response:
        assert response.status == 201
    await cluster.stop()  # which writes the last
    noted: dict[str, Any] = json.loads(log.read_bytes().splitlines()[-1])["annotations"]
    assert noted["adding.webhooks.test/a"] == "b"
    mutation = {"configuration": "adding", "webhook": "adding.webhooks.test", "mutated": True}
    assert json.loads(noted["mutation.webhook.admission.k8s.io/round_0_index_0"]) == mutation
    assert noted["failed-open.mutation.webhook.admission.k8s.io/round_0_index_1"] == "lost.webhooks.test"
    assert noted["failed-open.validating.webhook.admission.k8s.io/round_0_index_0"] == "missing.webhooks.test"
    told_patch = noted.get("patch.webhook.admission.k8s.io/round_0_index_0")
    assert (told_patch is not None) == tells_patches
    if told_patch is not None:
        assert json.loads(told_patch)["patch"] == patch
