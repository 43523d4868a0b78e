"""What the kubelet needs of a container runtime, and what it observes there.

`containerd.py` implements it over CRI; tests implement it in memory.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from podlab.foreign.cri.v1 import api_pb2 as cri

# Labels and annotations of sandboxes and containers, under Kubernetes' names, so that crictl and log collectors know
# them too.
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
CONTAINER_HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
# The back-off of the container's next restart. The runtime keeps it for a restarted kubelet.
NEXT_BACKOFF = "podlab.io/next-backoff-seconds"


class RuntimeFailure(Exception):
    """The runtime refused or failed a call; the message is the runtime's."""


class RuntimeUnavailable(RuntimeFailure):
    """The runtime does not answer: it restarts, or it is stuck. Containers may run all the same."""


class ExecTimeout(RuntimeFailure):
    """A command did not end in time."""


class ContainerState(enum.Enum):
    """CREATED: not started yet. UNKNOWN: the runtime has lost track of it."""

    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Sandbox:
    """A pod's namespaces and network in the runtime. Times are nanoseconds since 1970."""

    id: str
    attempt: int
    ready: bool
    created_ns: int
    ips: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContainerResources:
    """What the kernel gives to a container: its share of processors, at most so much time of them in each period, and
    at most so much memory. 0: without limit."""

    cpu_shares: int
    cpu_quota_us: int
    memory_bytes: int


@dataclass(frozen=True)
class ContainerUser:
    """As whom a container's first process was started."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Container:
    """One run of a container of a pod, running or ended. Times are nanoseconds since 1970, 0 when not yet."""

    id: str
    sandbox_id: str
    name: str
    attempt: int
    state: ContainerState
    created_ns: int
    image: str = ""
    image_id: str = ""
    started_ns: int = 0
    finished_ns: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    log_path: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    resources: ContainerResources | None = None
    """None: the runtime does not say."""
    user: ContainerUser | None = None
    """None: the runtime does not say."""

    @property
    def alive(self) -> bool:
        return self.state is ContainerState.RUNNING


@dataclass(frozen=True)
class ObservedPod:
    """What the runtime has of a pod: sandboxes and containers, the newest attempt first."""

    uid: str
    namespace: str = ""
    name: str = ""
    sandboxes: tuple[Sandbox, ...] = ()
    containers: tuple[Container, ...] = ()

    @property
    def sandbox(self) -> Sandbox | None:
        return self.sandboxes[0] if self.sandboxes else None

    def runs(self, name: str) -> tuple[Container, ...]:
        """All runs of one container, the newest first."""
        return tuple(container for container in self.containers if container.name == name)

    def latest(self, name: str) -> Container | None:
        return next((container for container in self.containers if container.name == name), None)

    @property
    def alive(self) -> tuple[Container, ...]:
        return tuple(container for container in self.containers if container.alive)


@dataclass(frozen=True)
class Image:
    """An image on the node. `user` is the user it runs as: a number, a name, or empty for root."""

    id: str
    names: tuple[str, ...]
    size_bytes: int
    user: str = ""


@dataclass(frozen=True)
class ShownImage:
    """How an image's files are mounted: as mount(2) wants it."""

    kind: str
    source: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class RegistryCredentials:
    """A user of a registry. The secrets are not printed. `origin` is the Secret that says so, if one does."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    origin: str = field(default="", compare=False)


@dataclass(frozen=True)
class RuntimeHandler:
    """A way to run containers that RuntimeClasses name; without a name: that of pods that have no class. What it can
    do is None where the runtime does not say."""

    name: str
    recursive_read_only: bool | None = None
    user_namespaces: bool | None = None


@dataclass(frozen=True)
class RuntimeReadiness:
    """Whether the runtime and its network are ready, and if not, why; and whether it can leave out the groups that an
    image gives its user (None: it does not say)."""

    runtime: bool
    network: bool
    message: str = ""
    strict_groups: bool | None = None
    handlers: tuple[RuntimeHandler, ...] = ()
    """In order of their names."""


@dataclass(frozen=True)
class ExecResult:
    exit_code: int
    output: bytes


@dataclass(frozen=True)
class ContainerUsage:
    """CPU used since the container started, memory that cannot be reclaimed, and bytes written outside of mounts."""

    container_id: str
    container_name: str
    pod_uid: str
    pod_namespace: str
    pod_name: str
    timestamp_ns: int
    cpu_ns: int
    memory_bytes: int
    written_bytes: int = 0
    written_inodes: int = 0


class CommandRunner(Protocol):
    """Runs commands in containers, as of probes and hooks. Raises RuntimeFailure, or RuntimeUnavailable."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_s: int) -> ExecResult:
        """Raises ExecTimeout. With 0 there is no limit."""


