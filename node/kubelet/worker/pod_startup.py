"""Starts a pod's sandbox and containers: volumes, image, environment, then the runtime.

What stands in the way becomes a hold in the pod's memory, with the reason that users see.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import replace

from node.kubelet.containerconfig import container_config, dns, security_context
from node.kubelet.containerconfig.container_config import Run
from node.kubelet.containerconfig.environment import (
    ConfigError,
    Found,
    Source,
    Surroundings,
    environment_variables,
    references,
)
from node.kubelet.cri.runtime import Credentials, Image, RuntimeFailure, RuntimeUnavailable, Sandbox
from node.kubelet.images import pull_secrets
from node.kubelet.images.image_manager import Told
from node.kubelet.logs import log_files
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.decide import RunSandbox, StartContainer
from node.kubelet.pod.pod_notes import Hold, Memory
from node.kubelet.volume import projected
from node.kubelet.volume.projected import Contents, WantedToken
from node.kubelet.volume.volume_manager import VolumeError
from node.kubelet.worker import start_limiter
from node.kubelet.worker.context import NodeContext
from podlab.api import containers
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import Conflict, Forbidden, NotFound
from podlab.foreign.cri.v1 import api_pb2 as cri

log = logging.getLogger(__name__)

# Between two tries of what failed for a reason that may pass: 1 s, 2 s, ... 60 s.
RETRY_FIRST_S, RETRY_LIMIT_S = 1, 60
# A container that cannot be configured is looked at again when its ConfigMap or Secret may have come.
CONFIG_RETRY_S = 5.0
# The reason is shown for a while before the back-off is what there is to say.
SHOW_ERROR_S = 3.0
_SANDBOX_ID = re.compile(r' for sandbox "[0-9a-f]{64}"')


class Starter:
    """Of one pod. Raises only RuntimeUnavailable and ApiError, which concern the node and not the pod."""

    def __init__(self, context: NodeContext, memory: Memory, voice: Voice) -> None:
        self._context = context
        self._memory = memory
        self._voice = voice

    async def run_sandbox(self, pod: pod_pb2.Pod, action: RunSandbox) -> None:
        config = container_config.sandbox_config(pod, action.attempt, dns.node_dns())
        try:
            self._context.volumes.claim(pod.metadata.uid)
            log_files.log_directory(pod).mkdir(parents=True, exist_ok=True)
            await self.refresh_volumes(pod)
            async with self._context.starts.turn(start_limiter.SANDBOX):
                await self._context.runtime.run_sandbox(config)
        except RuntimeUnavailable:
            raise
        except VolumeError as error:
            self._hold_sandbox("FailedMount", str(error))
        except OSError as error:
            self._hold_sandbox("FailedToMakePodDataDirectories", f"error making pod data directories: {error}")
        except RuntimeFailure as error:
            # Without the id, which differs each time, so that the same failure is the same event again.
            told = _SANDBOX_ID.sub("", str(error))
            self._hold_sandbox("FailedCreatePodSandBox", f"Failed to create pod sandbox: {told}")
        else:
            self._memory.holds.pop("", None)

    async def refresh_volumes(self, pod: pod_pb2.Pod) -> Contents:
        """Volumes with the files of now; what they are made of is returned. Raises VolumeError."""
        contents = Contents(await self._read(pod), allocatable=self._context.allocatable)
        if pod.spec.volumes:
            claimed = await self._context.claims.read(pod)
            contents = replace(contents, tokens=await self._tokens(pod), claimed=claimed)
            for told in await asyncio.to_thread(self._context.volumes.set_up, pod, contents):
                self._voice.event("Warning", "AlreadyMountedVolume", told, "")
        return contents

    async def start_container(self, pod: pod_pb2.Pod, sandbox: Sandbox, action: StartContainer) -> None:
        spec = podspec.container_named(pod, action.name)
        assert spec is not None, f"decided to start {action.name}, which the pod does not have"
        image = await self._image(pod, spec)
        if isinstance(image, Hold):
            self._memory.holds[spec.name] = image
            return
        try:
            run = Run(action.attempt, action.next_backoff_s, await self._target(pod, spec.name))
            config = await self._configure(pod, spec, run, sandbox, image)
            (log_files.log_directory(pod) / spec.name).mkdir(parents=True, exist_ok=True)
        except (ConfigError, VolumeError, OSError) as error:
            self._hold(spec, "CreateContainerConfigError", str(error), CONFIG_RETRY_S)
            return
        await self._start(pod, spec, sandbox, config, run)

    async def _start(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, sandbox: Sandbox, config: cri.ContainerConfig, run: Run
    ) -> None:
        runtime = self._context.runtime
        sandbox_config = container_config.sandbox_config(pod, sandbox.attempt, dns.node_dns())
        async with self._context.starts.turn(start_limiter.CONTAINER):
            try:
                container_id = await runtime.create_container(sandbox.id, config, sandbox_config)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                self._hold(spec, "CreateContainerError", str(error), CONFIG_RETRY_S)
                return
            self._tell(spec, "Normal", "Created", f"Created container: {spec.name}")
            try:
                await runtime.start_container(container_id)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                self._hold(spec, "RunContainerError", str(error), SHOW_ERROR_S)
                return
        self._tell(spec, "Normal", "Started", f"Started container {spec.name}")
        self._memory.holds.pop(spec.name, None)

    async def _image(self, pod: pod_pb2.Pod, spec: pod_pb2.Container) -> Image | Hold:
        def come_again() -> None:
            self._memory.holds.pop(spec.name, None)
            self._voice.changed()

        def tell(told: Told) -> None:
            self._tell(spec, told.type, told.reason, told.message)

        policy = spec.imagePullPolicy or "IfNotPresent"
        known = await self._credentials(pod, spec)
        return await self._context.images.ensure(spec.image, policy, known, come_again=come_again, tell=tell)

    async def _credentials(self, pod: pod_pb2.Pod, spec: pod_pb2.Container) -> tuple[Credentials, ...]:
        """Of the pod's pull secrets; one that is missing is told, for its image may be pulled without it."""
        names = [secret.name for secret in pod.spec.imagePullSecrets if secret.name]
        wanted = [Source(config_pb2.Secret, name) for name in names]
        found = await self._context.sources.read(pod.metadata.uid, pod.metadata.namespace, wanted) if wanted else {}
        secrets = [secret for secret in found.values() if isinstance(secret, config_pb2.Secret)]
        if missing := sorted({source.name for source in wanted if found[source] is None}):
            told = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image"
            self._tell(spec, "Warning", "FailedToRetrieveImagePullSecret", f"{told} may not succeed.")
        return pull_secrets.for_image(spec.image, secrets)

    async def _configure(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, run: Run, sandbox: Sandbox, image: Image
    ) -> cri.ContainerConfig:
        security_context.check_non_root(pod, spec, image)
        contents = await self.refresh_volumes(pod)
        ips = (self._context.node_ip,) if pod.spec.hostNetwork else sandbox.ips
        around = Surroundings(
            node_name=self._context.node_name,
            host_ip=self._context.node_ip,
            pod_ips=ips,
            services=tuple(self._context.services()),
            sources=contents.found,
            allocatable=self._context.allocatable,
        )
        disk, environment = self._context.volumes, environment_variables(pod, spec, around)
        mounts = await asyncio.to_thread(disk.mounts, pod, spec, contents.claimed, environment)
        taken = {mount.container_path for mount in mounts}
        if "/etc/hosts" not in taken:
            mounts.append(disk.hosts_mount(pod, list(ips)))
        if spec.terminationMessagePath and spec.terminationMessagePath not in taken:
            mounts.append(disk.message_mount(pod, spec, run.attempt))
        return container_config.container_config(
            pod,
            spec,
            run,
            environment=environment,
            mounts=mounts,
            node_memory_bytes=self._context.memory_bytes,
        )

    async def _target(self, pod: pod_pb2.Pod, name: str) -> str:
        """The run of the container whose processes an ephemeral one is to see. Raises ConfigError when it has none."""
        target = podspec.target_of(pod, name)
        if not target:
            return ""
        run = (await self._context.runtime.pod(pod.metadata.uid)).latest(target)
        if run is None or not run.alive:
            raise ConfigError(f'unable to find target container "{target}"')
        return run.id

    async def _read(self, pod: pod_pb2.Pod) -> Found:
        wanted = [*projected.sources(pod)]
        for spec in containers.every(pod.spec):
            wanted.extend(references(spec))
        return await self._context.sources.read(pod.metadata.uid, pod.metadata.namespace, wanted)

    async def _tokens(self, pod: pod_pb2.Pod) -> dict[WantedToken, str]:
        try:
            return await self._context.tokens.read(pod, projected.tokens(pod))
        except (NotFound, Forbidden, Conflict) as error:  # no fault of the node: the pod is told
            raise VolumeError(f"MountVolume.SetUp failed: failed to fetch token: {error}") from error

    def _hold(self, spec: pod_pb2.Container, reason: str, message: str, for_s: float) -> None:
        self._memory.holds[spec.name] = Hold(reason, message, time.time() + for_s)
        self._tell(spec, "Warning", "Failed", f"Error: {message}")

    def _hold_sandbox(self, reason: str, message: str) -> None:
        before = self._memory.holds.get("")
        delay_s = min(RETRY_LIMIT_S, before.delay_s * 2) if before is not None else RETRY_FIRST_S
        self._memory.holds[""] = Hold(reason, message, time.time() + delay_s, delay_s)
        self._voice.event("Warning", reason, message, "")

    def _tell(self, spec: pod_pb2.Container, event_type: str, reason: str, message: str) -> None:
        self._voice.event(event_type, reason, message, spec.name)
