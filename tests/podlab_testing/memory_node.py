"""A node without containers: the kubelet's loops on a runtime in memory."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from node.kubelet.cgroups.groups import Groups
from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cri import conversion
from node.kubelet.cri.runtime import (
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    Container,
    ContainerState,
    ContainerUsage,
    ExecResult,
    Image,
    ObservedPod,
    RegistryCredentials,
    RuntimeFailure,
    RuntimeHandler,
    RuntimeReadiness,
    RuntimeUnavailable,
    Sandbox,
    ShownImage,
)
from node.kubelet.numa.nodes import NumaNode
from node.kubelet.server import pod_resources
from node.kubelet.server.pod_resources import PodResourcesServicer
from node.kubelet.settings import KubeletSettings, TopologyManagerSettings
from node.kubelet.worker.context import WorkerTimings
from node.kubelet.worker.pod_runner import Edges, Periods, PodRunner
from podlab.client.absent import AbsentServer
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.meta.v1 import meta_pb2
from podlab_testing.waiting import WITHIN_S

# What is read again and again is read often, so that tests see it soon.
PERIODS = Periods(**{each.name: 0.5 if each.name == "csi_look_s" else 0.2 for each in dataclasses.fields(Periods)})
# The only one that it knows besides its default.
RUNTIME_HANDLER = "sandboxed"
IMAGE = "podlab.local/hello:1.0"
SANDBOX_IMAGE = "podlab.local/pause:3.6"
OFFERED = {
    name: meta_pb2.Quantity(string=amount)
    for name, amount in {"cpu": "2", "memory": "4Gi", "pods": "110", "ephemeral-storage": "10Gi"}.items()
}


@dataclass
class MemoryRuntime:
    """Keeps the contract of `Runtime`. `end` is what happens to it; `down` makes it silent, `broken` its network;
    containers that are stopped end with `stops_with`."""

    present: set[str] = field(default_factory=lambda: {IMAGE})
    down: bool = False
    broken: bool = False
    stops_with: int = 143
    handlers: tuple[RuntimeHandler, ...] = (RuntimeHandler(""), RuntimeHandler(RUNTIME_HANDLER))
    started: list[str] = field(default_factory=list)
    configs: list[cri.ContainerConfig] = field(default_factory=list)
    """With which containers were created."""
    cpusets: dict[str, str] = field(default_factory=dict)
    """On which processors containers may run, by their names."""
    # Of each container, by name: where what it mounts is on the node, and whether it may write there.
    mounted: dict[str, dict[str, tuple[Path, bool]]] = field(default_factory=dict)
    # Of each container, by name: which devices of the node it sees, and what it may do with them.
    devices: dict[str, dict[str, tuple[Path, str]]] = field(default_factory=dict)
    # What containers have written outside of their mounts, by name.
    written: dict[str, int] = field(default_factory=dict)
    # By the id of the container that was stopped; 0 for that of its image.
    signals: dict[str, int] = field(default_factory=dict)
    files: Path = Path("/nonexistent")
    shown: set[str] = field(default_factory=set)
    # Memory that containers use, by name.
    used: dict[str, int] = field(default_factory=dict)
    # Commands, as of probes, that were asked for while it was silent.
    unanswered_commands: int = 0
    pulls: int = 0
    looks: int = 0
    _uids: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    _containers: dict[str, Container] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _exits: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def end(self, name: str, code: int) -> None:
        for run in list(self._containers.values()):
            if run.name == name and run.alive:
                self._set(run.id, state=ContainerState.EXITED, exit_code=code, finished_ns=time.time_ns())
                self._exits.put_nowait(run.id)

    def runs(self, name: str) -> list[Container]:
        """All runs of the containers of that name."""
        return [run for run in self._containers.values() if run.name == name]

    def alive(self) -> set[str]:
        return {run.id for run in self._containers.values() if run.alive}

    async def until(self, check: Callable[[], bool]) -> None:
        """Waits for the runtime to be as wanted."""
        async with asyncio.timeout(WITHIN_S):
            while not check():
                self._moved.clear()
                await self._moved.wait()

    async def version(self) -> str:
        return "memory://1"

    async def readiness(self) -> RuntimeReadiness:
        return RuntimeReadiness(not self.down, not self.down, handlers=self.handlers)

    async def pods(self) -> Mapping[str, ObservedPod]:
        self._answer()
        self.looks += 1
        self._moved.set()
        return {uid: self._observed(uid) for uid, _, _ in self._uids.values()}

    async def pod(self, uid: str) -> ObservedPod:
        self._answer()
        return self._observed(uid)

    async def exit_events(self) -> AsyncIterator[str]:
        while True:
            yield await self._exits.get()

    async def run_sandbox(self, config: cri.PodSandboxConfig, handler: str) -> str:
        self._answer()
        if handler not in ("", RUNTIME_HANDLER):
            raise RuntimeFailure(f'failed to get sandbox runtime: no runtime for "{handler}" is configured')
        self._connect(f"{next(self._numbers):064x}")
        labels = config.labels
        made = Sandbox(f"s{next(self._numbers)}", config.metadata.attempt, True, time.time_ns(), ("127.0.0.1",))
        self._sandboxes[made.id] = made
        self._uids[made.id] = (labels[POD_UID], labels[POD_NAMESPACE], labels[POD_NAME])
        return made.id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        self._answer()
        self._connect(sandbox_id)
        for run in list(self._containers.values()):
            if run.sandbox_id == sandbox_id and run.alive:
                self._set(run.id, state=ContainerState.EXITED, exit_code=137, finished_ns=time.time_ns())
        self._sandboxes[sandbox_id] = dataclasses.replace(self._sandboxes[sandbox_id], ready=False)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        self._answer()
        self._sandboxes.pop(sandbox_id, None)
        self._uids.pop(sandbox_id, None)
        self._containers = {at: run for at, run in self._containers.items() if run.sandbox_id != sandbox_id}

    async def create_container(
        self, sandbox_id: str, config: cri.ContainerConfig, sandbox_config: cri.PodSandboxConfig
    ) -> str:
        self._answer()
        self.configs.append(config)
        self.cpusets[config.metadata.name] = config.linux.resources.cpuset_cpus
        made = Container(
            id=f"c{next(self._numbers)}",
            sandbox_id=sandbox_id,
            name=config.metadata.name,
            attempt=config.metadata.attempt,
            state=ContainerState.CREATED,
            created_ns=time.time_ns(),
            image=config.image.image,
            log_path=f"{sandbox_config.log_directory}/{config.log_path}",
            annotations=dict(config.annotations),
            resources=conversion.resources(config.linux.resources),
        )
        self._containers[made.id] = made
        self.mounted[made.name] = {
            each.container_path: (Path(each.host_path), not each.readonly) for each in config.mounts
        }
        self.devices[made.name] = {
            each.container_path: (Path(each.host_path), each.permissions) for each in config.devices
        }
        return made.id

    async def start_container(self, container_id: str) -> None:
        self._answer()
        self._set(container_id, state=ContainerState.RUNNING, started_ns=time.time_ns())
        self.started.append(container_id)

    async def stop_container(self, container_id: str, grace_s: int, signal: int = 0) -> None:
        self._answer()
        self.signals[container_id] = signal
        if container_id in self._containers and self._containers[container_id].alive:
            self._set(container_id, state=ContainerState.EXITED, exit_code=self.stops_with, finished_ns=time.time_ns())

    async def update_container(self, container_id: str, resources: cri.LinuxContainerResources) -> None:
        """What is not said stays as it is."""
        self._answer()
        if resources.cpuset_cpus:
            self.cpusets[self._containers[container_id].name] = resources.cpuset_cpus
        if resources.cpu_period:
            self._set(container_id, resources=conversion.resources(resources))

    async def remove_container(self, container_id: str) -> None:
        self._containers.pop(container_id, None)

    async def reopen_log(self, container_id: str) -> None:
        raise RuntimeFailure("no logs in memory")

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_s: int) -> ExecResult:
        """`true`, `false` and `hang` are all the commands there are."""
        self.unanswered_commands += self.down
        self._moved.set()
        self._answer()
        if command[0] == "hang":
            await asyncio.get_running_loop().create_future()
        return ExecResult(0 if command[0] == "true" else 1, b"")

    async def exec_url(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> str:
        raise RuntimeFailure("no streams in memory")

    async def discard_stdin(self, container_id: str) -> bool:
        return True

    async def attach_url(self, container_id: str, *, stdin: bool, tty: bool) -> str:
        raise RuntimeFailure("no streams in memory")

    async def sandbox_pid(self, sandbox_id: str) -> int:
        raise RuntimeFailure("no processes in memory")

    async def usage(self, pod_uid: str = "") -> list[ContainerUsage]:
        return [
            ContainerUsage(
                run.id,
                run.name,
                uid,
                namespace,
                name,
                time.time_ns(),
                0,
                self.used.get(run.name, 0),
                self.written.get(run.name, 0),
            )
            for run in self._containers.values()
            for uid, namespace, name in [self._uids[run.sandbox_id]]
            if run.alive and pod_uid in ("", uid)
        ]

    async def image(self, name: str) -> Image | None:
        self._answer()
        return Image(f"sha256:{name}", (name,), 1) if name in self.present else None

    async def images(self) -> list[Image]:
        return [Image(f"sha256:{name}", (name,), 1) for name in sorted(self.present)]

    async def remove_image(self, image_id: str) -> None:
        self._answer()
        self.present.discard(image_id.removeprefix("sha256:"))

    async def image_directory(self) -> Path:
        self._answer()
        return self.files

    async def sandbox_image(self) -> str:
        self._answer()
        return SANDBOX_IMAGE

    async def pull(self, name: str, credentials: RegistryCredentials | None) -> None:
        self.pulls += 1
        raise RuntimeFailure(f'failed to pull image "{name}": no such host')

    async def show_image(self, name: str, key: str) -> ShownImage:
        """The files of images are in the directory `files`, below the images' ids."""
        self._answer()
        if not (self.files / name).is_dir():
            raise RuntimeFailure(f'image "{name}" is not there')
        self.shown.add(key)
        return ShownImage("bind", str(self.files / name), ("ro", "rbind"))

    async def hide_image(self, key: str) -> None:
        self._answer()
        self.shown.discard(key)

    def _answer(self) -> None:
        if self.down:
            raise RuntimeUnavailable("connection refused")

    def _connect(self, sandbox_id: str) -> None:
        if self.broken:
            raise RuntimeFailure(f'failed to setup network for sandbox "{sandbox_id}": no IP addresses available')

    def _set(self, container_id: str, **changes: object) -> None:
        self._containers[container_id] = dataclasses.replace(self._containers[container_id], **changes)  # type: ignore[arg-type]
        self._moved.set()

    def _observed(self, uid: str) -> ObservedPod:
        mine = [(at, self._sandboxes[at]) for at, of in self._uids.items() if of[0] == uid]
        if not mine:
            return ObservedPod(uid)
        ids = {at for at, _ in mine}
        runs = [run for run in self._containers.values() if run.sandbox_id in ids]
        _, namespace, name = self._uids[mine[0][0]]
        boxes = sorted((box for _, box in mine), key=lambda box: -box.attempt)
        return ObservedPod(uid, namespace, name, tuple(boxes), tuple(sorted(runs, key=lambda run: -run.attempt)))


