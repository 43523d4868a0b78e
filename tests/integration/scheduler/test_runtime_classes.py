"""Kubernetes' conformance tests `RuntimeClass should schedule ...`: pods of a class are scheduled as the class says."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.scheduling_cluster import AddNode, RunningScheduler, SchedulerPods

from podlab.api.objects import condition

FIXED = {"cpu": "10m", "memory": "1Mi"}


@pytest.mark.parametrize(("fields", "overhead"), [({}, {}), ({"overhead": {"podFixed": FIXED}}, FIXED)])
async def test_a_pod_of_a_class_is_scheduled_with_the_classs_overhead_or_none(
    scheduler: RunningScheduler,
    pods: SchedulerPods,
    add_node: AddNode,
    fields: dict[str, Any],
    overhead: dict[str, str],
) -> None:
    """Whether a node has such a runtime nobody asks."""
    await add_node("n1")
    about = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "of-test"}}
    await pods.client.create(builtin_kinds.read({**about, "handler": "test-handler", **fields}))
    await pods.create("web", change=lambda pod: setattr(pod.spec, "runtimeClassName", "of-test"))
    assert await pods.bound("web") == "n1"
    pod = await pods.wait("web", lambda pod: condition(pod.status.conditions, "PodScheduled"))
    assert {name: amount.string for name, amount in pod.spec.overhead.items()} == overhead
