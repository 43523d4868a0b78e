"""Custom kinds of two versions that a webhook converts: a pod behind a Service, with an authority of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from podlab_testing import conversion_webhook as webhook
from podlab_testing.cluster import Cluster
from podlab_testing.conversion_webhook import GROUP, PLACE, ConversionServer, Review, answer, right, server
from podlab_testing.custom_kinds import DEFINITIONS, Rest
from podlab_testing.pod_servers import PodServers, ServerAuthority
from podlab_testing.waiting import WITHIN_S

from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.client.client import Client

V1, V2 = PLACE.format(version="v1"), PLACE.format(version="v2")
SERVER = Kind(GROUP, "v1", "Server", "servers", Custom)


@dataclass(frozen=True)
class Converted:
    """A server that has Servers, and what converts them."""

    rest: Rest
    webhook: ConversionServer

    async def store_in(self, version: str) -> None:
        """Make it the storage version."""
        found = await self.rest("GET", f"{DEFINITIONS}/servers.{GROUP}")
        for one in found["spec"]["versions"]:
            one["storage"] = one["name"] == version
        await self.rest("PUT", f"{DEFINITIONS}/servers.{GROUP}", found)

    async def fails(self, method: str, path: str, body: Any = None, **headers: str) -> str:
        """The message of a request that the webhook hurts."""
        found = await self.rest(method, path, body, code=500, **headers)
        return str(found["message"])


@pytest.fixture
async def servers(rest: Rest, cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Converted]:
    pods, authority = PodServers(cluster, admin), ServerAuthority(tmp_path / "authority")
    made = ConversionServer()
    await pods.start()
    try:
        await pods.serve("converter", made, tls=authority.server("converter.default.svc"))
        await rest.define(webhook.definition(webhook.service_client("converter", authority.bundle)))
        yield Converted(rest, made)
    finally:
        await pods.close()


async def test_an_object_of_one_version_is_read_in_another(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    found = await servers.rest("GET", f"{V2}/a")
    assert (found["apiVersion"], found["kind"]) == (f"{GROUP}/v2", "Server")
    assert (found["spec"]["host"], found["spec"]["port"]) == ("localhost", "80")
    assert "hostPort" not in found["spec"]
    (review,) = servers.webhook.asked
    assert (review["apiVersion"], review["kind"]) == ("apiextensions.k8s.io/v1", "ConversionReview")
    assert review["request"]["desiredAPIVersion"] == f"{GROUP}/v2"
    assert [one["metadata"]["name"] for one in review["request"]["objects"]] == ["a"]
    await servers.rest("GET", f"{V2}/a")
    assert len(servers.webhook.asked) == 1  # as long as the object is the same, so is what became of it


async def test_objects_that_are_stored_in_two_versions_are_listed_in_either(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    await servers.store_in("v2")
    await servers.rest("POST", V2, server("b", "v2"), code=201)
    for place, field, values in ((V1, "hostPort", ["localhost:80"] * 2), (V2, "host", ["localhost"] * 2)):
        listed = await servers.rest("GET", place)
        assert [one["spec"][field] for one in listed["items"]] == values
        assert {one["apiVersion"] for one in listed["items"]} == {listed["apiVersion"]}
    status = (await servers.rest("GET", f"{DEFINITIONS}/servers.{GROUP}"))["status"]
    assert status["storedVersions"] == ["v1", "v2"]


async def test_objects_are_stored_in_the_storage_version_and_again_when_they_are_written(
    servers: Converted, admin: Client
) -> None:
    await servers.rest("POST", V2, server("a", "v2"), code=201)

    async def stored() -> str:
        found: Custom = await admin.get(SERVER, "a", "default")
        return found.api_version

    assert await stored() == f"{GROUP}/v1"
    assert (await admin.get(SERVER, "a", "default", version="v2")).api_version == f"{GROUP}/v2"
    await servers.store_in("v2")
    assert await stored() == f"{GROUP}/v1"
    found = await servers.rest("GET", f"{V2}/a")
    after = await servers.rest("PUT", f"{V2}/a", found)  # which changes nothing but the version
    assert await stored() == f"{GROUP}/v2"
    assert after["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]
    again = await servers.rest("PUT", f"{V2}/a", after)
    assert again["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


async def test_objects_are_checked_and_defaulted_in_the_version_that_they_are_written_in(servers: Converted) -> None:
    refused = await servers.rest("POST", V2, server("a", "v2", host="a-host-that-is-too-long"), code=422)
    assert refused["details"]["causes"][0]["field"] == "spec.host"
    made = await servers.rest("POST", V2, server("b", "v2", host="longer", port="65535-and-more"), code=201)
    assert made["spec"]["defaults"] == {"v1": True, "v2": True}  # v1 is read from the store
    refused = await servers.rest("POST", V1, server("c", hostPort="longer:65535-and-more"), code=422)
    assert refused["details"]["causes"][0]["field"] == "spec.hostPort"
    await servers.rest("POST", V1, server("d"), code=201)
    assert (await servers.rest("GET", f"{V2}/d"))["spec"]["defaults"] == {"v1": True}


async def test_patches_status_and_scale_are_of_the_version_that_they_name(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    patched = await servers.rest.patch(f"{V2}/a", {"spec": {"port": "81"}})
    assert patched["spec"]["port"] == "81"
    assert (await servers.rest("GET", f"{V1}/a"))["spec"]["hostPort"] == "localhost:81"
    written = await servers.rest.patch(f"{V2}/a/status", {"status": {"replicas": 3}, "spec": {"port": "82"}})
    assert (written["status"], written["spec"]["port"]) == ({"replicas": 3}, "81")
    await servers.rest.patch(f"{V2}/a/scale", {"spec": {"replicas": 5}}, code=500)
    await servers.rest.patch(f"{V2}/a", {"spec": {"replicas": 1}})
    scaled = await servers.rest.patch(f"{V2}/a/scale", {"spec": {"replicas": 5}})
    assert (scaled["spec"]["replicas"], scaled["status"]["replicas"]) == (5, 3)
    assert (await servers.rest("GET", f"{V1}/a/scale"))["spec"]["replicas"] == 5


async def test_tables_have_the_columns_of_their_version(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    for place, cell in ((V1, "localhost:80"), (V2, "localhost")):
        table = await servers.rest("GET", place, Accept=accept)
        assert table["rows"][0]["cells"] == ["a", cell]


async def test_watchers_see_every_change_in_their_version_and_each_is_converted_once(servers: Converted) -> None:
    listed = await servers.rest("GET", V2)
    since = listed["metadata"]["resourceVersion"]
    seen: list[list[dict[str, Any]]] = [[] for _ in range(5)]

    async def watch(events: list[dict[str, Any]]) -> None:
        query = {"watch": "true", "resourceVersion": since}
        async with servers.rest.http.get(V2, params=query) as response:
            async for line in response.content:
                events.append(json.loads(line))
                if events[-1]["type"] in ("DELETED", "ERROR"):
                    return

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        for events in seen:
            group.create_task(watch(events))
        await servers.rest("POST", V1, server("a"), code=201)
        await servers.rest.patch(f"{V1}/a", {"spec": {"hostPort": "other:81"}})
        await servers.rest("DELETE", f"{V1}/a")
    for events in seen:
        assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
        assert [event["object"]["spec"]["host"] for event in events] == ["localhost", "other", "other"]
    assert sum(len(review["request"]["objects"]) for review in servers.webhook.asked) == 3


def _changed(index: int = 0, **fields: Any) -> Callable[[Review], Review]:
    """Answers whose object of that index has other fields; a dot in a name is two underscores."""

    def reply(review: Review) -> Review:
        found = right(review)
        for path, value in fields.items():
            at = found["response"]["convertedObjects"][index]
            *way, last = path.split("__")
            for step in way:
                at = at[step]
            at[last] = value
        return found

    return reply


def _told(review: Review, **response: Any) -> Review:
    return {**right(review), "response": {**right(review)["response"], **response}}


FAILED = f"conversion webhook for {GROUP}/v1, Kind=Server failed: "
RETURNED = f"conversion webhook for {GROUP}/v1, Kind=Server returned "
LIES: list[tuple[str, Callable[[Review], Review | web.Response], str]] = [
    ("nothing", lambda review: answer(review, []), f"{RETURNED}0 objects, expected 1"),
    ("too many", lambda review: answer(review, [{}, {}]), f"{RETURNED}2 objects, expected 1"),
    ("refused", lambda review: answer(review, [], status="Failure", message="no way"), f"{FAILED}no way"),
    (
        "refused without a word",
        lambda review: answer(review, [], status="Failed"),
        f"{FAILED}response.result.status was 'Failed', not 'Success'",
    ),
    ("another's uid", lambda review: _told(review, uid="x"), f'{FAILED}expected response.uid="'),
    ("no response", lambda review: {**right(review), "response": None}, f"{FAILED}no response provided"),
    (
        "another kind of answer",
        lambda review: {**right(review), "apiVersion": "apiextensions.k8s.io/v1beta1"},
        f"{FAILED}expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got "
        "apiextensions.k8s.io/v1beta1, Kind=ConversionReview",
    ),
    ("garbage", lambda _: web.Response(text="<html>"), f"{FAILED}couldn't get version/kind; json parse error"),
    ("a list", lambda _: web.Response(text="[]"), f"{FAILED}couldn't get version/kind; json parse error"),
    (
        "an error",
        lambda _: web.Response(status=500, text="oops"),
        f'{FAILED}an error on the server ("oops") has prevented the request from succeeding',
    ),
    ("elsewhere", lambda _: web.Response(status=404), f"{FAILED}the server could not find the requested resource"),
    (
        "the version it had",
        _changed(apiVersion=f"{GROUP}/v1"),
        f"{RETURNED}invalid object: invalid groupVersion (expected {GROUP}/v2, received {GROUP}/v1)",
    ),
    (
        "another kind",
        _changed(kind="Other"),
        f"{RETURNED}invalid object: invalid kind (expected Server, received Other)",
    ),
    ("another name", _changed(metadata__name="b"), f"{RETURNED}invalid object: must have the same name: a != b"),
    ("another uid", _changed(metadata__uid="u"), f"{RETURNED}invalid object: must have the same UID: "),
    (
        "labels of numbers",
        _changed(metadata__labels={"a": 1}),
        f"{RETURNED}invalid metadata: metadata.labels[a] must be",
    ),
    ("labels that are none", _changed(metadata__labels={"a b": "c"}), f"{RETURNED}invalid metadata: metadata.labels"),
    ("text", lambda review: answer(review, ["text"]), f"{RETURNED}invalid object: expected an object"),
]


@pytest.mark.parametrize(("reply", "message"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
async def test_a_webhook_that_lies_hurts_its_own_requests_alone(
    servers: Converted, reply: Callable[[Review], Review | web.Response], message: str
) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    servers.webhook.reply = reply
    assert message in await servers.fails("GET", f"{V2}/a")
    assert (await servers.rest("GET", f"{V1}/a"))["spec"]["hostPort"] == "localhost:80"
    servers.webhook.reply = right
    assert (await servers.rest("GET", f"{V2}/a"))["spec"]["host"] == "localhost"


async def test_no_verb_of_a_version_works_that_cannot_be_converted_and_nothing_is_done(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a", replicas=1), code=201)
    servers.webhook.reply = lambda review: answer(review, [], status="Failure", message="no way")
    merge = {"Content_Type": "application/merge-patch+json"}
    for method, path, body, headers in (
        ("GET", f"{V2}/a", None, {}),
        ("GET", V2, None, {}),
        ("POST", V2, server("b", "v2"), {}),
        ("PUT", f"{V2}/a", server("a", "v2"), {}),
        ("PATCH", f"{V2}/a", {"metadata": {"annotations": {"a": "b"}}}, merge),
        ("DELETE", f"{V2}/a", None, {}),
        ("DELETE", V2, None, {}),
        ("GET", f"{V2}/a/status", None, {}),
        ("PUT", f"{V2}/a/status", server("a", "v2"), {}),
        ("PATCH", f"{V2}/a/status", {"status": {"replicas": 1}}, merge),
        ("GET", f"{V2}/a/scale", None, {}),
        ("PATCH", f"{V2}/a/scale", {"spec": {"replicas": 2}}, merge),
    ):
        assert "no way" in await servers.fails(method, path, body, **headers), (method, path)
    listed = await servers.rest("GET", V1)
    assert [(one["metadata"]["name"], one["metadata"]["generation"]) for one in listed["items"]] == [("a", 1)]
    assert "metadata" in await servers.rest("DELETE", f"{V1}/a")


async def test_the_end_of_objects_and_collections_goes_on_without_the_webhook(
    servers: Converted, admin: Client
) -> None:
    for name in ("a", "b", "c"):
        await servers.rest("POST", V1, server(name), code=201)
    await servers.store_in("v2")
    servers.webhook.reply = lambda review: answer(review, [], status="Failure", message="no way")
    listed = await admin.list(SERVER, "default")  # as the garbage collector and the controller of namespaces read
    assert [(one.metadata.name, one.api_version) for one in listed.items] == [(name, f"{GROUP}/v1") for name in "abc"]
    assert await admin.delete(SERVER, "a", "default")
    assert len(await admin.delete_collection(SERVER, "default")) == 2
    assert not (await admin.list(SERVER, "default")).items


async def test_what_is_stored_in_a_version_is_deleted_in_it_without_the_webhook(servers: Converted) -> None:
    """An object with a finalizer is written once more, in the storage version: that does take the webhook."""
    for name in ("a", "b", "c"):
        await servers.rest("POST", V1, server(name), code=201)
    held = server("held")
    held["metadata"]["finalizers"] = ["example.com/held"]
    await servers.rest("POST", V1, held, code=201)
    await servers.store_in("v2")
    servers.webhook.reply = lambda review: answer(review, [], status="Failure", message="no way")
    assert (await servers.rest("DELETE", f"{V1}/a", code=200))["status"] == "Success"
    assert "no way" in await servers.fails("DELETE", f"{V2}/b")
    assert "no way" in await servers.fails("DELETE", f"{V1}/held")
    options = {"propagationPolicy": "Foreground"}
    assert "no way" in await servers.fails("DELETE", f"{V1}/b", options)
    listed = await servers.rest("GET", V1)
    assert [one["metadata"]["name"] for one in listed["items"]] == ["b", "c", "held"]


async def test_metadata_are_those_of_the_object_but_for_labels_and_annotations(servers: Converted) -> None:
    servers.webhook.reply = _changed(
        metadata__labels={"to": "v2"},
        metadata__annotations={"to": "v2"},
        metadata__finalizers=["example.com/foo"],
        metadata__generation=42,
        metadata__garbage="x",
        spec__garbage="x",
    )
    made = await servers.rest("POST", V1, server("a"), code=201)
    found = await servers.rest("GET", f"{V2}/a")
    assert (found["metadata"]["labels"], found["metadata"]["annotations"]) == ({"to": "v2"}, {"to": "v2"})
    own = {name: value for name, value in found["metadata"].items() if name not in ("labels", "annotations")}
    assert own == made["metadata"]
    assert "garbage" not in found["spec"]
    assert "labels" not in (await servers.rest("GET", f"{V1}/a"))["metadata"]


async def test_many_objects_are_converted_in_one_request_and_a_list_that_cannot_be_is_refused(
    servers: Converted,
) -> None:
    for index in range(12):
        await servers.rest("POST", V1, server(f"s{index:02}"), code=201)
    listed = await servers.rest("GET", V2)
    assert [len(review["request"]["objects"]) for review in servers.webhook.asked] == [12]
    assert [one["spec"]["host"] for one in listed["items"]] == ["localhost"] * 12
    await servers.rest.patch(f"{V1}/s03", {"spec": {"hostPort": "other:1"}})
    await servers.rest("GET", V2)
    assert [len(review["request"]["objects"]) for review in servers.webhook.asked] == [12, 1]
    for index in (1, 2):
        await servers.rest.patch(f"{V1}/s{index:02}", {"spec": {"hostPort": "other:1"}})
    servers.webhook.reply = _changed(1, metadata__name="other")
    told = await servers.fails("GET", V2)
    assert "returned invalid converted object at index 1: must have the same name: s02 != other" in told


async def test_requests_that_wait_for_a_webhook_hold_nobody_up(servers: Converted) -> None:
    await servers.rest("POST", V1, server("a"), code=201)
    servers.webhook.answers.clear()
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        reads = [group.create_task(servers.rest("GET", f"{V2}/a")) for _ in range(20)]
        await servers.webhook.arrived.wait()
        await servers.rest("GET", f"{V1}/a")
        await servers.rest("GET", "/api/v1/namespaces/default")
        servers.webhook.answers.set()
    assert {read.result()["spec"]["host"] for read in reads} == {"localhost"}
    assert len(servers.webhook.asked) == 1


async def test_a_webhook_of_old_reviews_is_asked_in_their_version(rest: Rest, servers: Converted) -> None:
    found = await rest("GET", f"{DEFINITIONS}/servers.{GROUP}")
    found["spec"]["conversion"]["webhook"]["conversionReviewVersions"] = ["v3", "v1beta1", "v1"]
    await rest("PUT", f"{DEFINITIONS}/servers.{GROUP}", found)
    servers.webhook.reply = lambda review: {"response": {**right(review)["response"], "uid": ""}}
    await rest("POST", V1, server("a"), code=201)
    assert (await rest("GET", f"{V2}/a"))["spec"]["host"] == "localhost"
    assert servers.webhook.asked[0]["apiVersion"] == "apiextensions.k8s.io/v1beta1"
