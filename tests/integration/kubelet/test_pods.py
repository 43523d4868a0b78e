"""Pods from binding to end, through the API server, on a runtime in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import RUNTIME_HANDLER, MemoryKubelet, Until
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.runtime import RuntimeHandler
from node.kubelet.worker.context import WorkerTimings
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, event_pb2, pod_pb2
from podlab.errors import NotFound
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.meta.v1 import meta_pb2
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass
from podlab.v1 import apiserver_pb2

IMAGE = "podlab.local/hello:1.0"


async def _create(
    admin: Client, name: str = "a", *, image: str = IMAGE, container: Json | None = None, **spec: object
) -> pod_pb2.Pod:
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": image, **(container or {})}], **spec},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


def _ready(pod: pod_pb2.Pod | None) -> bool:
    found = condition(pod.status.conditions, "Ready") if pod is not None else None
    return found is not None and found.status == "True"


def _waits_for(reason: str) -> Callable[[pod_pb2.Pod | None], bool]:
    def check(pod: pod_pb2.Pod | None) -> bool:
        return pod is not None and any(each.state.waiting.reason == reason for each in pod.status.containerStatuses)

    return check


async def _event(admin: Client, reason: str) -> event_pb2.Event:
    """Waits for one of that reason."""
    before = await admin.list(event_pb2.Event, "default")
    for each in before.items:
        if each.reason == reason:
            return each
    async with asyncio.timeout(WITHIN_S):
        async for batch in admin.watch(event_pb2.Event, before.resource_version, "default"):
            for change in batch:
                if change.object is not None and change.object.reason == reason:
                    return change.object
    raise AssertionError(f"the watch ended before an event {reason}")


def _gone(pod: pod_pb2.Pod | None) -> bool:
    return pod is None


async def test_a_bound_pod_runs_and_a_deleted_one_leaves_nothing(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, terminationGracePeriodSeconds=1)
    pod = await until("a", _ready)
    assert pod.status.phase == "Running"
    assert pod.status.podIP == "127.0.0.1"
    await admin.delete(pod_pb2.Pod, "a", "default")
    await until("a", _gone)
    assert not await kubelet.runtime.pods()
    assert kubelet.runtime.started == [pod.status.containerStatuses[0].containerID.removeprefix("containerd://")]


async def test_a_restarted_kubelet_adopts_what_runs(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    await _create(admin, container={"readinessProbe": probe})
    before = await until("a", _ready)
    await kubelet.kill()
    await kubelet.start()
    await _create(admin, "b")
    await until("b", _ready)
    after = await admin.get(pod_pb2.Pod, "a", "default")
    assert after.status == before.status
    assert len(kubelet.runtime.started) == 2


async def test_a_crashed_container_is_started_again_and_then_backs_off(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin)
    await until("a", _ready)
    kubelet.runtime.end("web", 3)
    pod = await until("a", lambda pod: _ready(pod) and pod.status.containerStatuses[0].restartCount == 1)
    assert pod.status.containerStatuses[0].lastState.terminated.exitCode == 3
    kubelet.runtime.end("web", 3)
    pod = await until("a", _waits_for("CrashLoopBackOff"))
    assert not _ready(pod)


async def test_an_image_that_does_not_exist_is_told_and_waited_for(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, image="example.invalid/none:1")
    pod = await until("a", _waits_for("ErrImagePull"))
    assert pod.status.containerStatuses[0].state.waiting.message.endswith(
        "no such host: the node finds no address of example.invalid"
    )
    pod = await until("a", _waits_for("ImagePullBackOff"))
    said = 'Back-off pulling image "example.invalid/none:1": ErrImagePull: '
    assert pod.status.containerStatuses[0].state.waiting.message.startswith(said)
    assert kubelet.runtime.pulls == 1
    told = await _event(admin, "BackOff")
    assert told.involvedObject.fieldPath == "spec.containers{web}"
    news = [(event.reason, event.message) for event in (await admin.list(event_pb2.Event, "default")).items]
    assert {("Pulling", 'Pulling image "example.invalid/none:1"'), ("Failed", "Error: ErrImagePull")} <= set(news)


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"image": "example.org/UPPER"}, "InvalidImageName"),
        ({"image": "example.invalid/none:1", "imagePullPolicy": "Never"}, "ErrImageNeverPull"),
        ({"envFrom": [{"configMapRef": {"name": "gone"}}]}, "CreateContainerConfigError"),
    ],
)
async def test_what_keeps_a_container_from_starting_is_its_reason(
    admin: Client, kubelet: MemoryKubelet, until: Until, container: Json, reason: str
) -> None:
    await _create(admin, container=container)
    await until("a", _waits_for(reason))


@pytest.mark.parametrize("timings", [WorkerTimings(first_sandbox_retry_s=600)])
async def test_a_config_map_that_comes_late_lets_the_container_start(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, container={"envFrom": [{"configMapRef": {"name": "late"}}]})
    await until("a", _waits_for("CreateContainerConfigError"))
    late = config_pb2.ConfigMap(data={"A": "1"})
    late.metadata.name, late.metadata.namespace = "late", "default"
    await admin.create(late)
    await until("a", _ready)


@pytest.mark.parametrize("timings", [WorkerTimings(first_sandbox_retry_s=600)])
async def test_a_config_map_that_comes_late_lets_the_pod_mount_it_without_waiting_out_the_back_off(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, volumes=[{"name": "late", "configMap": {"name": "late"}}])
    await until("a", _waits_for("ContainerCreating"))
    await _event(admin, "FailedMount")
    late = config_pb2.ConfigMap(data={"A": "1"})
    late.metadata.name, late.metadata.namespace = "late", "default"
    await admin.create(late)
    await until("a", _ready)


async def test_a_pod_without_restarts_ends_with_its_containers(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, restartPolicy="Never")
    await until("a", _ready)
    kubelet.runtime.end("web", 0)
    pod = await until("a", lambda pod: pod.status.phase == "Succeeded")
    assert pod.status.containerStatuses[0].state.terminated.exitCode == 0


async def test_a_failing_probe_restarts_the_container(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": 1}
    await _create(admin, container={"livenessProbe": probe}, terminationGracePeriodSeconds=1)
    pod = await until("a", lambda pod: pod.status.containerStatuses and pod.status.containerStatuses[0].restartCount)
    assert pod.status.containerStatuses[0].restartCount == 1


async def test_pods_run_on_while_the_api_is_away_and_those_deleted_meanwhile_are_removed_after(
    admin: Client, cluster: Cluster, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, "stays")
    await _create(admin, "goes")
    await until("stays", _ready)
    await until("goes", _ready)
    running = kubelet.runtime.alive()
    await kubelet.kill()
    await admin.delete(pod_pb2.Pod, "goes", "default", grace_period_s=0)
    await cluster.stop()
    await kubelet.start()
    looks = kubelet.runtime.looks
    await kubelet.runtime.until(lambda: kubelet.runtime.looks >= looks + 2)  # every chance to go wrong
    assert kubelet.runtime.alive() == running, "nothing may be removed before the API has told what it wants"
    await cluster.start()
    await kubelet.runtime.until(lambda: len(kubelet.runtime.alive()) == 1)
    stays = await until("stays", _ready)
    assert kubelet.runtime.alive() == {stays.status.containerStatuses[0].containerID.removeprefix("containerd://")}
    with pytest.raises(NotFound):
        await admin.get(pod_pb2.Pod, "goes", "default")


async def test_a_runtime_that_is_restarted_is_waited_for(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _create(admin, "early")
    await until("early", _ready)
    kubelet.runtime.down = True
    await _create(admin, "late")
    assert len(kubelet.runtime.started) == 1
    kubelet.runtime.down = False
    await until("late", _ready)
    assert len(kubelet.runtime.started) == 2


async def test_a_sandbox_that_cannot_be_made_is_one_event_and_one_that_cannot_be_ended_too(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    kubelet.runtime.broken = True
    await _create(admin, terminationGracePeriodSeconds=1)
    made = await _event(admin, "FailedCreatePodSandBox")
    assert made.message == "Failed to create pod sandbox: failed to setup network: no IP addresses available"
    kubelet.runtime.broken = False
    await until("a", _ready)
    kubelet.runtime.broken = True
    await admin.delete(pod_pb2.Pod, "a", "default")
    ended = await _event(admin, "FailedKillPod")
    assert "no IP addresses available" in ended.message
    kubelet.runtime.broken = False
    await until("a", _gone)


async def test_a_disk_that_takes_no_files_is_told(
    admin: Client, kubelet: MemoryKubelet, until: Until, tmp_path: Path
) -> None:
    (tmp_path / "logs").touch()
    await _create(admin)
    told = await _event(admin, "FailedToMakePodDataDirectories")
    assert str(tmp_path / "logs") in told.message
    (tmp_path / "logs").unlink()
    await until("a", _ready)


async def test_init_containers_run_before_the_main_one(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _create(admin, initContainers=[{"name": "first", "image": IMAGE}])
    pod = await until("a", lambda pod: pod.status.initContainerStatuses and pod.status.initContainerStatuses[0].started)
    assert pod.status.phase == "Pending"
    kubelet.runtime.end("first", 0)
    pod = await until("a", _ready)
    assert pod.status.initContainerStatuses[0].ready


async def test_a_condition_that_others_write_opens_a_readiness_gate_and_is_never_lost(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    gates = [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]
    made = await _create(admin, readinessGates=gates)
    for gate in gates:  # while the kubelet writes too
        made = await admin.get(pod_pb2.Pod, "a", "default")
        made.metadata.resourceVersion = ""
        made.status.conditions.add(type=gate["conditionType"], status="True")
        await admin.update_status(made)
    pod = await until("a", _ready)
    assert condition(pod.status.conditions, "example.com/a") is not None


async def test_a_pod_whose_time_is_over_says_so_in_an_event(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _create(admin, activeDeadlineSeconds=1, terminationGracePeriodSeconds=1)
    await until("a", lambda pod: pod is not None and pod.status.phase == "Failed")
    told = await _event(admin, "DeadlineExceeded")
    assert (told.type, told.message) == ("Normal", "Pod was active on the node longer than the specified deadline")


async def test_a_container_whose_post_start_hook_fails_is_never_ready(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    before = await admin.list(pod_pb2.Pod, "default")
    await _create(admin, container={"lifecycle": hook}, terminationGracePeriodSeconds=1)
    was_ready = False
    async with asyncio.timeout(WITHIN_S):
        async for batch in admin.watch(pod_pb2.Pod, before.resource_version, "default"):
            pods = [change.object for change in batch if change.object is not None]
            was_ready = was_ready or any(_ready(pod) for pod in pods)
            if any(_waits_for("CrashLoopBackOff")(pod) for pod in pods):
                break
    assert not was_ready
    assert len(kubelet.runtime.started) == 2
    assert (await _event(admin, "FailedPostStartHook")).message == "PostStartHook failed"


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
async def test_how_a_pod_ended_stands_while_a_finalizer_holds_it(
    admin: Client, kubelet: MemoryKubelet, until: Until, code: int, phase: str
) -> None:
    made = await _create(admin)
    await until("a", _ready)
    hold = {"metadata": {"finalizers": ["example.com/hold"]}}
    await admin.patch(pod_pb2.Pod, "a", "default", patch=hold)
    before = await admin.list(pod_pb2.Pod, "default")
    kubelet.runtime.stops_with = code
    await admin.delete(pod_pb2.Pod, "a", "default")
    ended = await until("a", lambda pod: pod.metadata.deletionGracePeriodSeconds == 0)
    assert not await kubelet.runtime.pods(), "it was removed only after its end was written"
    assert (ended.status.phase, ended.status.containerStatuses[0].state.terminated.exitCode) == (phase, code)
    await kubelet.kill()
    await kubelet.start()
    await _create(admin, "b")
    await until("b", _ready)
    after = await admin.get(pod_pb2.Pod, "a", "default")
    assert after.status == ended.status
    phases = []
    async with asyncio.timeout(WITHIN_S):
        async for batch in admin.watch(pod_pb2.Pod, before.resource_version, "default"):
            pods = [change.object for change in batch if change.object is not None]
            phases += [pod.status.phase for pod in pods if pod.metadata.uid == made.metadata.uid]
            if any(pod.metadata.name == "b" and _ready(pod) for pod in pods):
                break
    first = phases.index(phase)
    assert set(phases[first:]) == {phase}, "what has ended stays so"
    await admin.patch(pod_pb2.Pod, "a", "default", patch={"metadata": {"finalizers": None}})
    await until("a", _gone)


async def test_a_runtime_that_does_not_answer_says_nothing_of_what_runs(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1, "failureThreshold": 1}
    await _create(admin, container={"readinessProbe": probe, "livenessProbe": probe})
    before = await until("a", _ready)
    kubelet.runtime.down = True
    await kubelet.runtime.until(lambda: kubelet.runtime.unanswered_commands >= 4)  # both probes, two periods
    kubelet.runtime.down = False
    await _create(admin, "b")
    await until("b", _ready)
    assert (await admin.get(pod_pb2.Pod, "a", "default")).status == before.status
    assert len(kubelet.runtime.started) == 2


async def test_a_container_whose_post_start_hook_hangs_is_not_ready_for_a_restarted_kubelet_either(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    hook = {"postStart": {"exec": {"command": ["hang"]}}}
    await _create(admin, container={"lifecycle": hook})
    before = await until("a", lambda pod: pod.status.containerStatuses and pod.status.containerStatuses[0].containerID)
    assert before.status.phase == "Pending"
    await kubelet.kill()
    await kubelet.start()
    await _create(admin, "b")
    await until("b", _ready)
    after = await admin.get(pod_pb2.Pod, "a", "default")
    assert after.status == before.status
    assert len(kubelet.runtime.started) == 2


async def test_a_pod_is_run_as_its_runtime_class_says(kubelet: MemoryKubelet, admin: Client, until: Until) -> None:
    for name, handler in (("known", RUNTIME_HANDLER), ("unknown", "other")):
        await admin.create(RuntimeClass(metadata=meta_pb2.ObjectMeta(name=name), handler=handler))
    await _create(admin, "a", runtimeClassName="known")
    await until("a", _ready)
    await _create(admin, "b", runtimeClassName="unknown")
    event = await _event(admin, "FailedCreatePodSandBox")
    told = 'failed to get sandbox runtime: no runtime for "other" is configured'
    assert (event.type, event.message) == ("Warning", f"Failed to create pod sandbox: {told}")


async def test_a_pod_has_users_of_its_own_where_the_runtime_gives_them(
    kubelet: MemoryKubelet, admin: Client, until: Until
) -> None:
    kubelet.runtime.handlers = (RuntimeHandler("", user_namespaces=True),)
    await _create(admin, "a", hostUsers=False, container={"securityContext": {"procMount": "Unmasked"}})
    await until("a", _ready)
    (told,) = (each.linux.security_context for each in kubelet.runtime.configs)
    assert told.namespace_options.userns_options.mode == cri.POD
    assert told.namespace_options.userns_options.uids[0].host_id == 65536
    assert not told.masked_paths


async def test_a_pod_that_cannot_have_users_of_its_own_says_so(kubelet: MemoryKubelet, admin: Client) -> None:
    await _create(admin, "a", hostUsers=False)
    event = await _event(admin, "FailedCreatePodSandBox")
    told = "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
    assert (event.type, event.message) == ("Warning", f"Failed to create pod sandbox: {told}")


async def test_a_pod_whose_runtime_class_is_gone_says_so(kubelet: MemoryKubelet, admin: Client) -> None:
    await admin.create(RuntimeClass(metadata=meta_pb2.ObjectMeta(name="gone"), handler=RUNTIME_HANDLER))
    held = await _create(admin, "a", runtimeClassName="gone", schedulingGates=[{"name": "later"}], nodeName="")
    await admin.delete(RuntimeClass, "gone")
    held.spec.ClearField("schedulingGates")
    await admin.update(held)
    await admin.bind([apiserver_pb2.Binding(namespace="default", name="a", node_name="n1")])
    event = await _event(admin, "FailedCreatePodSandBox")
    told = 'runtimeclasses.node.k8s.io "gone" not found'
    assert event.message == f"Failed to create pod sandbox: {told}"
