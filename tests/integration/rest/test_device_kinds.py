"""Kubernetes' conformance tests `[DRA] CRUD Tests`: every operation of the kinds of devices, and what watches see.

A change is made in each way that there is (put, and every type of patch), each time of an object that is new; the
object is the same afterwards, whichever way it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing.waiting import WITHIN_S

from master.apiserver.patching.merge_patch import merge_patch

GROUP = "/apis/resource.k8s.io/v1"
LABEL = {"e2e-test.kubernetes.io": "devices"}
SELECTED = {"labelSelector": "e2e-test.kubernetes.io=devices"}
STRICT = {"fieldValidation": "Strict"}
APPLY = {**STRICT, "fieldManager": "test-apply", "force": "true"}
# Of each type of patch: its name in a content type, and its query.
MERGING = {"strategic-merge-patch+json": STRICT, "merge-patch+json": STRICT, "apply-patch+yaml": APPLY}
REQUESTS = {"devices": {"requests": [{"name": "req-0", "exactly": {"deviceClassName": "dra.example.com"}}]}}
POOL = {"name": "cluster", "generation": 1, "resourceSliceCount": 1}
# The specs of claims cannot be changed.
LABELLED = {"metadata": {"labels": {"test.dra.example.com": "test"}}}
NOTHING_GIVEN: dict[str, Any] = {"status": {"allocation": {}}}
SHOWN = {"allocation": {"devices": {}}}


@dataclass(frozen=True)
class Case:
    """A kind, the spec of its object, what is changed of it, and as a JSON patch."""

    kind: str
    plural: str
    spec: dict[str, Any]
    change: dict[str, Any]
    patch: dict[str, Any]
    namespaced: bool = False

    @property
    def everywhere(self) -> str:
        return f"{GROUP}/{self.plural}"

    @property
    def path(self) -> str:
        return f"{GROUP}/namespaces/default/{self.plural}" if self.namespaced else self.everywhere

    def body(self) -> dict[str, Any]:
        about = {"name": "e2e", "labels": LABEL}
        return {"apiVersion": "resource.k8s.io/v1", "kind": self.kind, "metadata": about, "spec": self.spec}


def _selectors(expression: str) -> dict[str, Any]:
    return {"selectors": [{"cel": {"expression": expression}}]}


ADD_LABEL = {"op": "add", "path": "/metadata/labels/test.dra.example.com", "value": "test"}
NEVER = {"op": "replace", "path": "/spec/selectors/0/cel/expression", "value": "1 == 0"}
ADD_DEVICE = {"op": "add", "path": "/spec/devices", "value": [{"name": "device-0"}]}
SLICE = {"driver": "dra.example.com", "pool": POOL, "nodeName": "no-such-node"}
CLAIM = Case("ResourceClaim", "resourceclaims", REQUESTS, LABELLED, ADD_LABEL, namespaced=True)
CASES = (
    Case("DeviceClass", "deviceclasses", _selectors("false"), {"spec": _selectors("1 == 0")}, NEVER),
    CLAIM,
    Case("ResourceClaimTemplate", "resourceclaimtemplates", {"spec": REQUESTS}, LABELLED, ADD_LABEL, namespaced=True),
    Case("ResourceSlice", "resourceslices", SLICE, {"spec": {"devices": [{"name": "device-0"}]}}, ADD_DEVICE),
)


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


def ways(change: dict[str, Any], patch: dict[str, Any], made: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The content type, body and query of every way to patch. What is applied names its object whole."""
    yield "json-patch+json", [patch], STRICT
    about = {key: made["metadata"][key] for key in ("name", "namespace", "uid") if key in made["metadata"]}
    whole = {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": about}
    for name, query in MERGING.items():
        yield name, merge_patch(whole, change), query


def essence(shown: dict[str, Any]) -> dict[str, Any]:
    """What clients say of an object."""
    return {"labels": shown["metadata"]["labels"], "spec": shown["spec"], "status": shown.get("status", {})}


class Watches:
    """Those of the kind's objects with the label, in their namespace and everywhere."""

    def __init__(self, responses: list[aiohttp.ClientResponse]) -> None:
        self._responses = responses

    async def lives(self, count: int) -> list[list[str]]:
        """Types of events of so many objects, one after another: what each watch sees, without repetitions."""
        found = []
        for response in self._responses:
            seen: list[str] = []
            revisions: list[int] = []
            async with asyncio.timeout(WITHIN_S):
                while seen.count("DELETED") < count:
                    event = orjson.loads(await response.content.readline())
                    seen.append(event["type"])
                    revisions.append(int(event["object"]["metadata"]["resourceVersion"]))
            assert revisions == sorted(revisions)
            found.append([each for each, _ in groupby(seen)])
        return found


async def watches(http: aiohttp.ClientSession, case: Case, until: AsyncExitStack) -> Watches:
    listed = await sent(http, "GET", case.everywhere, params=SELECTED)
    assert listed["items"] == []
    since = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"], **SELECTED}
    paths = {case.path, case.everywhere}
    return Watches([await until.enter_async_context(http.get(path, params=since)) for path in sorted(paths)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
async def test_an_object_is_changed_in_every_way_before_the_eyes_of_watches(
    http: aiohttp.ClientSession, case: Case
) -> None:
    resources = (await sent(http, "GET", GROUP))["resources"]
    assert case.namespaced == next(each["namespaced"] for each in resources if each["name"] == case.plural)
    one = f"{case.path}/e2e"
    async with AsyncExitStack() as until:
        seen = await watches(http, case, until)
        made = await sent(http, "POST", case.path, case.body(), params=STRICT)
        assert made["metadata"]["labels"] == LABEL
        assert await sent(http, "GET", one) == made
        wanted = await sent(http, "PUT", one, merge_patch(made, case.change))
        assert int(wanted["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
        assert essence(wanted) == essence(merge_patch(made, case.change))
        for name, patch, query in ways(case.change, case.patch, made):
            await sent(http, "DELETE", one)
            again = await sent(http, "POST", case.path, case.body())
            if isinstance(patch, dict):
                patch["metadata"]["uid"] = again["metadata"]["uid"]
            headers = {"Content-Type": f"application/{name}"}
            found = await sent(http, "PATCH", one, patch, params=query, headers=headers)
            assert essence(found) == essence(wanted), name
        for path in (case.path, case.everywhere):
            (listed,) = (await sent(http, "GET", path, params=SELECTED))["items"]
            assert essence(listed) == essence(wanted)
        await sent(http, "DELETE", case.path, params=SELECTED)
        async with http.get(one) as response:
            assert response.status == 404
        lives = ["ADDED", "MODIFIED", "DELETED"] * 5
        assert await seen.lives(5) == [lives] * (1 + case.namespaced)


async def test_a_claims_status_is_changed_in_every_way(http: aiohttp.ClientSession) -> None:
    """Nothing is a valid thing to be given."""
    below = f"{CLAIM.path}/e2e/status"
    made = await sent(http, "POST", CLAIM.path, CLAIM.body())
    wanted = await sent(http, "PUT", below, merge_patch(made, NOTHING_GIVEN))
    assert wanted["status"] == SHOWN
    assert await sent(http, "GET", below) == wanted
    give_nothing = {"op": "add", "path": "/status/allocation", "value": {}}
    for name, patch, query in ways(NOTHING_GIVEN, give_nothing, made):
        await sent(http, "DELETE", f"{CLAIM.path}/e2e")
        again = await sent(http, "POST", CLAIM.path, CLAIM.body())
        await sent(http, "PUT", f"{CLAIM.path}/e2e", merge_patch(again, LABELLED))
        if isinstance(patch, dict):
            patch["metadata"]["uid"] = again["metadata"]["uid"]
        headers = {"Content-Type": f"application/{name}"}
        found = await sent(http, "PATCH", below, patch, params=query, headers=headers)
        assert found["status"] == SHOWN, name
        assert found["metadata"]["labels"] == LABEL | LABELLED["metadata"]["labels"], name
