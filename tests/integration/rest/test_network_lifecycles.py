"""Kubernetes' conformance tests of the network's API step by step, with what clients in Go write (docs/conformance.md).

Such a client writes out what its object leaves empty: a time that is null, a spec and a status without fields.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing.protobuf_reading import PROTOBUF, enclosed, opened
from podlab_testing.waiting import WITHIN_S

from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import Condition, Time

SERVICES = "/api/v1/namespaces/default/services"
ENDPOINTS = "/api/v1/namespaces/default/endpoints"
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
SAID = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from a test"}


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


async def events_since(
    http: aiohttp.ClientSession, path: str, selector: str, since: str, count: int
) -> list[tuple[str, Any]]:
    """The first events after the revision of those that the selector takes."""
    query = {"watch": "true", "labelSelector": selector, "resourceVersion": since}
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(WITHIN_S), http.get(path, params=query) as response:
        while len(found) < count:
            event = orjson.loads(await response.content.readline())
            found.append((event["type"], event["object"]))
    return found


async def test_a_services_status_lives_as_its_object_does(http: aiohttp.ClientSession) -> None:
    selector = "test-service-static=true"
    listed = await sent(http, "GET", "/api/v1/services", params={"labelSelector": selector})
    since = listed["metadata"]["resourceVersion"]
    port = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}
    body = {
        "metadata": {"name": "told", "creationTimestamp": None, "labels": {"test-service-static": "true"}},
        "spec": {"ports": [port], "type": "LoadBalancer", "loadBalancerClass": "example.com/internal-vip"},
        "status": {"loadBalancer": {}},
    }
    made = await sent(http, "POST", SERVICES, body)
    below = f"{SERVICES}/told/status"
    assert (await sent(http, "GET", below))["metadata"]["uid"] == made["metadata"]["uid"]
    ingress = [{"ip": "203.0.113.1"}]
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"loadBalancer": {"ingress": ingress}}}
    found = await sent(http, "PATCH", below, patch, headers=MERGE)
    found["status"]["conditions"] = [{**SAID, "lastTransitionTime": None}]
    found = await sent(http, "PUT", below, found)
    assert found["status"]["conditions"] == [{**SAID, "lastTransitionTime": None}]
    patch = {
        "metadata": {"creationTimestamp": None, "labels": {"test-service": "patched"}},
        "spec": {},
        "status": {"loadBalancer": {}},
    }
    found = await sent(http, "PATCH", f"{SERVICES}/told", patch, headers=STRATEGIC)
    assert found["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    await sent(http, "DELETE", f"{SERVICES}/told")
    events = await events_since(http, SERVICES, selector, since, 5)
    assert [told for told, _ in events] == ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]
    for _, shown in events[3:]:
        assert shown["metadata"]["labels"]["test-service"] == "patched"
        assert shown["status"]["loadBalancer"] == {"ingress": [{**ingress[0], "ipMode": "VIP"}]}
        assert [one["reason"] for one in shown["status"]["conditions"]] == ["E2E"]


async def test_a_condition_without_a_time_comes_by_protobuf_too(http: aiohttp.ClientSession) -> None:
    accept = {"Accept": PROTOBUF, "Content-Type": PROTOBUF}
    await sent(http, "POST", SERVICES, {"metadata": {"name": "told"}, "spec": {"ports": [{"port": 80}]}})
    async with http.get(f"{SERVICES}/told", headers=accept) as response:
        found = Service.FromString(opened(await response.read())[2])
    found.status.conditions.append(Condition(**SAID, lastTransitionTime=Time()))
    body = enclosed("v1", "Service", found)
    async with http.put(f"{SERVICES}/told/status", data=body, headers=accept) as response:
        assert response.status == 200, await response.read()
    shown = await sent(http, "GET", f"{SERVICES}/told")
    assert shown["status"]["conditions"] == [{**SAID, "lastTransitionTime": None}]


async def test_affinity_that_is_switched_off_takes_its_settings_along(http: aiohttp.ClientSession) -> None:
    spec = {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 9376}], "sessionAffinity": "ClientIP"}
    found = await sent(http, "POST", SERVICES, {"metadata": {"name": "sticky"}, "spec": spec})
    assert found["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    for affinity, settings in (("None", None), ("ClientIP", {"clientIP": {"timeoutSeconds": 10800}})):
        found["spec"]["sessionAffinity"] = affinity
        found = await sent(http, "PUT", f"{SERVICES}/sticky", found)
        assert (found["spec"]["sessionAffinity"], found["spec"].get("sessionAffinityConfig")) == (affinity, settings)


async def test_endpoints_are_made_changed_and_deleted_before_the_eyes_of_a_watch(http: aiohttp.ClientSession) -> None:
    selector = "test-endpoint-static=true"
    listed = await sent(http, "GET", "/api/v1/endpoints", params={"labelSelector": selector})
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    body = {
        "metadata": {"name": "testservice", "creationTimestamp": None, "labels": {"test-endpoint-static": "true"}},
        "subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [port]}],
    }
    await sent(http, "POST", ENDPOINTS, body)
    everywhere = await sent(http, "GET", "/api/v1/endpoints", params={"labelSelector": selector})
    (found,) = everywhere["items"]
    found["metadata"]["labels"]["test-service"] = "updated"
    await sent(http, "PUT", f"{ENDPOINTS}/testservice", found)
    subset = {"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080}]}
    patch = {"metadata": {"labels": {"test-service": "patched"}}, "subsets": [subset]}
    await sent(http, "PATCH", f"{ENDPOINTS}/testservice", patch, headers=STRATEGIC)
    found = await sent(http, "GET", f"{ENDPOINTS}/testservice")
    assert found["metadata"]["labels"] == {"test-endpoint-static": "true", "test-service": "patched"}
    assert found["subsets"] == [{**subset, "ports": [{**subset["ports"][0], "protocol": "TCP"}]}]
    await sent(http, "DELETE", ENDPOINTS, params={"labelSelector": selector})
    events = await events_since(http, ENDPOINTS, selector, listed["metadata"]["resourceVersion"], 4)
    assert [told for told, _ in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert {shown["metadata"]["labels"]["test-endpoint-static"] for _, shown in events} == {"true"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ENDPOINTS, {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]}),
        (SERVICES, {"spec": {"ports": [{"port": 80}]}}),
    ],
)
async def test_what_is_put_without_a_revision_replaces_what_there_is(
    http: aiohttp.ClientSession, path: str, body: dict[str, Any]
) -> None:
    await sent(http, "POST", path, {"metadata": {"name": "custom"}, **body})
    changed = {"metadata": {"name": "custom", "labels": {"a": "b"}}, **body}
    assert (await sent(http, "PUT", f"{path}/custom", changed))["metadata"]["labels"] == {"a": "b"}
