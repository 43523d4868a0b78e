"""What every request passes: audit log, figures, encryption of what it stores, compression of what it is answered."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf
from podlab_testing.pod_servers import PodServers, echo

from master.apiserver.settings import AuditSettings
from podlab.core.v1 import config_pb2
from podlab.deploy import secret_encryption
from podlab.errors import Forbidden
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
VALUE = "aHVudGVyMi1odW50ZXIy"  # hunter2-hunter2


async def restarted(cluster: Cluster, **settings: Any) -> None:
    await cluster.stop()
    cluster.settings = replace(cluster.settings, **settings)
    await cluster.start()


@pytest.fixture
async def audited(cluster: Cluster, tmp_path: Path) -> Path:
    """The audit log of a server that writes all that it may."""
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "RequestResponse"}]}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    log = tmp_path / "logs" / "audit.log"
    await restarted(cluster, audit=AuditSettings(tmp_path / "policy.yaml", log))
    return log


async def events_of(cluster: Cluster, log: Path) -> list[dict[str, Any]]:
    await cluster.stop()  # which writes the last
    return lines_of(log)


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_bytes().splitlines()]


def holding(directory: Path, *words: bytes) -> list[str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word in path.read_bytes() for word in words)]


async def test_requests_over_rest_are_written_with_their_answers(
    cluster: Cluster, audited: Path, session_of: SessionOf
) -> None:
    body = {"metadata": {"generateName": "settings-"}, "data": {"colour": "blue"}}
    http = session_of("kubernetes-admin")
    async with http.post(CONFIG_MAPS, json=body, headers={"Audit-ID": "mine"}) as response:
        made = await response.json()
        assert (response.status, response.headers["Audit-ID"]) == (201, "mine")
    told = [event for event in await events_of(cluster, audited) if event["auditID"] == "mine"]
    assert [event["stage"] for event in told] == ["RequestReceived", "ResponseComplete"]
    event = told[1]
    assert (event["verb"], event["requestURI"], event["sourceIPs"]) == ("create", CONFIG_MAPS, ["127.0.0.1"])
    assert event["user"]["username"] == "kubernetes-admin"
    assert event["objectRef"]["name"] == made["metadata"]["name"]
    assert event["requestObject"] == body
    assert event["responseObject"] == made
    assert event["responseStatus"]["code"] == 201
    assert event["annotations"]["authorization.k8s.io/decision"] == "allow"


async def test_a_proxied_request_is_written_as_it_begins_and_ends_and_without_its_bodies(
    cluster: Cluster, audited: Path, session_of: SessionOf
) -> None:
    pods = PodServers(cluster, await cluster.client())
    await pods.start()
    try:
        await pods.serve("web", echo, port=80)
        path = "/api/v1/namespaces/default/services/http:web:80/proxy/x"
        http = session_of("kubernetes-admin")
        async with http.post(path, data=b"{}", headers={"Audit-ID": "mine"}) as response:
            assert (response.status, response.headers["Audit-ID"]) == (200, "mine")
    finally:
        await pods.close()
    told = [event for event in await events_of(cluster, audited) if event["auditID"] == "mine"]
    assert [event["stage"] for event in told] == ["RequestReceived", "ResponseStarted", "ResponseComplete"]
    event = told[-1]
    assert (event["verb"], event["responseStatus"]["code"]) == ("create", 200)
    about = {"resource": "services", "subresource": "proxy", "namespace": "default", "name": "http:web:80"}
    assert about.items() <= event["objectRef"].items()
    assert not {"requestObject", "responseObject"} & event.keys()


async def test_calls_over_grpc_are_written(cluster: Cluster, audited: Path, config_map_of: Any) -> None:
    client = await cluster.client()
    await client.create(config_map_of("grpc"))
    nobody = await cluster.client("jane", "users")
    with pytest.raises(Forbidden):
        await nobody.get(config_pb2.ConfigMap, "grpc", "default")
    told = {event["user"]["username"]: event for event in await events_of(cluster, audited)}
    made, refused = told["kubernetes-admin"], told["jane"]
    assert (made["verb"], made["requestURI"]) == ("create", "/podlab.v1.ApiServer/Create")
    assert made["requestObject"]["metadata"]["name"] == made["responseObject"]["metadata"]["name"] == "grpc"
    assert refused["responseStatus"]["code"] == 403
    assert refused["annotations"]["authorization.k8s.io/decision"] == "forbid"


async def test_a_secret_s_value_is_neither_logged_nor_stored(
    cluster: Cluster, audited: Path, session_of: SessionOf, tmp_path: Path
) -> None:
    secret_encryption.ensure(tmp_path)
    await restarted(cluster, encryption=tmp_path / "encryption" / "configuration.yaml")
    http = session_of("kubernetes-admin")
    body = {"metadata": {"name": "db"}, "data": {"password": VALUE}}
    async with http.post(SECRETS, json=body) as response:
        assert response.status == 201
    patch = {"stringData": {"other": "hunter2-hunter2"}, "data": {"?": "hunter2-hunter2"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{SECRETS}/db", json=patch, headers=headers) as response:
        assert response.status == 422
    async with http.get(SECRETS) as response:
        assert VALUE in await response.text()
    written = await events_of(cluster, audited)
    about = [event for event in written if event.get("objectRef", {}).get("resource") == "secrets"]
    assert {event["level"] for event in about} == {"Metadata"}
    assert holding(tmp_path, VALUE.encode(), b"hunter2") == []
    await cluster.start()
    async with session_of("kubernetes-admin").get(f"{SECRETS}/db") as response:
        assert (await response.json())["data"] == {"password": VALUE}


UNHEARD = {
    "a token that is not good": (None, "GET", SECRETS, {"Authorization": "Bearer nonsense"}, 401, "", "secrets"),
    "nobody": (None, "GET", SECRETS, {}, 403, "system:anonymous", "secrets"),
    "nobody at no kind": (None, "GET", "/api/v1/gadgets", {}, 403, "system:anonymous", "gadgets"),
    "somebody at no kind": ("jane", "GET", "/api/v1/gadgets", {}, 403, "jane", "gadgets"),
    "no kind": ("kubernetes-admin", "GET", "/api/v1/gadgets", {}, 404, "kubernetes-admin", "gadgets"),
    "no path": ("kubernetes-admin", "GET", "/nowhere", {}, 404, "kubernetes-admin", None),
    "no method": ("kubernetes-admin", "PUT", SECRETS, {}, 405, "kubernetes-admin", "secrets"),
    "compressed": ("kubernetes-admin", "POST", SECRETS, {"Content-Encoding": "br"}, 415, "kubernetes-admin", "secrets"),
    "group of nobody": ("jane", "GET", SECRETS, {"Impersonate-Group": "ops"}, 400, "jane", "secrets"),
}


async def test_what_no_handler_hears_of_is_written_and_counted(
    cluster: Cluster, audited: Path, session_of: SessionOf
) -> None:
    sessions = {user: session_of(user) for user in (None, "jane", "kubernetes-admin")}
    for name, (user, method, path, headers, code, _, _) in UNHEARD.items():
        sent = {**headers, "Audit-ID": name}
        async with sessions[user].request(
            method, path, headers=sent, data=b"{}" if method != "GET" else b""
        ) as response:
            assert response.status == code, name
    async with sessions["kubernetes-admin"].get("/metrics") as response:
        figures = await response.text()
    told = {event["auditID"]: event for event in await events_of(cluster, audited)}
    for name, (_, _, _, _, code, user, resource) in UNHEARD.items():
        event = told[name]
        assert (event["stage"], event["responseStatus"]["code"]) == ("ResponseComplete", code), name
        assert (event["user"].get("username", ""), event.get("objectRef", {}).get("resource")) == (user, resource), name
        assert f'code="{code}"' in figures
    assert "gadgets" not in figures, "what is not there is no label"


async def test_the_log_says_what_allowed_a_request_and_who_is_meant(
    cluster: Cluster, audited: Path, session_of: SessionOf
) -> None:
    http, jane = session_of("kubernetes-admin"), session_of("jane")
    role = {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}
    subject = {"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"}
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    body = {"metadata": {"name": "viewers"}, "roleRef": role, "subjects": [subject]}
    async with http.post(bindings, json=body) as response:
        assert response.status == 201
    for session, name in ((http, "meant"), (jane, "refused")):
        async with session.get(CONFIG_MAPS, headers={"Impersonate-User": "joe", "Audit-ID": name}):
            pass
    told = {event["auditID"]: event for event in await events_of(cluster, audited)}
    meant, refused = told["meant"], told["refused"]
    assert (meant["user"]["username"], meant["impersonatedUser"]["username"]) == ("kubernetes-admin", "joe")
    assert meant["annotations"] == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": (
            'RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to User "joe"'
        ),
    }
    assert (refused["user"]["username"], refused["responseStatus"]["code"]) == ("jane", 403)
    assert "impersonatedUser" not in refused


async def test_callers_over_grpc_hear_what_their_calls_are_known_by(cluster: Cluster, audited: Path) -> None:
    client = await cluster.client()
    stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)
    good = stub.Version(apiserver_pb2.VersionRequest())
    await good
    heard = [dict(await good.trailing_metadata())["audit-id"]]
    for bad in ("ConfigMap", "Gadget"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Get(apiserver_pb2.GetRequest(kind=bad, namespace="default", name="none"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        heard.append(dict(refused.value.trailing_metadata())["audit-id"])
    codes = {event["auditID"]: event["responseStatus"]["code"] for event in await events_of(cluster, audited)
             if event["stage"] == "ResponseComplete"}  # fmt: skip
    assert [codes[each] for each in heard] == [200, 404, 404]


async def test_figures_are_those_of_kubernetes(http: Any, session_of: SessionOf) -> None:
    async with http.get(CONFIG_MAPS) as response:
        await response.read()
    async with http.get("/metrics") as response:
        assert response.content_type == "text/plain"
        text = await response.text()
    place = (
        'code="200",component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",'
        'verb="LIST",version="v1"'
    )
    (line,) = re.findall(r"^apiserver_request_total\{(.*configmaps.*)\} 1\.0$", text, re.MULTILINE)
    assert sorted(line.split(",")) == place.split(",")
    for name in (
        "apiserver_request_duration_seconds_bucket",
        "apiserver_current_inflight_requests",
        'apiserver_storage_objects{resource="namespaces"}',
        "apiserver_flowcontrol_current_inqueue_requests",
        "process_resident_memory_bytes",
    ):
        assert name in text
    async with session_of("jane").get("/metrics") as response:
        assert response.status == 403


async def test_large_answers_are_compressed_for_who_asks(http: Any) -> None:
    async with http.post(CONFIG_MAPS, json={"metadata": {"name": "large"}, "data": {"x": "y" * 200_000}}) as response:
        assert response.status == 201
    async with http.get(CONFIG_MAPS, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers
        plain = await response.read()
    async with http.get(CONFIG_MAPS, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert int(response.headers["Content-Length"]) < len(plain) // 10
        assert await response.read() == plain  # which the client has unpacked
