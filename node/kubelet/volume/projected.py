"""The files of configMap, secret, downwardAPI and projected volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import orjson

from node.kubelet.containerconfig.environment import (
    ConfigError,
    ConfigObjects,
    ConfigReference,
    data,
    field_value,
    resource_value,
)
from node.kubelet.volume import atomic_writer
from node.kubelet.volume.atomic_writer import FileProjection
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.meta.v1 import meta_pb2

_TOKEN_MODE = 0o600
_MAPS = {"metadata.labels": "labels", "metadata.annotations": "annotations"}


@dataclass(frozen=True)
class TokenProjection:
    """A token of the pod's service account, as one of its volumes requests it."""

    audience: str
    lifetime_s: int


@dataclass(frozen=True)
class VolumeContents:
    """What volumes are made of beside the pod itself. Missing ConfigMaps and Secrets are None."""

    config_objects: ConfigObjects = field(default_factory=dict)
    tokens: Mapping[TokenProjection, str] = field(default_factory=dict)
    # For limits of containers that have none.
    allocatable: Mapping[str, meta_pb2.Quantity] = field(default_factory=dict)
    # Of the pod's claims, by the names of its volumes.
    persistent_volumes: Mapping[str, PersistentVolume] = field(default_factory=dict)


def config_references(pod: pod_pb2.Pod) -> Iterator[ConfigReference]:
    """The ConfigMaps and Secrets that the pod mounts."""
    for volume in pod.spec.volumes:
        source = volume.volumeSource
        if source.HasField("configMap"):
            yield _config_map(source.configMap)
        if source.HasField("secret"):
            yield ConfigReference(config_pb2.Secret, source.secret.secretName)
        for part in source.projected.sources:
            if part.HasField("configMap"):
                yield _config_map(part.configMap)
            if part.HasField("secret"):
                yield ConfigReference(config_pb2.Secret, part.secret.localObjectReference.name)


def token_projections(pod: pod_pb2.Pod) -> Iterator[TokenProjection]:
    """The tokens that the pod mounts."""
    for volume in pod.spec.volumes:
        for part in volume.volumeSource.projected.sources:
            if part.HasField("serviceAccountToken"):
                yield _token_projection(part.serviceAccountToken)


def uses_downward_api(pod: pod_pb2.Pod) -> bool:
    """Whether files may show the pod's labels and annotations."""
    sources = [volume.volumeSource for volume in pod.spec.volumes]
    return any(
        source.HasField("downwardAPI") or any(part.HasField("downwardAPI") for part in source.projected.sources)
        for source in sources
    )


def is_projected(source: pod_pb2.VolumeSource) -> bool:
    """Whether the kubelet writes the volume's files. Containers cannot change them."""
    return any(source.HasField(name) for name in ("configMap", "secret", "downwardAPI", "projected"))


def files(pod: pod_pb2.Pod, source: pod_pb2.VolumeSource, contents: VolumeContents) -> dict[str, FileProjection]:
    """The files by relative path, readable by the pod's fsGroup. Raises ConfigError."""
    if source.HasField("configMap"):
        made = _keys(_config_map(source.configMap), source.configMap, _mode(source.configMap), contents)
    elif source.HasField("secret"):
        reference = ConfigReference(config_pb2.Secret, source.secret.secretName)
        made = _keys(reference, source.secret, _mode(source.secret), contents)
    elif source.HasField("downwardAPI"):
        made = _downward(pod, source.downwardAPI.items, _mode(source.downwardAPI), contents)
    else:
        made = {}
        for part in source.projected.sources:
            made.update(_part(pod, part, _mode(source.projected), contents))
    if not pod.spec.securityContext.HasField("fsGroup"):
        return made
    group = pod.spec.securityContext.fsGroup
    return {path: replace(file, mode=file.mode | 0o440, group=group) for path, file in made.items()}


