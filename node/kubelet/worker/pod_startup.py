"""Starts a pod's sandbox and containers: volumes, image, environment, then the runtime.

What prevents a start is noted as a blocked start, with the reason that users see.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from contextlib import nullcontext

from node import resolvconf
from node.kubelet.cgroups import layout
from node.kubelet.containerconfig import container_config, dns, security_context, user_namespaces
from node.kubelet.containerconfig.container_config import ContainerAttempt
from node.kubelet.containerconfig.environment import (
    ConfigError,
    ConfigObjects,
    ConfigReference,
    EnvironmentContext,
    environment_variables,
    references,
)
from node.kubelet.containerconfig.user_namespaces import UserNamespaceError
from node.kubelet.cri.runtime import Image, RegistryCredentials, RuntimeFailure, RuntimeUnavailable, Sandbox
from node.kubelet.deviceplugins.plugin import DeviceError
from node.kubelet.dynamicresources.cdi import CdiError
from node.kubelet.dynamicresources.pod_claims import PreparationError
from node.kubelet.images import pull_secrets
from node.kubelet.images.image_manager import ImageEvent
from node.kubelet.logs import log_files
from node.kubelet.pod import podspec
from node.kubelet.pod.actions import RunSandbox, StartContainer
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import BlockedStart, PodNotes
from node.kubelet.volume import projected
from node.kubelet.volume.projected import TokenProjection, VolumeContents
from node.kubelet.volume.volume_manager import VolumeError
from node.kubelet.worker import start_limiter
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.start_record import StartRecord
from node.resolvconf import PodResolvConf
from podlab.api.pods import containers
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import Conflict, Forbidden, NotFound
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass

log = logging.getLogger(__name__)

# Between two tries of a sandbox: the pauses double up to this.
SANDBOX_RETRY_LIMIT_S = 60
# A container that cannot be configured is tried again: its ConfigMap or Secret may have been created.
CONFIG_RETRY_S = 5.0
# How long the error is shown as the waiting reason, before the back-off is.
SHOW_ERROR_S = 3.0
_SANDBOX_ID = re.compile(r' for sandbox "[0-9a-f]{64}"')


class GroupError(Exception):
    """The kernel does not take a pod's control group."""


