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

from node.kubelet.admission.pod_admission import PodAdmission
from node.kubelet.cgroups.groups import Groups, Hierarchy
from node.kubelet.cgroups.layout import MIN_SHARES, GroupLimits
from node.kubelet.cgroups.pod_cgroups import PodCgroups
from node.kubelet.containerconfig.security_context import SeccompProfiles
from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cpus.manager import CpuManager
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
from node.kubelet.deviceplugins import registration
from node.kubelet.deviceplugins.given import GivenDevices
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.offers import DeviceOffers
from node.kubelet.dynamicresources.manager import DynamicResources
from node.kubelet.dynamicresources.plugins import DriverRegistry
from node.kubelet.dynamicresources.prepared import Checkpoint
from node.kubelet.eviction.ephemeral_storage import EphemeralStorageMonitor
from node.kubelet.images.image_manager import ImageManager
from node.kubelet.plugins import unix_server
from node.kubelet.plugins.registry import PluginRegistry
from node.kubelet.server.pod_resources import PodResourcesServicer
from node.kubelet.staticpods.directory import ManifestDirectory
from node.kubelet.staticpods.mirror_pods import MirrorPods
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.staticpods.source import StaticPods
from node.kubelet.volume.claims import ClaimReader
from node.kubelet.volume.config_objects import ConfigObjectManager
from node.kubelet.volume.csi.api_reader import CsiApiReader
from node.kubelet.volume.csi.drivers import CsiDrivers
from node.kubelet.volume.csi.volumes import CsiVolumes
from node.kubelet.volume.image_volumes import ImageVolumes
from node.kubelet.volume.local_path import LocalPathManager
from node.kubelet.volume.token_manager import TokenManager
from node.kubelet.volume.volume_manager import VolumeManager
from node.kubelet.worker.context import NodeContext, WorkerTimings
from node.kubelet.worker.pod_workers import PodWorkers
from node.resolvconf import ClusterDns
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.foreign.podresources.v1 import api_pb2_grpc as pod_resources_grpc
from podlab.meta.v1 import meta_pb2

