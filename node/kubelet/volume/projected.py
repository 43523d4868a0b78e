"""Which files a volume that the kubelet writes holds: of ConfigMaps, Secrets, the downward API, tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import orjson

from node.kubelet.containerconfig.environment import ConfigError, Found, Source, data, field_value, resource_value
from node.kubelet.volume import atomic_writer
from node.kubelet.volume.atomic_writer import File
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.meta.v1 import meta_pb2

_TOKEN_MODE = 0o600
_MAPS = {"metadata.labels": "labels", "metadata.annotations": "annotations"}


@dataclass(frozen=True)
class WantedToken:
    """A token of the pod's service account, as one of its volumes asks for it."""

    audience: str
    lifetime_s: int


@dataclass(frozen=True)
class Contents:
    """What volumes are made of besides the pod itself. Missing ConfigMaps and Secrets are None."""

    found: Found = field(default_factory=dict)
    tokens: Mapping[WantedToken, str] = field(default_factory=dict)
    # For limits of containers that have none.
    allocatable: Mapping[str, meta_pb2.Quantity] = field(default_factory=dict)
    # What is behind the pod's claims, by the names of its volumes.
    claimed: Mapping[str, PersistentVolume] = field(default_factory=dict)


def sources(pod: pod_pb2.Pod) -> Iterator[Source]:
    """The ConfigMaps and Secrets that the pod mounts."""
    for volume in pod.spec.volumes:
        origin = volume.volumeSource
        if origin.HasField("configMap"):
            yield _config_map(origin.configMap)
        if origin.HasField("secret"):
            yield Source(config_pb2.Secret, origin.secret.secretName)
        for part in origin.projected.sources:
            if part.HasField("configMap"):
                yield _config_map(part.configMap)
            if part.HasField("secret"):
                yield Source(config_pb2.Secret, part.secret.localObjectReference.name)


def tokens(pod: pod_pb2.Pod) -> Iterator[WantedToken]:
    """The tokens that the pod mounts."""
    for volume in pod.spec.volumes:
        for part in volume.volumeSource.projected.sources:
            if part.HasField("serviceAccountToken"):
                yield _wanted(part.serviceAccountToken)


def tells_of_itself(pod: pod_pb2.Pod) -> bool:
    """Whether files follow the pod's labels and annotations."""
    origins = [volume.volumeSource for volume in pod.spec.volumes]
    return any(
        origin.HasField("downwardAPI") or any(part.HasField("downwardAPI") for part in origin.projected.sources)
        for origin in origins
    )


def is_written(origin: pod_pb2.VolumeSource) -> bool:
    """Whether the kubelet writes the volume's files, which are not the container's to change."""
    return any(origin.HasField(name) for name in ("configMap", "secret", "downwardAPI", "projected"))


def files(pod: pod_pb2.Pod, origin: pod_pb2.VolumeSource, contents: Contents) -> dict[str, File]:
    """The files of such a volume by relative path, with the access that the pod's group needs. Raises ConfigError."""
    if origin.HasField("configMap"):
        made = _keys(_config_map(origin.configMap), origin.configMap, _mode(origin.configMap), contents)
    elif origin.HasField("secret"):
        source = Source(config_pb2.Secret, origin.secret.secretName)
        made = _keys(source, origin.secret, _mode(origin.secret), contents)
    elif origin.HasField("downwardAPI"):
        made = _downward(pod, origin.downwardAPI.items, _mode(origin.downwardAPI), contents)
    else:
        made = {}
        for part in origin.projected.sources:
            made.update(_part(pod, part, _mode(origin.projected), contents))
    if not pod.spec.securityContext.HasField("fsGroup"):
        return made
    group = pod.spec.securityContext.fsGroup
    return {path: replace(file, mode=file.mode | 0o440, group=group) for path, file in made.items()}


def _part(pod: pod_pb2.Pod, part: pod_pb2.VolumeProjection, mode: int, contents: Contents) -> dict[str, File]:
    if part.HasField("configMap"):
        return _keys(_config_map(part.configMap), part.configMap, mode, contents)
    if part.HasField("secret"):
        source = Source(config_pb2.Secret, part.secret.localObjectReference.name)
        return _keys(source, part.secret, mode, contents)
    if part.HasField("downwardAPI"):
        return _downward(pod, part.downwardAPI.items, mode, contents)
    return {part.serviceAccountToken.path: _token_file(pod, part.serviceAccountToken, mode, contents)}


def _keys(
    source: Source,
    reference: pod_pb2.ConfigMapVolumeSource
    | pod_pb2.SecretVolumeSource
    | pod_pb2.ConfigMapProjection
    | pod_pb2.SecretProjection,
    mode: int,
    contents: Contents,
) -> dict[str, File]:
    config = contents.found.get(source)
    if config is None and not reference.optional:
        raise ConfigError(f"{source} not found")
    keys = data(config) if config is not None else {}
    return atomic_writer.project(keys, reference.items, mode, reference.optional or config is None, str(source))


def _downward(
    pod: pod_pb2.Pod, items: Iterable[pod_pb2.DownwardAPIVolumeFile], mode: int, contents: Contents
) -> dict[str, File]:
    return {
        item.path: File(_told(pod, item, contents).encode(), item.mode if item.HasField("mode") else mode)
        for item in items
    }


def _told(pod: pod_pb2.Pod, item: pod_pb2.DownwardAPIVolumeFile, contents: Contents) -> str:
    if item.HasField("resourceFieldRef"):
        return resource_value(pod, None, item.resourceFieldRef, contents.allocatable)
    path = item.fieldRef.fieldPath
    if path in _MAPS:
        entries: Mapping[str, str] = getattr(pod.metadata, _MAPS[path])
        # As Kubernetes writes them: the values quoted, so that a line is an entry.
        return "\n".join(f"{key}={orjson.dumps(value).decode()}" for key, value in sorted(entries.items()))
    return field_value(pod, path, None)


def _token_file(pod: pod_pb2.Pod, token: pod_pb2.ServiceAccountTokenProjection, mode: int, contents: Contents) -> File:
    """Its owner's alone where all containers are the same user's; a group is let in with the others' files."""
    found = contents.tokens.get(_wanted(token))
    if found is None:
        raise ConfigError("the service account token is not here yet")
    user = _only_user(pod)
    private = user is not None or pod.spec.securityContext.HasField("fsGroup")
    return File(found.encode(), _TOKEN_MODE if private else mode, owner=user or 0)


def _only_user(pod: pod_pb2.Pod) -> int | None:
    """The user whose all containers are; None when they are several, or the images' own."""
    of_pod = pod.spec.securityContext.runAsUser if pod.spec.securityContext.HasField("runAsUser") else None
    users = {
        one.securityContext.runAsUser if one.securityContext.HasField("runAsUser") else of_pod
        for one in (*pod.spec.initContainers, *pod.spec.containers)
    }
    return users.pop() if len(users) == 1 else None


def _config_map(reference: pod_pb2.ConfigMapVolumeSource | pod_pb2.ConfigMapProjection) -> Source:
    return Source(config_pb2.ConfigMap, reference.localObjectReference.name)


def _wanted(token: pod_pb2.ServiceAccountTokenProjection) -> WantedToken:
    return WantedToken(token.audience, token.expirationSeconds)


def _mode(
    origin: pod_pb2.ConfigMapVolumeSource
    | pod_pb2.SecretVolumeSource
    | pod_pb2.DownwardAPIVolumeSource
    | pod_pb2.ProjectedVolumeSource,
) -> int:
    return origin.defaultMode if origin.HasField("defaultMode") else atomic_writer.DEFAULT_MODE
