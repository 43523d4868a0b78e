"""The Kubelet gRPC service: logs, exec, attach, port-forward, stats and probes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

from node import netns
from node.kubelet.cri.runtime import Container, Runtime, RuntimeFailure
from node.kubelet.logs import log_reader
from node.kubelet.nodestatus.stats import StatsProvider
from node.kubelet.pod.container_status import all_statuses
from node.kubelet.server.attach import attach
from node.kubelet.server.documents import Documents
from node.kubelet.server.exec import exec_in_container
from node.kubelet.server.finding import container_named, pod_named
from node.kubelet.server.port_forward import forward
from node.kubelet.worker.pod_workers import PodWorkers
from node.probing import session as probing
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest, InternalError, NotFound, ServicerContext, abort
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

SETTLE_S = 0.2
# Well below what gRPC takes in one message.
PART_BYTES = 1024 * 1024

_Stream = TypeVar(
    "_Stream",
    kubelet_pb2.ExecRequest,
    kubelet_pb2.AttachRequest,
    kubelet_pb2.PortForwardRequest,
    kubelet_pb2.ProbeRequest,
)


class KubeletServicer(kubelet_pb2_grpc.KubeletServicer):
    """Serves `podlab.v1.Kubelet` for the pods of this node."""

    def __init__(
        self, pods: PodWorkers, runtime: Runtime, stats: StatsProvider, documents: Documents, node_ip: str
    ) -> None:
        self._pods = pods
        self._runtime = runtime
        self._stats = stats
        self._documents = documents
        self._node_ip = node_ip

    async def Logs(  # noqa: N802 - gRPC's name
        self, request: kubelet_pb2.LogsRequest, context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.LogsResponse]:
        try:
            pod = pod_named(self._pods, request.namespace, request.pod)
            run = await self._run(pod, request.container, previous=request.previous)
        except (ApiError, RuntimeFailure) as error:
            await abort(context, _as_api_error(error))
        await _wait_for_last_lines(run)
        options = log_reader.LogOptions(
            follow=request.follow and run.alive,
            tail_lines=request.tail_lines if request.HasField("tail_lines") else None,
            since_seconds=request.since_seconds if request.HasField("since_seconds") else None,
            timestamps=request.timestamps,
            limit_bytes=request.limit_bytes if request.HasField("limit_bytes") else None,
            since_time_ns=request.since_time_ns if request.HasField("since_time_ns") else None,
        )
        uid = pod.metadata.uid
        async for text in log_reader.read(Path(run.log_path), options, lambda: self._pods.is_running(uid, run.id)):
            yield kubelet_pb2.LogsResponse(data=text)

    async def Exec(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[kubelet_pb2.ExecRequest], context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.ExecResponse]:
        try:
            first = await _started(request_iterator, "Exec")
            _, run = await self._running_container(first.start.namespace, first.start.pod, first.start.container)
            if not first.start.command:
                raise BadRequest("command: Required value: name the program to run")
        except (ApiError, RuntimeFailure) as error:
            await abort(context, _as_api_error(error))
        async for response in exec_in_container(self._runtime, run.id, first.start, request_iterator):
            yield response

    async def Attach(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[kubelet_pb2.AttachRequest], context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.AttachResponse]:
        try:
            first = await _started(request_iterator, "Attach")
            spec, run = await self._running_container(first.start.namespace, first.start.pod, first.start.container)
            async for response in attach(self._runtime, run.id, spec, first.start, request_iterator):
                yield response
        except (ApiError, RuntimeFailure) as error:
            await abort(context, _as_api_error(error))

    async def PortForward(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[kubelet_pb2.PortForwardRequest], context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.PortForwardResponse]:
        try:
            first = await _started(request_iterator, "PortForward")
            if not 1 <= first.start.port <= 65535:
                raise BadRequest(f"port: {first.start.port} is not between 1 and 65535")
            pid, address = await self._network(pod_named(self._pods, first.start.namespace, first.start.pod))
            pod_address = address if first.start.to_pod_address else ""
            if first.start.to_pod_address and not address:
                raise BadRequest(f'pod "{first.start.pod}" has no address yet')
            async for response in forward(pid, first.start.port, request_iterator, pod_address=pod_address):
                yield response
        except (ApiError, RuntimeFailure) as error:
            await abort(context, _as_api_error(error))

    async def Stats(  # noqa: N802 - gRPC's name
        self, request: kubelet_pb2.StatsRequest, context: ServicerContext
    ) -> kubelet_pb2.StatsResponse:
        try:
            return await self._stats.read()
        except (RuntimeFailure, OSError) as error:
            await abort(context, _as_api_error(error))

    async def Read(  # noqa: N802 - gRPC's name
        self, request: kubelet_pb2.ReadRequest, context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.ReadResponse]:
        try:
            document = await self._documents.read(request.path)
        except (RuntimeFailure, OSError) as error:
            await abort(context, _as_api_error(error))
        if document is None:
            served = ", ".join(f"/{path}" for path in self._documents.paths)
            await abort(
                context, NotFound(f"the kubelet does not serve {request.path or '/'}; what it serves is {served}")
            )
        for start in range(0, max(1, len(document.body)), PART_BYTES):
            yield kubelet_pb2.ReadResponse(
                content_type=document.content_type, body=document.body[start : start + PART_BYTES]
            )

    async def Probe(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[kubelet_pb2.ProbeRequest], context: ServicerContext
    ) -> AsyncIterator[kubelet_pb2.ProbeResponse]:
        try:
            first = await _started(request_iterator, "Probe")
            async for response in await self._probing(first.start, request_iterator):
                yield response
        except (ApiError, RuntimeFailure) as error:
            await abort(context, _as_api_error(error))

    async def _probing(
        self, start: kubelet_pb2.ProbeStart, requests: AsyncIterator[kubelet_pb2.ProbeRequest]
    ) -> AsyncIterator[kubelet_pb2.ProbeResponse]:
        """Raises NotFound, BadRequest, RuntimeFailure."""
        if start.apart:
            return probing.serve_apart(requests)
        pid = (await self._network(pod_named(self._pods, start.namespace, start.pod)))[0] if start.pod else None
        return probing.serve(netns.of_process(pid) if pid is not None else None, requests)

    async def _running_container(self, namespace: str, pod_name: str, name: str) -> tuple[pod_pb2.Container, Container]:
        """The container and its present run. Raises NotFound, BadRequest, RuntimeFailure."""
        pod = pod_named(self._pods, namespace, pod_name)
        run = await self._run(pod, name)
        if not run.alive:
            raise BadRequest(f'container "{run.name}" of pod "{pod_name}" is not running')
        return container_named(pod, run.name), run

    async def _network(self, pod: pod_pb2.Pod) -> tuple[int | None, str]:
        """A process in the pod's network namespace, None for the node's, and its address there, if it has one. Raises
        BadRequest, RuntimeFailure."""
        sandbox = (await self._runtime.pod(pod.metadata.uid)).sandbox
        if sandbox is None or not sandbox.ready:
            raise BadRequest(f'pod "{pod.metadata.name}" is not running')
        if pod.spec.hostNetwork:
            return None, self._node_ip
        return await self._runtime.sandbox_pid(sandbox.id), next(iter(sandbox.ips), "")

    async def _run(self, pod: pod_pb2.Pod, name: str, *, previous: bool = False) -> Container:
        """The container's present run, or its last ended one. Raises BadRequest, RuntimeFailure."""
        spec = container_named(pod, name)
        runs = (await self._runtime.pod(pod.metadata.uid)).runs(spec.name)
        status = next((each for each in all_statuses(pod.status) if each.name == spec.name), None)
        if previous:
            runs = _previous_runs(runs, status)
            if not runs:
                raise BadRequest(f'previous terminated container "{spec.name}" in pod "{pod.metadata.name}" not found')
        if not runs:
            reason = status.state.waiting.reason if status is not None else ""
            state = f"waiting to start: {reason}" if reason else "not there yet"
            raise BadRequest(f'container "{spec.name}" in pod "{pod.metadata.name}" is {state}')
        return runs[0]


async def _wait_for_last_lines(run: Container) -> None:
    """The runtime shows the end of a container a moment before it has written the last lines of its log."""
    if not run.alive and time.time() - run.finished_ns / 1e9 < SETTLE_S:
        await asyncio.sleep(SETTLE_S)


def _previous_runs(runs: tuple[Container, ...], status: pod_pb2.ContainerStatus | None) -> tuple[Container, ...]:
    """The ended runs before the present one. An ended run is the present one only when no other will follow."""
    if runs and (runs[0].alive or (status is not None and status.state.terminated.containerID.endswith(runs[0].id))):
        return runs[1:]
    return runs


def _as_api_error(error: Exception) -> ApiError:
    return error if isinstance(error, ApiError) else InternalError(str(error))


async def _started(requests: AsyncIterator[_Stream], method: str) -> _Stream:
    """The message that says what the stream is for. Raises BadRequest if it is another, or none."""
    first = await anext(requests, None)
    if first is None or not first.HasField("start"):
        raise BadRequest(f"the first message of {method} must be `start`")
    return first
