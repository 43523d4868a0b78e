"""Kinds that are not simply stored: Events of two groups, Bindings, ComponentStatuses."""

from __future__ import annotations

from typing import Any

import aiohttp
from podlab_testing import sample_objects

from podlab.api import kinds
from podlab.core.v1.pod_pb2 import Pod
from podlab.events.v1 import event_pb2

EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
CORE_EVENTS = "/api/v1/namespaces/default/events"


def event(name: str, **changes: Any) -> dict[str, Any]:
    made = sample_objects.data(kinds.of(event_pb2.Event))
    return {**made, **changes, "metadata": {"name": name}}


async def test_an_event_of_either_group_is_seen_in_both(http: aiohttp.ClientSession) -> None:
    async with http.post(EVENTS, json=event("two-faces")) as response:
        assert response.status == 201, await response.text()
    async with http.get(f"{CORE_EVENTS}/two-faces") as response:
        core = await response.json()
    assert (core["apiVersion"], core["message"], core["involvedObject"]["name"]) == ("v1", "it has started", "web-1")
    core["count"] = 7
    async with http.put(f"{CORE_EVENTS}/two-faces", json=core) as response:
        assert response.status == 200, await response.text()
    async with http.get(f"{EVENTS}/two-faces") as response:
        shown = await response.json()
    assert (shown["apiVersion"], shown["deprecatedCount"]) == ("events.k8s.io/v1", 7)


async def test_each_group_has_its_own_names_in_selectors_and_rules(http: aiohttp.ClientSession) -> None:
    async with http.post(EVENTS, json=event("selected", regarding={"kind": "Node", "name": "n7"})) as response:
        assert response.status == 201, await response.text()
    for path, name in ((EVENTS, "regarding.name"), (CORE_EVENTS, "involvedObject.name")):
        async with http.get(path, params={"fieldSelector": f"{name}=n7"}) as response:
            assert [one["metadata"]["name"] for one in (await response.json())["items"]] == ["selected"]
    async with http.get(EVENTS, params={"fieldSelector": "involvedObject.name=n7"}) as response:
        assert response.status == 400
    async with http.post(EVENTS, json=event("no-time", eventTime=None)) as response:
        refused = await response.json()
    assert response.status == 422
    assert [cause["field"] for cause in refused["details"]["causes"]] == ["eventTime"]
    patch = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{EVENTS}/selected", json={"note": "other"}, headers=patch) as response:
        assert response.status == 422
    async with http.patch(f"{CORE_EVENTS}/selected", json={"message": "other"}, headers=patch) as response:
        assert response.status == 200


async def test_an_event_becomes_a_series_and_goes_with_others_of_its_label(http: aiohttp.ClientSession) -> None:
    """As recorders of the newer group count what happens again."""
    mark = {"mine": "yes"}
    for name in ("first", "second", "third"):
        made = event(name)
        async with http.post(EVENTS, json={**made, "metadata": {**made["metadata"], "labels": mark}}) as response:
            assert response.status == 201, await response.text()
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000001Z"}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    async with http.patch(f"{EVENTS}/first", json={"series": series}, headers=headers) as response:
        patched = await response.json()
        assert (response.status, patched["series"]) == (200, series)
    patched["series"] = {"count": 100, "lastObservedTime": "2026-01-01T00:02:00.000000Z"}
    async with http.put(f"{EVENTS}/first", json=patched) as response:
        assert (await response.json())["series"] == patched["series"]
    everywhere = "/apis/events.k8s.io/v1/events?labelSelector=mine%3Dyes"
    async with http.get(everywhere) as response:
        assert [one["metadata"]["name"] for one in (await response.json())["items"]] == ["first", "second", "third"]
    async with http.delete(f"{EVENTS}/second") as response:
        assert (await response.json())["status"] == "Success"
    async with http.delete(f"{EVENTS}?labelSelector=mine%3Dyes") as response:
        assert response.status == 200
    async with http.get(everywhere) as response:
        assert (await response.json())["items"] == []


async def test_a_pod_is_bound_by_a_binding_that_names_it(http: aiohttp.ClientSession) -> None:
    pod = {**sample_objects.data(kinds.of(Pod)), "metadata": {"name": "to-bind"}}
    async with http.post("/api/v1/namespaces/default/pods", json=pod) as response:
        assert response.status == 201, await response.text()
    binding = {"metadata": {"name": "to-bind"}, "target": {"kind": "Node", "name": "n1"}}
    async with http.post("/api/v1/namespaces/default/bindings", json=binding) as response:
        answer = await response.json()
    assert (response.status, answer["kind"], answer["status"]) == (201, "Status", "Success")
    async with http.get("/api/v1/namespaces/default/pods/to-bind") as response:
        assert (await response.json())["spec"]["nodeName"] == "n1"
    async with http.get("/api/v1/namespaces/default/bindings") as response:
        assert response.status == 405


async def test_components_tell_how_they_are(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/componentstatuses") as response:
        found = await response.json()
        assert "deprecated" in response.headers["Warning"]
    told = {one["metadata"]["name"]: one["conditions"][0] for one in found["items"]}
    assert told.keys() == {"controller-manager", "etcd-0", "scheduler"}
    assert told["etcd-0"] == {"type": "Healthy", "status": "True", "message": "ok"}
    # Nobody answers there in this test.
    assert (told["scheduler"]["status"], "the scheduler at" in told["scheduler"]["error"]) == ("False", True)
    async with http.get("/api/v1/componentstatuses/etcd-0") as response:
        assert (await response.json())["conditions"] == [told["etcd-0"]]
    async with http.get("/api/v1/componentstatuses/nothing") as response:
        assert response.status == 404


async def test_all_namespaces_are_not_deleted_at_once(http: aiohttp.ClientSession) -> None:
    async with http.delete("/api/v1/namespaces") as response:
        assert response.status == 405