class RuntimeInfo(Protocol):
    """What the runtime says of itself. Raises RuntimeFailure, or RuntimeUnavailable."""

    async def version(self) -> str:
        """As in a node's status: containerd://1.6.20."""

    async def readiness(self) -> RuntimeReadiness:
        """Whether it can run pods."""

    async def images(self) -> list[Image]: ...

    async def image_directory(self) -> Path:
        """Where it keeps images, and what containers write outside of their mounts."""


class Runtime(CommandRunner, RuntimeInfo, Protocol):
    """Every call raises RuntimeFailure, or RuntimeUnavailable when the runtime does not answer.

    Stopping or removing what is gone is success.
    """

    async def pods(self) -> Mapping[str, ObservedPod]:
        """All pods by uid."""

    async def pod(self, uid: str) -> ObservedPod:
        """One pod; without sandboxes and containers when the runtime has nothing of it."""

    def exit_events(self) -> AsyncIterator[str]:
        """The ids of containers and sandboxes, as they end. `pods` may show one as running for a moment longer. Ends
        when the runtime goes away."""

    async def run_sandbox(self, config: cri.PodSandboxConfig, handler: str) -> str:
        """The id of the new sandbox. `handler` is what the runtime calls the way to run it; empty is its default."""

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Kills its containers and takes down its network."""

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Removes its containers too."""

    async def create_container(
        self, sandbox_id: str, config: cri.ContainerConfig, sandbox_config: cri.PodSandboxConfig
    ) -> str:
        """The id of the new container."""

    async def start_container(self, container_id: str) -> None: ...

    async def stop_container(self, container_id: str, grace_s: int, signal: int = 0) -> None:
        """Returns when the container has ended; after `grace_s` it is killed. 0: asked by the signal of its image."""

    async def update_container(self, container_id: str, resources: cri.LinuxContainerResources) -> None:
        """Changes what the running container may use."""

    async def remove_container(self, container_id: str) -> None: ...

    async def reopen_log(self, container_id: str) -> None:
        """Makes the runtime write to a new file at the container's log path."""

    async def exec_url(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> str:
        """A URL for one connection to the command's streams."""

    async def attach_url(self, container_id: str, *, stdin: bool, tty: bool) -> str:
        """A URL for one connection to the streams of the container's own process."""

    async def discard_stdin(self, container_id: str) -> bool:
        """Discards unread input of the container's ended processes. True when all of its processes have ended."""

    async def sandbox_pid(self, sandbox_id: str) -> int:
        """A process that stays in the sandbox's namespaces as long as the sandbox is ready."""

    async def usage(self, pod_uid: str = "") -> list[ContainerUsage]:
        """Of all containers that run, or of one pod's."""

    async def image(self, name: str) -> Image | None: ...

    async def remove_image(self, image_id: str) -> None: ...

    async def sandbox_image(self) -> str:
        """The name of the image that every sandbox is made of; empty when the runtime does not say."""

    async def pull(self, name: str, credentials: RegistryCredentials | None) -> None:
        """Returns when the image is on the node. Without credentials the pull is anonymous."""

    async def show_image(self, name: str, key: str) -> ShownImage:
        """Keeps the files of an image that is on the node until `hide_image` with the same key. Asked again, it is the
        same answer."""

    async def hide_image(self, key: str) -> None: ...
