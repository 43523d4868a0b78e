"""Controllers that learn of their own writes late, or never get the answer to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from google.protobuf.message import Message
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes
from podlab_testing.waiting import WITHIN_S

from master.controllers.main import work
from master.controllers.settings import ControllersSettings
from podlab.api import kinds
from podlab.api.kinds import GroupKind, Kind
from podlab.apps.v1 import daemonset_pb2, replicaset_pb2, statefulset_pb2
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client, WatchEvent
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import ServiceUnavailable

M = TypeVar("M", bound=Message)
USER = "system:kube-controller-manager"


class LaggingClient(Client):
    """Shows no change of pods until `release` is set."""

    release: asyncio.Event

    async def watch(
        self, kind: type[M] | Kind, resource_version: str = "", namespace: str = "", **selectors: Any
    ) -> AsyncIterator[Sequence[WatchEvent[M]]]:
        async for batch in super().watch(kind, resource_version, namespace, **selectors):
            if kinds.known(kind).name == "Pod":
                await self.release.wait()
            yield batch


class ForgetfulClient(Client):
    """Loses the answer to every third creation of a pod."""

    created = 0

    async def create(self, obj: M, *, dry_run: bool = False) -> M:
        made = await super().create(obj, dry_run=dry_run)
        if isinstance(made, pod_pb2.Pod):
            self.created += 1
            if self.created % 3 == 0:
                raise ServiceUnavailable("the connection broke before the answer came")
        return made


def replica_set(replicas: int) -> replicaset_pb2.ReplicaSet:
    made = replicaset_pb2.ReplicaSet()
    made.metadata.name, made.metadata.namespace = "web", "default"
    made.spec.replicas = replicas
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    return made


async def daemon_set(seen: ClusterView, nodes: int) -> daemonset_pb2.DaemonSet:
    """One for that many nodes, which are made too."""
    for number in range(nodes):
        node = node_pb2.Node()
        node.metadata.name = f"n{number}"
        await seen.client.create(node)
    made = daemonset_pb2.DaemonSet()
    made.metadata.name, made.metadata.namespace = "agent", "default"
    made.spec.selector.matchLabels["app"] = "agent"
    made.spec.template.metadata.labels["app"] = "agent"
    made.spec.template.spec.tolerations.add(operator="Exists")  # nobody says that they are ready
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    return made


def stateful_set(replicas: int) -> statefulset_pb2.StatefulSet:
    made = statefulset_pb2.StatefulSet()
    made.metadata.name, made.metadata.namespace = "db", "default"
    made.spec.replicas = replicas
    made.spec.serviceName = "db"
    made.spec.podManagementPolicy = "Parallel"
    made.spec.selector.matchLabels["app"] = "db"
    made.spec.template.metadata.labels["app"] = "db"
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    return made


@asynccontextmanager
async def running(cluster: Cluster, client: Client) -> AsyncIterator[None]:
    settings = ControllersSettings(cluster.server, "127.0.0.1", cluster.authority.tls(USER), "10.244.0.0/16")
    synced = asyncio.Event()
    async with client:
        task = asyncio.create_task(work(settings, client, synced))
        await asyncio.wait_for(synced.wait(), WITHIN_S)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_nothing_is_created_twice_while_the_informer_lags(cluster: Cluster, seen: ClusterView) -> None:
    client = LaggingClient(cluster.server, cluster.authority.tls(USER))
    client.release = asyncio.Event()
    async with running(cluster, client):
        await seen.client.create(replica_set(5))
        await seen.until(lambda: len(seen.pods()) == 5, "five pods")
        found = await seen.client.get(replicaset_pb2.ReplicaSet, "web", "default")
        found.metadata.resourceVersion = ""
        found.spec.minReadySeconds = 1
        await seen.client.update(found)

        def status() -> replicaset_pb2.ReplicaSetStatus:
            current: replicaset_pb2.ReplicaSet = seen.informers.replica_sets.get("web", "default")
            return current.status

        await seen.until(lambda: status().observedGeneration == 2, "another look at the ReplicaSet")
        assert status().replicas == 0, "the controller is not supposed to know of its pods yet"
        assert len((await seen.client.list(pod_pb2.Pod, "default")).items) == 5
        client.release.set()
        await seen.until(lambda: status().replicas == 5, "the controller to catch up")
        assert len((await seen.client.list(pod_pb2.Pod, "default")).items) == 5


async def test_a_lost_answer_makes_no_pod_too_many(cluster: Cluster, seen: ClusterView) -> None:
    client = ForgetfulClient(cluster.server, cluster.authority.tls(USER))
    async with running(cluster, client):
        await seen.client.create(replica_set(20))
        await seen.until(lambda: len(seen.pods()) == 20, "twenty pods")
        await seen.until(
            lambda: seen.informers.replica_sets.get("web", "default").status.replicas == 20, "the status to say so"
        )
        assert client.created == 20


async def test_no_node_gets_a_second_daemon_while_the_informer_lags(cluster: Cluster, seen: ClusterView) -> None:
    client = LaggingClient(cluster.server, cluster.authority.tls(USER))
    client.release = asyncio.Event()
    wanted = await daemon_set(seen, 4)
    async with running(cluster, client):
        await seen.client.create(wanted)
        await seen.until(lambda: len(seen.pods()) == 4, "four pods")
        found = await seen.client.get(daemonset_pb2.DaemonSet, "agent", "default")
        found.metadata.resourceVersion = ""
        found.spec.minReadySeconds = 1
        await seen.client.update(found)

        def status() -> daemonset_pb2.DaemonSetStatus:
            current: daemonset_pb2.DaemonSet = seen.informers.daemon_sets.get("agent", "default")
            return current.status

        await seen.until(lambda: status().observedGeneration == 2, "another look at the DaemonSet")
        assert status().currentNumberScheduled == 0, "the controller is not supposed to know of its pods yet"
        client.release.set()
        await seen.until(lambda: status().currentNumberScheduled == 4, "the controller to catch up")
        assert len((await seen.client.list(pod_pb2.Pod, "default")).items) == 4


async def test_a_lost_answer_holds_up_no_stateful_set(cluster: Cluster, seen: ClusterView) -> None:
    client = ForgetfulClient(cluster.server, cluster.authority.tls(USER))
    async with running(cluster, client):
        await seen.client.create(stateful_set(10))
        await seen.until(lambda: len(seen.pods()) == 10, "ten pods")
        informer = seen.informers.stateful_sets
        await seen.until(lambda: informer.get("db", "default").status.replicas == 10, "the status to say so")
        assert client.created == 10


async def test_a_stranger_with_a_name_that_is_needed_is_waited_for_and_told(
    cluster: Cluster, seen: ClusterView, controllers: ControllersSettings
) -> None:
    stranger = pod_pb2.Pod()
    stranger.metadata.name, stranger.metadata.namespace = "db-0", "default"
    stranger.spec.containers.add(name="main", image="hello:1.0")
    await seen.client.create(stranger)
    await seen.client.create(stateful_set(1))
    message = 'create Pod db-0 in StatefulSet db failed error: pods "db-0" already exists'
    await seen.until_told({("StatefulSet", "FailedCreate", message)})
    await seen.client.delete(pod_pb2.Pod, "db-0", "default", grace_period_s=0)
    await seen.until(lambda: [pod.metadata.labels.get("app") for pod in seen.pods()] == ["db"], "its own pod")


class SlowJobsClient(Client):
    """Shows changes of Jobs late, those of pods at once."""

    async def watch(
        self, kind: type[M] | Kind, resource_version: str = "", namespace: str = "", **selectors: Any
    ) -> AsyncIterator[Sequence[WatchEvent[M]]]:
        async for batch in super().watch(kind, resource_version, namespace, **selectors):
            if kinds.known(kind).name == "Job":
                await asyncio.sleep(0.2)
            yield batch


async def test_a_job_that_is_seen_late_gets_no_pod_too_many(
    cluster: Cluster, seen: ClusterView, nodes: FakeNodes
) -> None:
    made = job_pb2.Job()
    made.metadata.name, made.metadata.namespace = "sum", "default"
    made.spec.completions, made.spec.parallelism = 6, 3
    made.spec.template.spec.restartPolicy = "Never"
    made.spec.template.spec.containers.add(name="main", image="sum:1.0")
    done: set[str] = set()

    def at_work() -> list[pod_pb2.Pod]:
        return [pod for pod in seen.pods() if pod.status.phase == "Running" and pod.metadata.name not in done]

    async with running(cluster, SlowJobsClient(cluster.server, cluster.authority.tls(USER))):
        await seen.client.create(made)
        while len(done) < 6:
            await seen.until(at_work, "a pod to work")
            for pod in at_work():
                done.add(pod.metadata.name)
                await nodes.end(pod, "Succeeded")
        jobs = seen.informers.by_kind[GroupKind("batch", "Job")]
        await seen.until(lambda: jobs.get("sum", "default").status.HasField("completionTime"), "the Job is complete")
        assert jobs.get("sum", "default").status.succeeded == 6
    assert len(seen.informers.pods.list()) == 6
