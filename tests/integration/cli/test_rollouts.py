"""scale and rollout against a real API server, with a controller's part played by the test."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from podlab_testing.command_line import Podlab
from podlab_testing.waiting import WITHIN_S

from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.client.client import Client

LABELS = {"app": "web"}


def template(image: str, **labels: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": image}]
    return {"metadata": {"labels": {**LABELS, **labels}}, "spec": {"containers": containers}}


@pytest.fixture
async def web(admin: Client) -> Deployment:
    """A Deployment at its second revision, and the ReplicaSets of both."""
    made = await admin.create(
        Deployment(
            metadata={"name": "web", "namespace": "default"},
            spec={"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template("i:2")},
        )
    )
    for number in (1, 2):
        labels = {**LABELS, "pod-template-hash": f"h{number}"}
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "web",
            "uid": made.metadata.uid,
            "controller": True,
        }
        await admin.create(
            ReplicaSet(
                metadata={
                    "name": f"web-h{number}",
                    "namespace": "default",
                    "labels": labels,
                    "annotations": {"deployment.kubernetes.io/revision": str(number)},
                    "ownerReferences": [owner],
                },
                spec={
                    "replicas": 0,
                    "selector": {"matchLabels": labels},
                    "template": template(f"i:{number}", **{"pod-template-hash": f"h{number}"}),
                },
            )
        )
    return made


async def test_scale_sets_the_number_of_pods(podlab: Podlab, admin: Client, web: Deployment) -> None:
    assert await podlab.ok("scale", "deploy", "web", "--replicas=5") == "deployment.apps/web scaled\n"
    assert (await admin.get(Deployment, "web", "default")).spec.replicas == 5
    assert "a Node cannot be scaled" in await podlab.fails("scale", "node/n1", "--replicas", "1")
    assert 'deployments.apps "x" not found' in await podlab.fails("scale", "deploy/x", "--replicas", "1")


async def test_history_lists_revisions_and_undo_goes_back(podlab: Podlab, admin: Client, web: Deployment) -> None:
    out = await podlab.ok("rollout", "history", "deployment/web")
    assert [line.split() for line in out.splitlines()] == [
        ["deployment.apps/web"],
        ["REVISION", "CHANGE-CAUSE"],
        ["1", "<none>"],
        ["2", "<none>"],
    ]
    assert "image: i:1" in await podlab.ok("rollout", "history", "deploy", "web", "--revision", "1")
    skipped = "skipped rollback (current template already matches revision 2)"
    assert await podlab.ok("rollout", "undo", "deploy/web", "--to-revision", "2") == f"deployment.apps/web {skipped}\n"
    assert await podlab.ok("rollout", "undo", "deploy/web") == "deployment.apps/web rolled back\n"
    live = await admin.get(Deployment, "web", "default")
    assert live.spec.template.spec.containers[0].image == "i:1"
    assert dict(live.spec.template.metadata.labels) == LABELS
    assert "there are 1, 2" in await podlab.fails("rollout", "undo", "deploy/web", "--to-revision", "9")


async def test_restart_changes_the_template(podlab: Podlab, admin: Client, web: Deployment) -> None:
    assert await podlab.ok("rollout", "restart", "deployment", "web") == "deployment.apps/web restarted\n"
    live = await admin.get(Deployment, "web", "default")
    assert "kubectl.kubernetes.io/restartedAt" in live.spec.template.metadata.annotations


async def test_changes_of_a_paused_deployment_gather(podlab: Podlab, admin: Client, web: Deployment) -> None:
    assert await podlab.ok("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    assert (await admin.get(Deployment, "web", "default")).spec.paused
    assert "is already paused" in await podlab.fails("rollout", "pause", "deployment/web")
    assert "resume it first" in await podlab.fails("rollout", "undo", "deployment/web")
    assert await podlab.ok("rollout", "resume", "deploy", "web") == "deployment.apps/web resumed\n"
    assert not (await admin.get(Deployment, "web", "default")).spec.paused


async def test_a_stateful_set_is_restarted_and_taken_back(podlab: Podlab, admin: Client) -> None:
    spec = {"selector": {"matchLabels": LABELS}, "template": template("i:2"), "serviceName": "db"}
    made = await admin.create(StatefulSet(metadata={"name": "db", "namespace": "default"}, spec=spec))
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": made.metadata.uid, "controller": True}
    for number in (1, 2):
        metadata = {"name": f"db-{number}", "namespace": "default", "labels": LABELS, "ownerReferences": [owner]}
        record = ControllerRevision(metadata=metadata, revision=number)
        record.data.raw = orjson.dumps({"spec": {"template": {**template(f"i:{number}"), "$patch": "replace"}}})
        await admin.create(record)
    assert "image: i:1" in await podlab.ok("rollout", "history", "sts/db", "--revision=1")
    assert await podlab.ok("rollout", "undo", "statefulset/db") == "statefulset.apps/db rolled back\n"
    assert (await admin.get(StatefulSet, "db", "default")).spec.template.spec.containers[0].image == "i:1"
    assert await podlab.ok("rollout", "restart", "sts", "db") == "statefulset.apps/db restarted\n"
    refused = 'error: statefulsets.apps "db" pausing is not supported\n'
    assert await podlab.fails("rollout", "pause", "sts/db") == refused
    assert "a ConfigMap has no rollout" in await podlab.fails("rollout", "status", "configmap/x")


async def test_status_follows_a_rollout_to_its_end(podlab: Podlab, admin: Client, web: Deployment) -> None:
    process = await podlab.start("rollout", "status", "deploy/web")
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        assert await process.stdout.readline() == b"Waiting for deployment spec update to be observed...\n"
        for updated, available, line in (
            (1, 0, b'Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...\n'),
            (2, 1, b'Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...\n'),
            (2, 2, b'deployment "web" successfully rolled out\n'),
        ):
            live = await admin.get(Deployment, "web", "default")
            live.status.observedGeneration = live.metadata.generation
            live.status.replicas = live.status.updatedReplicas = updated
            live.status.availableReplicas = available
            await admin.update_status(live)
            assert await process.stdout.readline() == line
        assert await process.wait() == 0


async def test_status_gives_up_in_time(podlab: Podlab, web: Deployment) -> None:
    message = await podlab.fails("rollout", "status", "deploy/web", "--timeout", "0.3")
    assert message == 'error: deployment "web" is not rolled out after 0.3 s\n'