def _part(
    pod: pod_pb2.Pod, part: pod_pb2.VolumeProjection, mode: int, contents: VolumeContents
) -> dict[str, FileProjection]:
    if part.HasField("configMap"):
        return _keys(_config_map(part.configMap), part.configMap, mode, contents)
    if part.HasField("secret"):
        reference = ConfigReference(config_pb2.Secret, part.secret.localObjectReference.name)
        return _keys(reference, part.secret, mode, contents)
    if part.HasField("downwardAPI"):
        return _downward(pod, part.downwardAPI.items, mode, contents)
    return {part.serviceAccountToken.path: _token_file(pod, part.serviceAccountToken, mode, contents)}


def _keys(
    reference: ConfigReference,
    source: pod_pb2.ConfigMapVolumeSource
    | pod_pb2.SecretVolumeSource
    | pod_pb2.ConfigMapProjection
    | pod_pb2.SecretProjection,
    mode: int,
    contents: VolumeContents,
) -> dict[str, FileProjection]:
    config = contents.config_objects.get(reference)
    if config is None and not source.optional:
        raise ConfigError(f"{reference} not found")
    keys = data(config) if config is not None else {}
    return atomic_writer.project_keys(
        keys, source.items, mode, optional=source.optional or config is None, name=str(reference)
    )


def _downward(
    pod: pod_pb2.Pod, items: Iterable[pod_pb2.DownwardAPIVolumeFile], mode: int, contents: VolumeContents
) -> dict[str, FileProjection]:
    return {
        item.path: FileProjection(
            _downward_value(pod, item, contents).encode(), item.mode if item.HasField("mode") else mode
        )
        for item in items
    }


def _downward_value(pod: pod_pb2.Pod, item: pod_pb2.DownwardAPIVolumeFile, contents: VolumeContents) -> str:
    if item.HasField("resourceFieldRef"):
        return resource_value(pod, None, item.resourceFieldRef, contents.allocatable)
    path = item.fieldRef.fieldPath
    if path in _MAPS:
        entries: Mapping[str, str] = getattr(pod.metadata, _MAPS[path])
        # The values are quoted, as in Kubernetes, so that a line is an entry.
        return "\n".join(f"{key}={orjson.dumps(value).decode()}" for key, value in sorted(entries.items()))
    return field_value(pod, path, None)


def _token_file(
    pod: pod_pb2.Pod, token: pod_pb2.ServiceAccountTokenProjection, mode: int, contents: VolumeContents
) -> FileProjection:
    """Only the owner may read it when all containers run as one user, or when the pod has an fsGroup."""
    found = contents.tokens.get(_token_projection(token))
    if found is None:
        raise ConfigError("the service account token is not here yet")
    user = _only_user(pod)
    private = user is not None or pod.spec.securityContext.HasField("fsGroup")
    return FileProjection(found.encode(), _TOKEN_MODE if private else mode, owner=user or 0)


def _only_user(pod: pod_pb2.Pod) -> int | None:
    """The user that all containers run as; None when they differ, or when the images choose."""
    of_pod = pod.spec.securityContext.runAsUser if pod.spec.securityContext.HasField("runAsUser") else None
    users = {
        each.securityContext.runAsUser if each.securityContext.HasField("runAsUser") else of_pod
        for each in (*pod.spec.initContainers, *pod.spec.containers)
    }
    return users.pop() if len(users) == 1 else None


def _config_map(reference: pod_pb2.ConfigMapVolumeSource | pod_pb2.ConfigMapProjection) -> ConfigReference:
    return ConfigReference(config_pb2.ConfigMap, reference.localObjectReference.name)


def _token_projection(token: pod_pb2.ServiceAccountTokenProjection) -> TokenProjection:
    return TokenProjection(token.audience, token.expirationSeconds)


def _mode(
    source: pod_pb2.ConfigMapVolumeSource
    | pod_pb2.SecretVolumeSource
    | pod_pb2.DownwardAPIVolumeSource
    | pod_pb2.ProjectedVolumeSource,
) -> int:
    return source.defaultMode if source.HasField("defaultMode") else atomic_writer.DEFAULT_MODE
