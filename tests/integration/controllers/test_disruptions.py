"""Budgets are counted, and a drain keeps them."""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.api.objects import condition
from podlab.api.values import times
from podlab.apps.v1 import deployment_pb2
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

REPLICAS = 4


def deployment() -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.replicas = REPLICAS
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    return made


def budget() -> PodDisruptionBudget:
    made = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.maxUnavailable.CopyFrom(meta_pb2.IntOrString(type=1, strVal="25%"))
    return made


def status(seen: ClusterView) -> Any:
    found = seen.informers.by_kind[GroupKind("policy", "PodDisruptionBudget")].get("web", "default")
    return found.status if found is not None else PodDisruptionBudget().status


async def test_a_drain_takes_no_more_than_the_budget_allows(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings, cluster: Cluster
) -> None:
    """As `kubectl drain` does: it asks for every pod of the node again and again, until none is left."""
    await seen.client.create(deployment())
    await seen.client.create(budget())
    await seen.until(lambda: status(seen).disruptionsAllowed == 1, "one may go")
    assert (status(seen).expectedPods, status(seen).desiredHealthy, status(seen).currentHealthy) == (4, 3, 4)
    await nodes.add("n2")
    nodes.node = "n2"
    first = {pod.metadata.name for pod in seen.pods()}
    fewest, refused = REPLICAS, 0
    tls = cluster.authority.tls()
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(f"https://127.0.0.1:{cluster.settings.rest_port}", connector=connector) as http:
        while left := first & {pod.metadata.name for pod in seen.pods()}:
            for name in left:
                body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
                async with http.post(f"/api/v1/namespaces/default/pods/{name}/eviction", json=body) as answer:
                    assert answer.status in (201, 404, 429), await answer.text()
                    refused += answer.status == 429
            ready = [pod for pod in seen.pods() if any(one.status == "True" for one in pod.status.conditions)]
            fewest = min(fewest, len(ready))
            await seen.until(lambda: status(seen).disruptionsAllowed == 1, "one may go again")
    assert fewest >= 3
    assert refused
    assert {pod.spec.nodeName for pod in seen.pods()} == {"n2"}


async def test_a_pod_that_was_to_go_and_stays_says_so(seen: ClusterView, controllers: ControllersSettings) -> None:
    made = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.nodeName = "n1"
    made.spec.containers.add(name="main", image="hello:1.0")
    standing = await seen.client.create(made)
    told = standing.status.conditions.add(type="DisruptionTarget", status="True", reason="PreemptionByScheduler")
    told.lastTransitionTime.CopyFrom(meta_pb2.Time(seconds=times.now().seconds - 180))
    await seen.client.update_status(standing)

    def taken_back() -> bool:
        (found,) = seen.pods()
        target = condition(found.status.conditions, "DisruptionTarget")
        return target is not None and (target.status, target.reason) == ("False", "")

    await seen.until(taken_back, "the condition is taken back")
