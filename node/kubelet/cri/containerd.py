"""`Runtime` over CRI v1, as containerd serves it on its unix socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import grpc

from node.kubelet.cri import conversion, stdin_pipes
from node.kubelet.cri.operations import counted
from node.kubelet.cri.runtime import (
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    Container,
    ContainerUsage,
    ExecResult,
    ExecTimeout,
    Image,
    ObservedPod,
    RegistryCredentials,
    RuntimeFailure,
    RuntimeReadiness,
    RuntimeUnavailable,
    Sandbox,
    ShownImage,
)
from node.kubelet.figures import KubeletFigures
from podlab.api.values.ipfamilies import IPV4, family_of
from podlab.foreign.containerd.v1 import (
    events_pb2,
    events_pb2_grpc,
    snapshots_pb2,
    snapshots_pb2_grpc,
    tasks_pb2,
    tasks_pb2_grpc,
)
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.foreign.cri.v1 import api_pb2_grpc

R = TypeVar("R")

NAMESPACE = (("containerd-namespace", "k8s.io"),)  # of all that CRI made
_KEPT = "containerd.io/gc.root"  # until somebody removes it
# Kubernetes' own, which an administrator can change.
REQUEST_TIMEOUT_S = 120.0
# Those that only ask need less; they have more in the same measure as the others.
CALL_TIMEOUT_S = 30.0
PULL_TIMEOUT_S = 1800.0
# Beyond its own grace period a stop may wait for the kernel to reap the container.
STOP_MARGIN_S = 60.0
# Beyond its own limit a command may wait for containerd to kill it.
EXEC_MARGIN_S = 5.0
# Codes of a containerd that starts or stops: the call was not answered.
_UNAVAILABLE = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})
_STARTING = "server is not initialized yet"
_NOT_READY = {
    "RuntimeReady": "container runtime not ready",
    "NetworkReady": "container runtime network not ready",
}
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.default_authority", "localhost"),  # containerd's Go server refuses the socket's path as authority
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class Containerd:
    """Caches the statuses of containers and the addresses of sandboxes until their state changes."""

    def __init__(
        self,
        endpoint: str,
        family: str = IPV4,
        figures: KubeletFigures | None = None,
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """Of a pod's addresses, that of `family` comes first. A container is made or started within
        `request_timeout_s`, a sandbox within twice as long."""
        self.endpoint = endpoint
        self.figures = KubeletFigures() if figures is None else figures
        self._family = family
        self._request_timeout_s = request_timeout_s
        self._call_timeout_s = request_timeout_s / REQUEST_TIMEOUT_S * CALL_TIMEOUT_S
        self.channel = connect(endpoint)
        self._runtime = api_pb2_grpc.RuntimeServiceStub(self.channel)
        self._images = api_pb2_grpc.ImageServiceStub(self.channel)
        self._events = events_pb2_grpc.EventsStub(self.channel)
        self._snapshots = snapshots_pb2_grpc.SnapshotsStub(self.channel)
        self._tasks = tasks_pb2_grpc.TasksStub(self.channel)
        self._containers: dict[tuple[str, int], Container] = {}
        self._sandbox_ips: dict[str, tuple[str, ...]] = {}

    async def close(self) -> None:
        await self.channel.close()

    @counted("version")
    async def version(self) -> str:
        answer = await _answer(self._runtime.Version(cri.VersionRequest(), timeout=self._call_timeout_s))
        return f"{answer.runtime_name}://{answer.runtime_version}"

    @counted("status")
    async def readiness(self) -> RuntimeReadiness:
        answer = await _answer(self._runtime.Status(cri.StatusRequest(verbose=True), timeout=self._call_timeout_s))
        states = {condition.type: condition for condition in answer.status.conditions}
        ready = {name: name in states and states[name].status for name in ("RuntimeReady", "NetworkReady")}
        message = "; ".join(
            f"{_NOT_READY[name]}: {name}=false reason:{states[name].reason} message:{states[name].message}"
            if name in states
            else f"{_NOT_READY[name]}: {name} is not reported"
            for name, good in ready.items()
            if not good
        )
        told = answer.features.supplemental_groups_policy if answer.HasField("features") else None
        handlers = conversion.handlers(answer)
        return RuntimeReadiness(ready["RuntimeReady"], ready["NetworkReady"], message, told, handlers)

    async def pods(self) -> Mapping[str, ObservedPod]:
        found = await self._observe({})
        # Forgets what is gone, so that the caches do not grow for ever.
        present = {container.id for pod in found.values() for container in pod.containers}
        self._containers = {at: kept for at, kept in self._containers.items() if at[0] in present}
        sandboxes = {sandbox.id for pod in found.values() for sandbox in pod.sandboxes}
        self._sandbox_ips = {at: ips for at, ips in self._sandbox_ips.items() if at in sandboxes}
        return found

    async def pod(self, uid: str) -> ObservedPod:
        return (await self._observe({POD_UID: uid})).get(uid, ObservedPod(uid))

    async def exit_events(self) -> AsyncIterator[str]:
        call = self._events.Subscribe(events_pb2.SubscribeRequest(filters=['topic=="/tasks/exit"']))
        try:
            async for envelope in call:
                ended = events_pb2.TaskExit.FromString(envelope.event.value)
                if ended.id == ended.container_id:  # and no command in it
                    yield ended.container_id
        except grpc.aio.AioRpcError as error:
            raise failure(error) from error
        finally:
            call.cancel()

    @counted("run_podsandbox")
    async def run_sandbox(self, config: cri.PodSandboxConfig, handler: str) -> str:
        request = cri.RunPodSandboxRequest(config=config, runtime_handler=handler)
        answer = await _answer(self._runtime.RunPodSandbox(request, timeout=2 * self._request_timeout_s))
        return answer.pod_sandbox_id

    @counted("stop_podsandbox")
    async def stop_sandbox(self, sandbox_id: str) -> None:
        request = cri.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        await _ignore_not_found(self._runtime.StopPodSandbox(request, timeout=2 * self._request_timeout_s))

    @counted("remove_podsandbox")
    async def remove_sandbox(self, sandbox_id: str) -> None:
        request = cri.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        await _ignore_not_found(self._runtime.RemovePodSandbox(request, timeout=2 * self._request_timeout_s))

    @counted("create_container")
    async def create_container(
        self, sandbox_id: str, config: cri.ContainerConfig, sandbox_config: cri.PodSandboxConfig
    ) -> str:
        request = cri.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config)
        answer = await _answer(self._runtime.CreateContainer(request, timeout=self._request_timeout_s))
        return answer.container_id

    @counted("start_container")
    async def start_container(self, container_id: str) -> None:
        request = cri.StartContainerRequest(container_id=container_id)
        await _answer(self._runtime.StartContainer(request, timeout=self._request_timeout_s))

    @counted("stop_container")
    async def stop_container(self, container_id: str, grace_s: int, signal: int = 0) -> None:
        if signal:  # which CRI of containerd 1.6 has no word for
            await self._ask_to_end(container_id, grace_s, signal)
            grace_s = 0
        request = cri.StopContainerRequest(container_id=container_id, timeout=grace_s)
        await _ignore_not_found(self._runtime.StopContainer(request, timeout=grace_s + STOP_MARGIN_S))

    @counted("update_container")
    async def update_container(self, container_id: str, resources: cri.LinuxContainerResources) -> None:
        request = cri.UpdateContainerResourcesRequest(container_id=container_id, linux=resources)
        try:
            await _answer(self._runtime.UpdateContainerResources(request, timeout=self._call_timeout_s))
        finally:  # also of a call that was not answered nobody knows what has become
            self._containers = {at: kept for at, kept in self._containers.items() if at[0] != container_id}

    async def _ask_to_end(self, container_id: str, grace_s: int, signal: int) -> None:
        """Sends the signal, and returns when the container has ended or its time is over."""
        kill = tasks_pb2.KillRequest(container_id=container_id, signal=signal)
        await _ignore_not_found(self._tasks.Kill(kill, metadata=NAMESPACE, timeout=self._call_timeout_s))
        try:
            request = tasks_pb2.WaitRequest(container_id=container_id)
            await self._tasks.Wait(request, metadata=NAMESPACE, timeout=grace_s)
        except grpc.aio.AioRpcError as error:
            if error.code() not in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise failure(error) from error

    @counted("remove_container")
    async def remove_container(self, container_id: str) -> None:
        request = cri.RemoveContainerRequest(container_id=container_id)
        await _ignore_not_found(self._runtime.RemoveContainer(request, timeout=self._call_timeout_s))

    @counted("reopen_container_log")
    async def reopen_log(self, container_id: str) -> None:
        request = cri.ReopenContainerLogRequest(container_id=container_id)
        await _answer(self._runtime.ReopenContainerLog(request, timeout=self._call_timeout_s))

    @counted("exec_sync")
    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_s: int) -> ExecResult:
        request = cri.ExecSyncRequest(container_id=container_id, cmd=command, timeout=timeout_s)
        began = time.monotonic()
        try:
            # containerd kills the command at its own timeout; ours is for a containerd that does not answer.
            answer = await self._runtime.ExecSync(request, timeout=timeout_s + EXEC_MARGIN_S if timeout_s else None)
        except grpc.aio.AioRpcError as error:
            in_time = time.monotonic() - began < timeout_s + EXEC_MARGIN_S
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and in_time:
                raise ExecTimeout(f'command "{" ".join(command)}" timed out') from error
            raise failure(error) from error
        return ExecResult(answer.exit_code, answer.stdout + answer.stderr)

    async def exec_url(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> str:
        request = cri.ExecRequest(
            container_id=container_id, cmd=command, tty=tty, stdin=stdin, stdout=True, stderr=not tty
        )
        return (await _answer(self._runtime.Exec(request, timeout=self._call_timeout_s))).url

    async def attach_url(self, container_id: str, *, stdin: bool, tty: bool) -> str:
        request = cri.AttachRequest(container_id=container_id, tty=tty, stdin=stdin, stdout=True, stderr=not tty)
        return (await _answer(self._runtime.Attach(request, timeout=self._call_timeout_s))).url

    async def discard_stdin(self, container_id: str) -> bool:
        container_ended, all_ended = await self._has_ended(container_id, ""), True
        for name, pipe in await asyncio.to_thread(stdin_pipes.find_pipes, self.endpoint, container_id):
            if container_ended or await self._has_ended(container_id, name):
                await asyncio.to_thread(stdin_pipes.drain, pipe)
            else:
                all_ended = False
        return all_ended

    async def _has_ended(self, container_id: str, name: str) -> bool:
        """Of a command in the container, or, without name, of its own process. An unknown command has yet to start."""
        request = tasks_pb2.GetRequest(container_id=container_id, exec_id=name)
        try:
            answer = await self._tasks.Get(request, metadata=NAMESPACE, timeout=self._call_timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return not name
            raise failure(error) from error
        return answer.process.status == tasks_pb2.STOPPED

    async def sandbox_pid(self, sandbox_id: str) -> int:
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id, verbose=True)
        answer = await _answer(self._runtime.PodSandboxStatus(request, timeout=self._call_timeout_s))
        pid = conversion.sandbox_pid(answer.info)
        if not pid:
            raise RuntimeFailure(f"sandbox {sandbox_id} has no process")
        return pid

    async def sandbox_namespaces(self) -> dict[str, str]:
        """Of each sandbox, also of what is no pod's, the path of its network namespace; empty when it has none."""
        found = {}
        listed = await _answer(self._runtime.ListPodSandbox(cri.ListPodSandboxRequest(), timeout=self._call_timeout_s))
        for sandbox in listed.items:
            request = cri.PodSandboxStatusRequest(pod_sandbox_id=sandbox.id, verbose=True)
            try:
                status = await self._runtime.PodSandboxStatus(request, timeout=self._call_timeout_s)
                found[sandbox.id] = conversion.network_namespace(status.info)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:  # it has been removed meanwhile
                    raise failure(error) from error
        return found

    @counted("list_container_stats")
    async def usage(self, pod_uid: str = "") -> list[ContainerUsage]:
        request = cri.ListContainerStatsRequest()
        if pod_uid:
            request.filter.label_selector[POD_UID] = pod_uid
        answer = await _answer(self._runtime.ListContainerStats(request, timeout=self._call_timeout_s))
        return [conversion.usage(stats) for stats in answer.stats]

    @counted("image_status")
    async def image(self, name: str) -> Image | None:
        request = cri.ImageStatusRequest(image=cri.ImageSpec(image=name))
        answer = await _answer(self._images.ImageStatus(request, timeout=self._call_timeout_s))
        return conversion.image(answer.image) if answer.HasField("image") else None

    @counted("list_images")
    async def images(self) -> list[Image]:
        answer = await _answer(self._images.ListImages(cri.ListImagesRequest(), timeout=self._call_timeout_s))
        return [conversion.image(image) for image in answer.images]

    @counted("remove_image")
    async def remove_image(self, image_id: str) -> None:
        request = cri.RemoveImageRequest(image=cri.ImageSpec(image=image_id))
        await _ignore_not_found(self._images.RemoveImage(request, timeout=self._call_timeout_s))

    @counted("image_fs_info")
    async def image_directory(self) -> Path:
        answer = await _answer(self._images.ImageFsInfo(cri.ImageFsInfoRequest(), timeout=self._call_timeout_s))
        if not answer.image_filesystems:
            raise RuntimeFailure("the runtime does not say where its images are")
        return Path(answer.image_filesystems[0].fs_id.mountpoint)

    async def sandbox_image(self) -> str:
        answer = await _answer(self._runtime.Status(cri.StatusRequest(verbose=True), timeout=self._call_timeout_s))
        return conversion.sandbox_image(answer.info)

    @counted("pull_image")
    async def pull(self, name: str, credentials: RegistryCredentials | None) -> None:
        request = cri.PullImageRequest(image=cri.ImageSpec(image=name))
        if credentials is not None:
            request.auth.username, request.auth.password = credentials.username, credentials.password
            request.auth.identity_token = credentials.identity_token
        await _answer(self._images.PullImage(request, timeout=PULL_TIMEOUT_S))

    async def show_image(self, name: str, key: str) -> ShownImage:
        request = cri.ImageStatusRequest(image=cri.ImageSpec(image=name), verbose=True)
        answer = await _answer(self._images.ImageStatus(request, timeout=self._call_timeout_s))
        parent = conversion.topmost_layer(answer.info)
        if not parent:
            raise RuntimeFailure(f'image "{name}" is not there')
        snapshotter = await self._snapshotter()
        view = snapshots_pb2.ViewSnapshotRequest(
            snapshotter=snapshotter, key=key, parent=parent, labels={_KEPT: datetime.now(UTC).isoformat()}
        )
        try:
            made = await self._snapshots.View(view, metadata=NAMESPACE, timeout=self._call_timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise failure(error) from error
            known = snapshots_pb2.MountsRequest(snapshotter=snapshotter, key=key)
            found = await _answer(self._snapshots.Mounts(known, metadata=NAMESPACE, timeout=self._call_timeout_s))
            return conversion.shown_image(found.mounts)
        return conversion.shown_image(made.mounts)

    async def hide_image(self, key: str) -> None:
        request = snapshots_pb2.RemoveSnapshotRequest(snapshotter=await self._snapshotter(), key=key)
        await _ignore_not_found(self._snapshots.Remove(request, metadata=NAMESPACE, timeout=self._call_timeout_s))

    async def _snapshotter(self) -> str:
        answer = await _answer(self._runtime.Status(cri.StatusRequest(verbose=True), timeout=self._call_timeout_s))
        return conversion.snapshotter(answer.info)

    async def _observe(self, labels: Mapping[str, str]) -> dict[str, ObservedPod]:
        sandbox_filter = cri.PodSandboxFilter(label_selector=labels)
        container_filter = cri.ContainerFilter(label_selector=labels)
        sandboxes = await _answer(
            self._runtime.ListPodSandbox(cri.ListPodSandboxRequest(filter=sandbox_filter), timeout=self._call_timeout_s)
        )
        containers = await _answer(
            self._runtime.ListContainers(
                cri.ListContainersRequest(filter=container_filter), timeout=self._call_timeout_s
            )
        )
        identities: dict[str, tuple[str, str]] = {}
        observed_sandboxes: dict[str, list[Sandbox]] = {}
        for sandbox in sandboxes.items:
            if POD_UID in sandbox.labels:
                uid = sandbox.labels[POD_UID]
                identities[uid] = (sandbox.labels[POD_NAMESPACE], sandbox.labels[POD_NAME])
                observed_sandboxes.setdefault(uid, []).append(await self._sandbox(sandbox))
        observed_containers: dict[str, list[Container]] = {}
        for container in containers.containers:
            if POD_UID in container.labels:
                uid = container.labels[POD_UID]
                identities[uid] = (container.labels[POD_NAMESPACE], container.labels[POD_NAME])
                if (observed := await self._container(container)) is not None:
                    observed_containers.setdefault(uid, []).append(observed)
        return {
            uid: ObservedPod(
                uid,
                *identity,
                conversion.newest(observed_sandboxes.get(uid, ())),
                conversion.newest(observed_containers.get(uid, ())),
            )
            for uid, identity in identities.items()
        }

    async def _sandbox(self, item: cri.PodSandbox) -> Sandbox:
        ready = item.state == cri.SANDBOX_READY
        if ready and item.id not in self._sandbox_ips:
            self._sandbox_ips[item.id] = await self._ips(item.id)
        return Sandbox(item.id, item.metadata.attempt, ready, item.created_at, self._sandbox_ips.get(item.id, ()))

    async def _ips(self, sandbox_id: str) -> tuple[str, ...]:
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        try:
            answer = await self._runtime.PodSandboxStatus(request, timeout=self._call_timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return ()
            raise failure(error) from error
        network = answer.status.network
        found = [ip for ip in (network.ip, *(each.ip for each in network.additional_ips)) if ip]
        return tuple(sorted(found, key=lambda ip: family_of(ip) != self._family))

    async def _container(self, item: cri.Container) -> Container | None:
        """The container with its times and exit code; None when it was removed meanwhile."""
        known = self._containers.get((item.id, item.state))
        if known is not None:
            return known
        try:
            answer = await self._runtime.ContainerStatus(
                cri.ContainerStatusRequest(container_id=item.id), timeout=self._call_timeout_s
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise failure(error) from error
        container = conversion.container(answer.status, item.pod_sandbox_id)
        self._containers[(item.id, answer.status.state)] = container
        return container


def connect(endpoint: str) -> grpc.aio.Channel:
    """To containerd's socket."""
    return grpc.aio.insecure_channel(endpoint, options=list(_OPTIONS))


async def _answer(call: Awaitable[R]) -> R:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise failure(error) from error


async def _ignore_not_found(call: Awaitable[object]) -> None:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise failure(error) from error


def failure(error: grpc.aio.AioRpcError) -> RuntimeFailure:
    """What containerd answered, as the kubelet knows it."""
    message = error.details() or error.code().name
    if error.code() in _UNAVAILABLE or _STARTING in message:
        return RuntimeUnavailable(message)
    return RuntimeFailure(message)
