"""CRI's messages converted to the kubelet's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import orjson

from node.kubelet.cri.runtime import (
    CONTAINER_NAME,
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    Container,
    ContainerResources,
    ContainerState,
    ContainerUsage,
    ContainerUser,
    Image,
    RuntimeHandler,
    Sandbox,
    ShownImage,
)
from podlab.foreign.containerd.v1 import snapshots_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

DEFAULT_SNAPSHOTTER = "overlayfs"


def container(status: cri.ContainerStatus, sandbox_id: str) -> Container:
    """One run of a container."""
    return Container(
        id=status.id,
        sandbox_id=sandbox_id,
        name=status.labels[CONTAINER_NAME] or status.metadata.name,
        attempt=status.metadata.attempt,
        state=ContainerState(status.state),
        created_ns=status.created_at,
        image=status.image.image,
        image_id=status.image_ref,
        started_ns=status.started_at,
        finished_ns=status.finished_at,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        log_path=status.log_path,
        annotations=dict(status.annotations),
        resources=resources(status.resources.linux) if status.resources.HasField("linux") else None,
        user=user(status.user.linux) if status.user.HasField("linux") else None,
    )


def user(told: cri.LinuxContainerUser) -> ContainerUser:
    return ContainerUser(told.uid, told.gid, tuple(told.supplemental_groups))


def resources(told: cri.LinuxContainerResources) -> ContainerResources:
    """What of it a resize changes. Without a quota, runtimes tell 0 or a negative one."""
    return ContainerResources(told.cpu_shares, max(0, told.cpu_quota), max(0, told.memory_limit_in_bytes))


def image(item: cri.Image) -> Image:
    name = str(item.uid.value) if item.HasField("uid") else item.username
    return Image(item.id, (*item.repo_tags, *item.repo_digests), item.size, name)


def usage(stats: cri.ContainerStats) -> ContainerUsage:
    labels = stats.attributes.labels
    return ContainerUsage(
        container_id=stats.attributes.id,
        container_name=labels[CONTAINER_NAME],
        pod_uid=labels[POD_UID],
        pod_namespace=labels[POD_NAMESPACE],
        pod_name=labels[POD_NAME],
        timestamp_ns=stats.cpu.timestamp,
        cpu_ns=stats.cpu.usage_core_nano_seconds.value,
        memory_bytes=stats.memory.working_set_bytes.value,
        written_bytes=stats.writable_layer.used_bytes.value,
        written_inodes=stats.writable_layer.inodes_used.value,
    )


def sandbox_pid(info: Mapping[str, str]) -> int:
    """The pid of the sandbox's first process; 0 when it has none."""
    return int(orjson.loads(info.get("info") or "{}").get("pid") or 0)


def network_namespace(info: Mapping[str, str]) -> str:
    """The path of the sandbox's own; empty when it has none, as one in the host's network."""
    spec = orjson.loads(info.get("info") or "{}").get("runtimeSpec") or {}
    namespaces = (spec.get("linux") or {}).get("namespaces") or ()
    return next((str(each.get("path") or "") for each in namespaces if each.get("type") == "network"), "")


def topmost_layer(info: Mapping[str, str]) -> str:
    """That of an image, with all layers below it, by containerd's name for it; empty when nothing is known of it."""
    return str(orjson.loads(info.get("info") or "{}").get("chainID") or "")


def snapshotter(info: Mapping[str, str]) -> str:
    """The one that containerd keeps images' layers with."""
    told = orjson.loads(info.get("config") or "{}").get("containerd") or {}
    return str(told.get("snapshotter") or DEFAULT_SNAPSHOTTER)


def sandbox_image(info: Mapping[str, str]) -> str:
    """The image that containerd makes sandboxes of; empty when it does not say."""
    return str(orjson.loads(info.get("config") or "{}").get("sandboxImage") or "")


def handlers(answer: cri.StatusResponse) -> tuple[RuntimeHandler, ...]:
    """As the runtime tells them. One that does not has their names in its configuration, with that of the default one,
    which has none in pods; what they can do is not known then."""
    if answer.runtime_handlers:
        told = {each.name: each for each in answer.runtime_handlers}
        return tuple(_handler(told[name]) for name in sorted(told))
    configured = orjson.loads(answer.info.get("config") or "{}").get("containerd") or {}
    names = set(configured.get("runtimes") or ())
    if configured.get("defaultRuntimeName") in names:
        names.add("")
    return tuple(RuntimeHandler(name) for name in sorted(names))


def _handler(told: cri.RuntimeHandler) -> RuntimeHandler:
    if not told.HasField("features"):
        return RuntimeHandler(told.name)
    return RuntimeHandler(told.name, told.features.recursive_read_only_mounts, told.features.user_namespaces)


def shown_image(mounts: Sequence[snapshots_pb2.Mount]) -> ShownImage:
    """A snapshot takes one mount."""
    (mount,) = mounts
    return ShownImage(mount.type, mount.source, tuple(mount.options))


def unwritable(shown: ShownImage) -> ShownImage:
    """The same files without a place to write: an overlay's upper directory becomes its topmost lower one, since two
    mounts must not write to one."""
    values = dict(option.split("=", 1) for option in shown.options if "=" in option)
    if shown.kind != "overlay" or "upperdir" not in values:
        return shown
    lower = f"lowerdir={values['upperdir']}:{values['lowerdir']}"
    kept = [each for each in shown.options if not each.startswith(("upperdir=", "workdir=", "lowerdir="))]
    return ShownImage(shown.kind, shown.source, (*kept, lower))


N = TypeVar("N", Sandbox, Container)


def newest(items: Iterable[N]) -> tuple[N, ...]:
    """The newest attempt first."""
    return tuple(sorted(items, key=lambda item: (item.attempt, item.created_ns), reverse=True))