class PodStartup:
    """Of one pod. Raises only RuntimeUnavailable and ApiError, which are not the pod's fault."""

    def __init__(self, context: NodeContext, notes: PodNotes, callbacks: PodCallbacks, record: StartRecord) -> None:
        self._context = context
        self._record = record
        self._notes = notes
        self._callbacks = callbacks

    async def run_sandbox(self, pod: pod_pb2.Pod, action: RunSandbox) -> None:
        names = self._resolv_conf(pod)
        for message in names.left_out:
            self._callbacks.event("Warning", "DNSConfigForming", message)
        if why := dns.why_too_long(pod):
            self._block_sandbox("FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")
            return
        try:
            self._context.volumes.create_pod_directory(pod.metadata.uid)
            log_files.log_directory(pod).mkdir(parents=True, exist_ok=True)
            with self._record.measured("volumes"):
                await self.refresh_volumes(pod)
            with self._record.measured("devices") if pod.spec.resourceClaims else nullcontext():
                await self._context.dynamic_resources.prepare(pod)
            await self._make_group(pod)
            handler = await self._runtime_handler(pod)
            users = await self._users(pod, handler)
            config = container_config.sandbox_config(pod, action.attempt, names.conf, users)
            async with self._context.start_limiter.slot(start_limiter.SANDBOX):
                with self._record.measured("sandbox"):
                    await self._context.runtime.run_sandbox(config, handler)
        except RuntimeUnavailable:
            raise
        except VolumeError as error:
            self._block_sandbox("FailedMount", str(error))
        except PreparationError as error:
            why = f"Failed to prepare dynamic resources: prepare dynamic resources: {error}"
            self._block_sandbox("FailedPrepareDynamicResources", why)
        except OSError as error:
            self._block_sandbox("FailedToMakePodDataDirectories", f"error making pod data directories: {error}")
        except GroupError as error:
            self._block_sandbox("FailedCreatePodContainer", str(error))
        except UserNamespaceError as error:
            self._block_sandbox("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        except RuntimeFailure as error:
            await self._sandbox_failed(pod, error)
        else:
            self._notes.blocked_starts.pop("", None)

    async def _make_group(self, pod: pod_pb2.Pod) -> None:
        """Raises GroupError."""
        try:
            await self._context.cgroups.admit(pod)
        except OSError as error:
            group = layout.path(pod)
            raise GroupError(
                f"unable to ensure pod container exists: failed to create container for {group}: {error}"
            ) from error

    async def _sandbox_failed(self, pod: pod_pb2.Pod, error: RuntimeFailure) -> None:
        """What is the node's fault, that it has no CNI plugin, is told as such."""
        runtime = await self._context.runtime.readiness()
        if not runtime.network and not pod.spec.hostNetwork:
            self._block_sandbox("NetworkNotReady", f"network is not ready: {runtime.message}")
            return
        # The sandbox id is different each time. Without it the same failure is the same Event.
        message = _SANDBOX_ID.sub("", str(error))
        self._block_sandbox("FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}")

    def _resolv_conf(self, pod: pod_pb2.Pod) -> PodResolvConf:
        return resolvconf.of_pod(pod.spec, pod.metadata.namespace, resolvconf.of_node(), self._context.cluster_dns)

    async def _users(self, pod: pod_pb2.Pod, handler: str) -> cri.UserNamespace:
        """Whose users the pod's are. Raises UserNamespaceError, RuntimeFailure."""
        if user_namespaces.is_wanted(pod.spec):
            user_namespaces.check(handler, (await self._context.runtime.readiness()).handlers)
        return self._context.user_namespaces.of(pod)

    async def _runtime_handler(self, pod: pod_pb2.Pod) -> str:
        """What the runtime calls the pod's RuntimeClass; empty where it has none. Raises RuntimeFailure."""
        name = pod.spec.runtimeClassName
        if not name:
            return ""
        try:
            return (await self._context.client.get(RuntimeClass, name)).handler
        except NotFound as error:
            raise RuntimeFailure(error.message) from error

    async def refresh_volumes(self, pod: pod_pb2.Pod) -> VolumeContents:
        """Makes the volumes, or brings them up to date. Returns what they are made of. Raises VolumeError."""
        # Each asks the API server, so that together they take no longer than the longest.
        config_objects, tokens, persistent = await asyncio.gather(
            self._read_config_objects(pod), self._tokens(pod), self._context.claims.read(pod)
        )
        contents = VolumeContents(
            config_objects, tokens=tokens, persistent_volumes=persistent, allocatable=self._context.allocatable
        )
        if pod.spec.volumes:
            await self._context.csi.set_up(pod, persistent, self._callbacks.event)
            for warning in await asyncio.to_thread(self._context.volumes.set_up, pod, contents):
                self._callbacks.event("Warning", "AlreadyMountedVolume", warning)
        return contents

    async def start_container(self, pod: pod_pb2.Pod, sandbox: Sandbox, action: StartContainer) -> None:
        spec = podspec.container_named(pod, action.name)
        assert spec is not None, f"decided to start {action.name}, which the pod does not have"
        self._record.image_asked(spec.name)
        image = await self._image(pod, spec, spec.image, spec.imagePullPolicy)
        if isinstance(image, BlockedStart):
            self._notes.blocked_starts[spec.name] = image
            return
        self._record.image_there(spec.name, spec.image)
        if (blocked := await self._mount_images(pod, spec)) is not None:
            self._notes.blocked_starts[spec.name] = blocked
            return
        try:
            attempt = ContainerAttempt(action.attempt, action.next_backoff_s, await self._target(pod, spec.name))
            with self._record.measured("configuration", spec.name):
                config = await self._configure(pod, spec, attempt, sandbox, image)
            (log_files.log_directory(pod) / spec.name).mkdir(parents=True, exist_ok=True)
        except (ConfigError, VolumeError, CdiError, DeviceError, UserNamespaceError, OSError) as error:
            self._block(spec, "CreateContainerConfigError", str(error), CONFIG_RETRY_S)
            return
        await self._create_and_start(pod, spec, sandbox, config)

    async def _create_and_start(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, sandbox: Sandbox, config: cri.ContainerConfig
    ) -> None:
        runtime = self._context.runtime
        users = config.linux.security_context.namespace_options.userns_options
        sandbox_config = container_config.sandbox_config(pod, sandbox.attempt, self._resolv_conf(pod).conf, users)
        async with self._context.start_limiter.slot(start_limiter.CONTAINER):
            try:
                with self._record.measured("create", spec.name):
                    container_id = await runtime.create_container(sandbox.id, config, sandbox_config)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                self._block(spec, "CreateContainerError", str(error), CONFIG_RETRY_S)
                return
            self._event(spec, "Normal", "Created", f"Created container: {spec.name}")
            try:
                with self._record.measured("start", spec.name):
                    await runtime.start_container(container_id)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                self._block(spec, "RunContainerError", str(error), SHOW_ERROR_S)
                return
        self._event(spec, "Normal", "Started", f"Started container {spec.name}")
        self._notes.blocked_starts.pop(spec.name, None)

    async def _mount_images(self, pod: pod_pb2.Pod, spec: pod_pb2.Container) -> BlockedStart | None:
        """The container's volumes that show images, once those are there. Else why it cannot start yet."""
        mounted = {mount.name for mount in spec.volumeMounts}
        for volume in pod.spec.volumes:
            source = volume.volumeSource.image
            if volume.name not in mounted or not volume.volumeSource.HasField("image"):
                continue
            if await self._context.image_volumes.is_mounted(pod, volume.name):
                continue
            image = await self._image(pod, spec, source.reference, source.pullPolicy)
            if isinstance(image, BlockedStart):
                return image
            try:
                await self._context.image_volumes.mount(pod, volume.name, image.id)
            except VolumeError as error:
                self._event(spec, "Warning", "FailedMount", str(error))
                return BlockedStart("CreateContainerConfigError", str(error), time.time() + CONFIG_RETRY_S)
        return None

    async def _image(self, pod: pod_pb2.Pod, spec: pod_pb2.Container, name: str, policy: str) -> Image | BlockedStart:
        def retry() -> None:
            self._notes.blocked_starts.pop(spec.name, None)
            self._callbacks.wake_worker()

        def record(event: ImageEvent) -> None:
            self._event(spec, event.type, event.reason, event.message)

        credentials = await self._credentials(pod, spec, name)
        images, policy = self._context.images, policy or "IfNotPresent"
        return await images.ensure_image(name, policy, credentials, retry=retry, record=record)

    async def _credentials(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, image: str
    ) -> tuple[RegistryCredentials, ...]:
        """Those of the pod's pull secrets. A missing secret is only warned of: the image may not need it."""
        references = [
            ConfigReference(config_pb2.Secret, secret.name) for secret in pod.spec.imagePullSecrets if secret.name
        ]
        if not references:
            return ()
        found = await self._context.config_objects.read(pod.metadata.uid, pod.metadata.namespace, references)
        if missing := sorted({reference.name for reference in references if found[reference] is None}):
            message = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image"
            self._event(spec, "Warning", "FailedToRetrieveImagePullSecret", f"{message} may not succeed.")
        secrets = [secret for secret in found.values() if isinstance(secret, config_pb2.Secret)]
        return pull_secrets.for_image(image, secrets)

    async def _configure(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, attempt: ContainerAttempt, sandbox: Sandbox, image: Image
    ) -> cri.ContainerConfig:
        security_context.check_non_root(pod, spec, image)
        contents = await self.refresh_volumes(pod)
        ips = self._context.node_ips if pod.spec.hostNetwork else sandbox.ips
        environment_context = EnvironmentContext(
            node_name=self._context.node_name,
            host_ips=self._context.node_ips,
            pod_ips=ips,
            services=tuple(self._context.services()),
            config_objects=contents.config_objects,
            allocatable=self._context.allocatable,
        )
        volumes, environment = self._context.volumes, environment_variables(pod, spec, environment_context)
        mounts, of_volumes = await asyncio.to_thread(self._of_volumes, pod, spec, contents, environment)
        of_claims = await self._context.dynamic_resources.edits(pod, spec)
        of_plugins, of_cdi = await self._context.devices.edits(pod, spec)
        mounts += [*of_plugins.mounts, *of_cdi.mounts, *of_claims.mounts]
        mounted_paths = {mount.container_path for mount in mounts}
        if "/etc/hosts" not in mounted_paths:
            mounts.append(volumes.hosts_mount(pod, list(ips)))
        if spec.terminationMessagePath and spec.terminationMessagePath not in mounted_paths:
            mounts.append(volumes.termination_message_mount(pod, spec, attempt.attempt))
        config = container_config.container_config(
            pod,
            spec,
            attempt,
            environment={**of_plugins.environment, **environment, **of_cdi.environment, **of_claims.environment},
            mounts=mounts,
            devices=[*of_volumes, *of_plugins.devices, *of_cdi.devices, *of_claims.devices],
            annotations=of_plugins.annotations,
            memory=self._context.memory,
            seccomp=self._context.seccomp,
            users=self._context.user_namespaces.of(pod),
        )
        self._context.cpus.confine(pod, spec.name, config.linux.resources)
        return config

    def _of_volumes(
        self, pod: pod_pb2.Pod, spec: pod_pb2.Container, contents: VolumeContents, environment: Mapping[str, str]
    ) -> tuple[list[cri.Mount], list[cri.Device]]:
        """What the container mounts, and the devices that are volumes. Raises VolumeError, ConfigError, OSError."""
        volumes, persistent = self._context.volumes, contents.persistent_volumes
        return volumes.mounts(pod, spec, persistent, environment), volumes.devices(pod, spec, persistent)

    async def _target(self, pod: pod_pb2.Pod, name: str) -> str:
        """The id of the container whose processes an ephemeral one sees. Raises ConfigError when it does not run."""
        target = podspec.target_of(pod, name)
        if not target:
            return ""
        run = (await self._context.runtime.pod(pod.metadata.uid)).latest(target)
        if run is None or not run.alive:
            raise ConfigError(f'unable to find target container "{target}"')
        return run.id

    async def _read_config_objects(self, pod: pod_pb2.Pod) -> ConfigObjects:
        wanted = [*projected.config_references(pod)]
        for spec in containers.every(pod.spec):
            wanted.extend(references(spec))
        return await self._context.config_objects.read(pod.metadata.uid, pod.metadata.namespace, wanted)

    async def _tokens(self, pod: pod_pb2.Pod) -> dict[TokenProjection, str]:
        try:
            found = await self._context.tokens.read(pod, projected.token_projections(pod))
            return {wanted: token.token for wanted, token in found.items()}
        except (NotFound, Forbidden, Conflict) as error:  # not the node's fault
            raise VolumeError(f"MountVolume.SetUp failed: failed to fetch token: {error}") from error

    def _block(self, spec: pod_pb2.Container, reason: str, message: str, for_s: float) -> None:
        self._notes.blocked_starts[spec.name] = BlockedStart(reason, message, time.time() + for_s)
        self._event(spec, "Warning", "Failed", f"Error: {message}")

    def _block_sandbox(self, reason: str, message: str) -> None:
        before = self._notes.blocked_starts.get("")
        delay_s = (
            min(SANDBOX_RETRY_LIMIT_S, before.delay_s * 2)
            if before is not None
            else self._context.timings.first_sandbox_retry_s
        )
        self._notes.blocked_starts[""] = BlockedStart(reason, message, time.time() + delay_s, delay_s)
        self._callbacks.event("Warning", reason, message)

    def _event(self, spec: pod_pb2.Container, event_type: str, reason: str, message: str) -> None:
        self._callbacks.event(event_type, reason, message, container=spec.name)