@dataclass
class MemoryKubelet:
    """What runs the pods of node n1. `kill` ends it as SIGKILL would: nothing is tidied up."""

    client: Client
    runtime: MemoryRuntime
    root: Path
    timings: WorkerTimings = field(default_factory=WorkerTimings)
    pressures: frozenset[str] = frozenset()
    cpus: ExclusiveCpus | None = None
    topology: TopologyManagerSettings = field(default_factory=TopologyManagerSettings)
    numa_nodes: tuple[NumaNode, ...] = ()
    """Set before it starts, as the two before."""
    runner: PodRunner | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        settings = KubeletSettings(
            node_name="n1",
            node_ip="127.0.0.1",
            apiserver="" if isinstance(self.client, AbsentServer) else self.client.server,
            root_dir=self.root,
            kubernetes_dir=self.root,
            static_pod_dir=self.root / "manifests",
            topology_manager=self.topology,
        )
        edges = Edges(
            client=self.client,
            runtime=self.runtime,
            groups=Groups(()),
            own_node=node_pb2.Node(metadata=meta_pb2.ObjectMeta(name="n1")),
            offered=OFFERED,
            exclusive_cpus=self.cpus,
            numa_nodes=self.numa_nodes,
            pressures=lambda: self.pressures,
            periods=PERIODS,
            timings=self.timings,
        )
        runner = self.runner = PodRunner(settings, edges)
        resources = PodResourcesServicer(runner.pods, runner.devices, runner.cpus, runner.dynamic_resources.prepared)
        loops = (runner.run(), pod_resources.run(self.root / pod_resources.SOCKET, resources))
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


class Until(Protocol):
    """Waits for a pod to be as wanted, and returns it; an empty one when it is wanted gone."""

    async def __call__(self, name: str, check: Callable[[pod_pb2.Pod], object]) -> pod_pb2.Pod: ...
