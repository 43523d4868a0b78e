"""Evictions through the REST API: the budget is asked and charged in the commit that lets the pod go."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

PODS = "/api/v1/namespaces/default/pods"


def _eviction(name: str, **options: Any) -> dict[str, Any]:
    told = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    return told | ({"deleteOptions": options} if options else {})


@pytest.fixture
async def budget(admin: Client) -> PodDisruptionBudget:
    """Three ready pods on a node, of which one may go."""
    for number in range(3):
        pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=f"web-{number}", namespace="default", labels={"a": "web"}))
        pod.spec.nodeName = "n1"
        pod.spec.containers.add(name="c", image="podlab.local/hello:1.0")
        made = await admin.create(pod)
        made.status.phase = "Running"
        made.status.conditions.add(type="Ready", status="True")
        await admin.update_status(made)
    budget = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="b", namespace="default"))
    budget.spec.selector.matchLabels["a"] = "web"
    budget.spec.minAvailable.intVal = 2
    made_budget = await admin.create(budget)
    made_budget.status.observedGeneration = made_budget.metadata.generation
    made_budget.status.disruptionsAllowed = 1
    made_budget.status.currentHealthy, made_budget.status.desiredHealthy = 3, 2
    return await admin.update_status(made_budget)


async def test_one_of_many_evictions_at_once_is_let_through(
    http: aiohttp.ClientSession, admin: Client, budget: PodDisruptionBudget
) -> None:
    async def evict(name: str) -> tuple[int, dict[str, Any]]:
        async with http.post(f"{PODS}/{name}/eviction", json=_eviction(name)) as response:
            return response.status, await response.json()

    answers = await asyncio.gather(*(evict(f"web-{number}") for number in range(3)))
    assert sorted(code for code, _ in answers) == [201, 429, 429]
    refused = next(told for code, told in answers if code == 429)
    assert (refused["reason"], refused["details"]["causes"][0]["reason"]) == ("TooManyRequests", "DisruptionBudget")
    after = await admin.get(PodDisruptionBudget, "b", "default")
    assert (after.status.disruptionsAllowed, len(after.status.disruptedPods)) == (0, 1)
    gone = await admin.get(pod_pb2.Pod, next(iter(after.status.disruptedPods)), "default")
    assert gone.metadata.HasField("deletionTimestamp")
    assert [one.reason for one in gone.status.conditions if one.type == "DisruptionTarget"] == ["EvictionByEvictionAPI"]


async def test_a_dry_run_asks_and_changes_nothing(
    http: aiohttp.ClientSession, admin: Client, budget: PodDisruptionBudget
) -> None:
    for url, told in ((f"{PODS}/web-0/eviction?dryRun=All", {}), (f"{PODS}/web-0/eviction", {"dryRun": ["All"]})):
        async with http.post(url, json=_eviction("web-0", **told)) as response:
            assert response.status == 201
    assert (await admin.get(PodDisruptionBudget, "b", "default")).status.disruptionsAllowed == 1
    assert not (await admin.get(pod_pb2.Pod, "web-0", "default")).metadata.HasField("deletionTimestamp")


async def test_preconditions_names_and_absence_are_told(
    http: aiohttp.ClientSession, budget: PodDisruptionBudget
) -> None:
    for name, body, code in (
        ("web-0", _eviction("web-0", preconditions={"uid": "another"}), 409),
        ("web-0", _eviction("web-1"), 400),
        ("none", _eviction("none"), 404),
    ):
        async with http.post(f"{PODS}/{name}/eviction", json=body) as response:
            assert response.status == code, await response.text()