# How often what is read again and again is read.
PERIOD_S = 0.2
# How often volumes of drivers are looked at.
LOOK_S = 0.5
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
    _exits: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def end(self, name: str, code: int) -> None:
        for run in list(self._containers.values()):
            if run.name == name and run.alive:
                self._set(run.id, state=ContainerState.EXITED, exit_code=code, finished_ns=time.time_ns())
        self._exits.put_nowait(None)

    def runs(self, name: str) -> list[Container]:
        """All runs of the containers of that name."""
        return [run for run in self._containers.values() if run.name == name]

    def alive(self) -> set[str]:
        return {run.id for run in self._containers.values() if run.alive}

    async def until(self, check: Callable[[], bool]) -> None:
        """Waits for the runtime to be as wanted, for at most 10 s."""
        async with asyncio.timeout(10):
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

    async def exit_events(self) -> AsyncIterator[None]:
        while True:
            await self._exits.get()
            yield

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
    """The pod loops of node n1. `kill` ends them as SIGKILL would: nothing is tidied up."""

    client: Client
    runtime: MemoryRuntime
    root: Path
    pods: PodWorkers | None = None
    hierarchies: Sequence[Hierarchy] = ()
    timings: WorkerTimings = field(default_factory=WorkerTimings)
    pressures: frozenset[str] = frozenset()
    problems: list[str] = field(default_factory=list)
    """Of static pods' manifests."""
    devices: DeviceManager | None = None
    cpus: ExclusiveCpus | None = None
    """Set before it starts."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        services = Informer(self.client, service_pb2.Service)
        bound = Informer(self.client, pod_pb2.Pod, field_selector="spec.nodeName=n1")
        itself = Informer(self.client, node_pb2.Node, field_selector="metadata.name=n1")
        recorder = EventRecorder(self.client, "kubelet", "n1")
        node = node_pb2.Node()
        node.metadata.name = "n1"
        directory = ManifestDirectory(self.root / "manifests", "n1")
        static_pods = StaticPods(directory, self._tell_of_manifest, PERIOD_S)
        pods_of_node = NodePods(bound, static_pods)
        mirrors = MirrorPods(self.client, static_pods, bound, lambda: itself.get("n1"), PERIOD_S)
        given = GivenDevices(self.root / "device_manager_state")
        devices = self.devices = DeviceManager(DeviceOffers(given.resources), given)
        cpus = CpuManager(self.cpus, self.runtime)
        admission = PodAdmission(
            self.client,
            node,
            OFFERED,
            node=lambda: itself.get("n1"),
            pods=pods_of_node.list,
            devices=devices,
            cpus=cpus,
            pressures=lambda: self.pressures,
        )
        local_path = LocalPathManager(self.client, "n1", self.root, period_s=PERIOD_S)
        volumes = VolumeManager(self.root)
        drivers, csi_drivers = DriverRegistry(), CsiDrivers(self.client, "n1")
        plugins = PluginRegistry(self.root / "plugins_registry", (drivers, csi_drivers, devices.offers), PERIOD_S)
        dynamic_resources = DynamicResources(self.client, drivers, Checkpoint(self.root / "dra_manager_state"))
        tokens = TokenManager(self.client)
        reader = CsiApiReader(self.client, tokens, "n1")
        context = NodeContext(
            node_name="n1",
            node_ips=("127.0.0.1",),
            memory_bytes=1 << 30,
            allocatable=OFFERED,
            client=self.client,
            runtime=self.runtime,
            recorder=recorder,
            images=ImageManager(self.runtime),
            admission=admission,
            volumes=volumes,
            cgroups=PodCgroups(Groups(self.hierarchies), GroupLimits(MIN_SHARES)),
            ephemeral_storage=EphemeralStorageMonitor(volumes, self.runtime),
            claims=ClaimReader(self.client, local_path),
            csi=CsiVolumes(self.client, csi_drivers, volumes, reader, self.root, look_s=LOOK_S),
            image_volumes=ImageVolumes(self.runtime, volumes),
            dynamic_resources=dynamic_resources,
            devices=devices,
            cpus=cpus,
            tokens=tokens,
            config_objects=ConfigObjectManager(self.client, period_s=PERIOD_S),
            services=services.list,
            cluster_dns=ClusterDns("10.96.0.10", "cluster.local"),
            seccomp=SeccompProfiles(self.root / "seccomp"),
            timings=self.timings,
        )
        self.pods = pods = PodWorkers(context, pods_of_node)
        drivers.on_registered(self.pods.driver_registered)
        csi_drivers.on_registered(self.pods.driver_registered)
        admission.on_preempt(self.pods.end)
        context.config_objects.on_change(self.pods.volume_contents_changed)
        context.tokens.on_change(self.pods.volume_contents_changed)
        context.csi.on_due(self.pods.volume_contents_changed)
        informers = (services.run(), itself.run(), bound.run())
        devices.offers.on_change(pods.devices_changed)

        def may_be_here(uid: str) -> bool:
            return not bound.synced.is_set() or pods.may_run(uid)

        claims, given_back = dynamic_resources.run(may_be_here, PERIOD_S), devices.run(may_be_here, PERIOD_S)
        servicer = PodResourcesServicer(pods_of_node, devices, cpus, dynamic_resources.prepared)
        resources = unix_server.run(
            self.root / "pod-resources.sock",
            lambda server: pod_resources_grpc.add_PodResourcesListerServicer_to_server(servicer, server),
        )
        registering = registration.run(self.root / "device-plugins", devices.offers)
        upkeep = (
            recorder.run(),
            static_pods.run(),
            mirrors.run(),
            context.config_objects.run(),
            local_path.run(),
            claims,
            given_back,
            registering,
            cpus.run(may_be_here, PERIOD_S),
            resources,
            plugins.run(),
            context.csi.run(PERIOD_S),
        )
        loops = (*informers, *upkeep, self.pods.run())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    def _tell_of_manifest(self, problem: str) -> None:
        self.problems.append(problem)

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


class Until(Protocol):
    """Waits for a pod to be as wanted, for at most 10 s, and returns it; an empty one when it is wanted gone."""

    async def __call__(self, name: str, check: Callable[[pod_pb2.Pod], object]) -> pod_pb2.Pod: ...
