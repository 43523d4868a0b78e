"""An API server behind a Service, reached through a kubelet: what becomes of its group, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable
from pathlib import Path

import aiohttp
from podlab_testing import extension_server
from podlab_testing.cluster import Cluster
from podlab_testing.extended_cluster import FLUNDERS, NAME, SERVICES, Extended, eventually, flunder
from podlab_testing.extension_server import GROUP, ROOT, VERSION
from podlab_testing.http_clients import SessionOf
from podlab_testing.pod_servers import ServerAuthority
from podlab_testing.waiting import WITHIN_S
from yarl import URL

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.client.client import Client


async def test_a_server_that_answers_is_available_and_its_kinds_are_discovered(extended: Extended) -> None:
    await extended.register()
    assert await extended.becomes("True", "Passed") == "all checks passed"
    asked = next(one for one in extended.server.flunders.requests if one["path"] == ROOT)
    assert (asked["user"], asked["groups"]) == ("system:kube-aggregator", ["system:masters"])
    await eventually(lambda: extended.discovered(), "discovered")
    await eventually(lambda: _has_resources(extended), "its resources")
    version = await extended.discovered()
    assert version == {
        "version": VERSION,
        "freshness": "Current",
        "resources": extension_server.AGGREGATED["items"][0]["versions"][0]["resources"],
    }
    groups = (await extended.get("/apis"))["groups"]
    names = [group["name"] for group in groups]
    assert names[0] == "apiregistration.k8s.io"
    assert names.index("resource.k8s.io") < names.index(GROUP) < names.index("metrics.k8s.io")
    assert (await extended.get(f"/apis/{GROUP}"))["preferredVersion"]["version"] == VERSION


async def _has_resources(extended: Extended) -> bool:
    return bool((await extended.discovered()).get("resources"))


async def test_a_server_that_knows_no_aggregated_discovery_is_asked_in_the_older_way(extended: Extended) -> None:
    extended.server.flunders.aggregated = False
    await extended.register()
    await eventually(lambda: _has_resources(extended), "its resources")
    (resource,) = (await extended.discovered())["resources"]
    assert (resource["resource"], resource["scope"], resource["shortNames"]) == ("flunders", "Namespaced", ["fl"])
    assert [one["subresource"] for one in resource["subresources"]] == ["echo"]


async def test_openapi_tells_of_its_kinds_and_goes_with_them(extended: Extended) -> None:
    await extended.register()
    place, model = ROOT.lstrip("/"), f"com.example.wardle.{VERSION}.Flunder"

    async def is_described() -> bool:
        return place in (await extended.get("/openapi/v3"))["paths"]

    await eventually(is_described, "described")
    url = (await extended.get("/openapi/v3"))["paths"][place]["serverRelativeURL"]
    assert (await extended.get(url))["components"]["schemas"].keys() == {model}

    async def is_merged() -> bool:
        return model in (await extended.get("/openapi/v2"))["definitions"]

    await eventually(is_merged, "merged")
    merged = await extended.get("/openapi/v2")
    assert f"{ROOT}/flunders" in merged["paths"]
    assert "unused" not in merged["definitions"]
    assert "io.k8s.api.core.v1.Pod" in merged["definitions"]
    async with extended.http.delete(f"{SERVICES}/{NAME}") as response:
        assert response.status == 200
    await eventually(lambda: _negated(is_described()), "it is gone")
    assert await extended.discovered() == {}


async def _negated(one: Awaitable[bool]) -> bool:
    return not await one


async def test_a_server_that_is_not_there_is_unavailable_for_a_reason_and_comes_back(extended: Extended) -> None:
    await extended.register(service={"namespace": "default", "name": "other"})
    assert await extended.becomes("False", "ServiceNotFound") == 'service/other in "default" is not present'
    await extended.pods.service("other", 8443)
    assert (
        await extended.becomes("False", "ServicePortError") == 'service/other in "default" is not listening on port 443'
    )
    path = "/api/v1/namespaces/default/services/other"
    patch = {"spec": {"ports": [{"port": 443, "name": "https"}]}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with extended.http.patch(path, json=patch, headers=headers) as response:
        assert response.status == 200
    assert await extended.becomes("False", "EndpointsNotFound")
    port = extended.server.server_address[1]
    await extended.pods.endpoint("other", port, "wardle", port_name="https", ready=False)
    told = 'endpointslices for service/other in "default" have no addresses with port name "https"'
    assert await extended.becomes("False", "MissingEndpoints") == told
    assert await extended.discovered() == {"version": VERSION, "freshness": "Stale"}
    await extended.pods.endpoint("other", port, "wardle", port_name="https")
    assert await extended.becomes("True", "Passed")


async def test_a_server_that_does_not_answer_fails_its_check_and_is_counted(
    extended: Extended, free_ports: tuple[int, ...]
) -> None:
    figure = f'aggregator_unavailable_apiservice{{name="{VERSION}.{GROUP}"}}'

    async def figures() -> dict[str, float]:
        async with extended.http.get("/metrics") as response:
            lines = (await response.text()).splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    await extended.register()
    await extended.becomes("True", "Passed")
    assert (await figures())[figure] == 0
    gone = f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector={SERVICE_NAME_LABEL}=wardle"
    async with extended.http.delete(gone) as response:
        assert response.status == 200
    await extended.pods.endpoint("wardle", free_ports[1], "wardle")  # nobody listens there
    told = await extended.becomes("False", "FailedDiscoveryCheck")
    assert told.startswith(f"failing or missing response from https://wardle.default.svc:443{ROOT}: ")
    found = await figures()
    assert found[figure] == 1
    assert found['aggregator_unavailable_apiservice{name="v1.apps"}'] == 0
    counted = {
        name: value for name, value in found.items() if name.startswith("aggregator_unavailable_apiservice_total")
    }
    ((name, count),) = counted.items()
    assert (f'name="{VERSION}.{GROUP}",reason="' in name, count) == (True, 1)


async def test_a_server_that_answers_nonsense_spoils_nothing_for_others(extended: Extended) -> None:
    extended.server.flunders.broken.update(("/apis", "/openapi"))
    await extended.register()
    await extended.becomes("True", "Passed")

    async def was_read() -> bool:
        return any(one["path"] == "/apis" for one in extended.server.flunders.requests)

    await eventually(was_read, "its documents were asked for")
    assert await extended.discovered() == {"version": VERSION, "freshness": "Stale"}
    assert "io.k8s.api.core.v1.Pod" in (await extended.get("/openapi/v2"))["definitions"]
    assert ROOT.lstrip("/") not in (await extended.get("/openapi/v3"))["paths"]


RULES = [{"apiGroups": [GROUP], "resources": ["flunders", "flunders/echo"], "verbs": ["*"]}]


async def allowed(extended: Extended, user: str) -> None:
    """The user may do anything with flunders."""
    root, group = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    subject = {"kind": "User", "apiGroup": group, "name": user}
    bound = {"roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "wardler"}, "subjects": [subject]}
    for plural, body in (("clusterroles", {"rules": RULES}), ("clusterrolebindings", bound)):
        async with extended.http.post(f"{root}/{plural}", json={"metadata": {"name": "wardler"}, **body}) as response:
            assert response.status == 201, await response.text()


async def test_requests_are_passed_on_in_the_callers_name(serving: Extended, session_of: SessionOf) -> None:
    await allowed(serving, "jane")
    jane = session_of("jane")
    async with jane.post(FLUNDERS, json=flunder("one", color="red"), headers={"Authorization": "Bearer x"}) as response:
        assert (response.status, (await response.json())["metadata"]["name"]) == (201, "one")
    patch = {"Content-Type": "application/merge-patch+json"}
    async with jane.patch(
        f"{FLUNDERS}/one?fieldManager=a%2Fb", json={"spec": {"color": "blue"}}, headers=patch
    ) as response:
        assert (await response.json())["spec"] == {"color": "blue"}
    async with jane.get(FLUNDERS, headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"}) as response:
        assert [one["metadata"]["name"] for one in (await response.json())["items"]] == ["one"]
    async with jane.delete(f"{FLUNDERS}/one") as response:
        assert response.status == 200
    async with jane.get(f"{FLUNDERS}/one") as response:
        assert (response.status, (await response.json())["reason"]) == (404, "NotFound")
    asked = serving.asked
    assert [one["method"] for one in asked] == ["POST", "PATCH", "GET", "DELETE", "GET"]
    assert asked[1]["query"] == {"fieldManager": "a/b"}
    for one in asked:
        assert (one["user"], sorted(one["groups"])) == ("jane", ["system:authenticated", "users"])
        assert "authorization" not in one["headers"]
        assert one["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert one["headers"]["audit-id"]


async def test_what_the_caller_may_is_asked_here_first(serving: Extended, session_of: SessionOf) -> None:
    joe = session_of("joe")
    for method, path in (
        ("GET", FLUNDERS),
        ("POST", FLUNDERS),
        ("DELETE", f"{FLUNDERS}/one"),
        ("GET", f"{ROOT}/others"),
    ):
        async with joe.request(method, path) as response:
            assert response.status == 403
    async with joe.get(ROOT) as response:
        assert (response.status, (await response.json())["kind"]) == (200, "APIResourceList")
    assert [one["path"] for one in serving.asked] == [ROOT]


async def test_whoever_acts_as_another_is_passed_on_as_that_one(serving: Extended) -> None:
    await allowed(serving, "jane")
    headers = {"Impersonate-User": "jane", "Impersonate-Extra-Team": "blue"}
    async with serving.http.get(FLUNDERS, headers=headers) as response:
        assert response.status == 200
    (asked,) = serving.asked
    assert (asked["user"], asked["extra"]) == ("jane", {"team": ["blue"]})
    assert not any(name.startswith("impersonate") for name in asked["headers"])


async def test_a_path_with_steps_is_not_passed_on(serving: Extended, base: str) -> None:
    async with serving.http.get(URL(f"{base}{ROOT}/x/%2e%2e/flunders", encoded=True)) as response:
        assert response.status == 404
    assert serving.asked == []


async def test_watches_stream(serving: Extended) -> None:
    async with serving.http.get(f"{FLUNDERS}?watch=true&timeoutSeconds=20") as watch:
        assert watch.status == 200
        for name in ("one", "two"):
            async with serving.http.post(FLUNDERS, json=flunder(name)):
                pass
            event = json.loads(await asyncio.wait_for(watch.content.readline(), WITHIN_S))
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)


async def test_upgrades_carry_bytes_both_ways(serving: Extended) -> None:
    async with serving.http.ws_connect(f"{FLUNDERS}/one/echo") as socket:
        await socket.send_bytes(b"hello")
        # Frames come back as a client sends them, which a client does not take: that they come is enough.
        await asyncio.wait_for(socket.receive(), WITHIN_S)
    (asked,) = serving.asked
    assert (asked["user"], asked["path"]) == ("kubernetes-admin", f"{FLUNDERS}/one/echo")


async def test_a_server_that_is_unavailable_is_not_asked(extended: Extended) -> None:
    await extended.register(service={"namespace": "default", "name": "other"})
    await extended.becomes("False", "ServiceNotFound")
    for path in (ROOT, FLUNDERS):
        async with extended.http.get(path) as response:
            assert (response.status, await response.text()) == (503, "service unavailable\n")


async def test_only_a_server_with_the_right_certificate_is_believed(extended: Extended, tmp_path: Path) -> None:
    other = base64.b64encode(ServerAuthority(tmp_path / "other").bundle).decode()
    await extended.register(caBundle=other)
    await extended.becomes("True", "Passed")
    async with extended.http.get(FLUNDERS) as response:
        assert response.status == 503
        assert "certificate" in await response.text()
    assert extended.asked == []
    patch = {"spec": {"caBundle": None, "insecureSkipTLSVerify": True}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with extended.http.patch(f"{SERVICES}/{NAME}", json=patch, headers=headers) as response:
        assert response.status == 200
    async with extended.http.get(FLUNDERS) as response:
        assert response.status == 200


async def test_a_server_believes_nobody_but_the_front_proxy(serving: Extended, cluster: Cluster) -> None:
    tls = ssl.create_default_context(cadata=serving.authority.bundle.decode())
    tls.check_hostname = False
    url = f"https://127.0.0.1:{serving.server.server_address[1]}{FLUNDERS}"
    headers = {"X-Remote-User": "root"}
    async with aiohttp.ClientSession() as session, session.get(url, ssl=tls, headers=headers) as response:
        assert response.status == 401


async def test_a_namespace_that_goes_takes_along_what_the_other_server_holds(serving: Extended, admin: Client) -> None:
    await eventually(lambda: _has_resources(serving), "its resources")
    flunders = serving.server.flunders
    for namespace in ("default", "team"):
        flunders.put(namespace, flunder("one"))
    flunders.put("team", {**flunder("kept"), "metadata": {"name": "kept", "finalizers": ["example.com/keep"]}})
    left = await admin.delete_aggregated_content("team")
    assert [(one.resource, one.count, list(one.finalizers)) for one in left.left] == [
        (f"flunders.{GROUP}", 1, ["example.com/keep"])
    ]
    assert flunders.objects.keys() == {("default", "one"), ("team", "kept")}
    flunders.objects.pop(("team", "kept"))
    assert not (await admin.delete_aggregated_content("team")).ByteSize()
    flunders.broken.add(ROOT)
    assert (await admin.delete_aggregated_content("team")).failures


async def test_of_a_server_that_is_unavailable_nobody_knows_what_it_holds(extended: Extended, admin: Client) -> None:
    await extended.register(service={"namespace": "default", "name": "other"})
    await extended.becomes("False", "ServiceNotFound")
    assert list((await admin.delete_aggregated_content("team")).undiscovered) == [f"{GROUP}/{VERSION}"]


async def test_a_server_may_ask_the_cluster_what_its_callers_may(
    serving: Extended, cluster: Cluster, session_of: SessionOf, tmp_path: Path
) -> None:
    """As its service account, with the roles that there are for it."""
    await allowed(serving, "jane")
    rbac, account = "rbac.authorization.k8s.io", {"kind": "ServiceAccount", "name": "wardle", "namespace": "default"}

    async def bind(path: str, kind: str, role: str) -> None:
        reference = {"apiGroup": rbac, "kind": kind, "name": role}
        body = {"metadata": {"name": "server"}, "roleRef": reference, "subjects": [account]}
        async with serving.http.post(f"/apis/{rbac}/v1/{path}", json=body) as response:
            assert response.status == 201, await response.text()

    accounts = "/api/v1/namespaces/default/serviceaccounts"
    async with serving.http.post(accounts, json={"metadata": {"name": "wardle"}}) as response:
        assert response.status == 201
    await bind("clusterrolebindings", "ClusterRole", "system:auth-delegator")
    await bind("namespaces/kube-system/rolebindings", "Role", "extension-apiserver-authentication-reader")
    async with serving.http.post(f"{accounts}/wardle/token", json={"spec": {}}) as response:
        (tmp_path / "token").write_text((await response.json())["status"]["token"])
    (tmp_path / "ca.crt").write_bytes(cluster.settings.tls.ca.read_bytes())
    delegation = extension_server.Delegation(f"127.0.0.1:{cluster.settings.rest_port}", tmp_path)
    known = await asyncio.to_thread(delegation.authentication)
    assert known["requestheader-client-ca-file"] == cluster.authority.front_proxy().ca.read_text()
    serving.server.cluster = delegation
    for user, allowed_there in (("jane", True), ("joe", False)):
        caller = {"user": user, "groups": ["system:authenticated"], "uid": ""}
        assert await asyncio.to_thread(delegation.allows, caller, "GET", FLUNDERS) is allowed_there
    async with session_of("jane").get(FLUNDERS) as response:
        assert response.status == 200
    seen, patch = len(serving.server.flunders.requests), {"spec": {"versionPriority": 201}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with serving.http.patch(f"{SERVICES}/{NAME}", json=patch, headers=headers) as response:
        assert response.status == 200

    async def is_read() -> bool:
        return any(one["path"] == "/openapi/v3" for one in serving.server.flunders.requests[seen:])

    await eventually(is_read, "this server itself may read what it serves")
    assert (await serving.discovered())["freshness"] == "Current"
