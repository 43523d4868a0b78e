"""A pod's volumes, and where containers mount them."""

from collections.abc import Container, Iterable

from master.apiserver.validation import syntax
from master.apiserver.validation.findings import Findings
from master.apiserver.validation.resources import check_quantity
from podlab.core.v1 import pod_pb2

_HOST_PATH_TYPES = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
_MODE_MAX = 0o777


def check_volumes(found: Findings, field: str, volumes: Iterable[pod_pb2.Volume]) -> frozenset[str]:
    """Check all volumes; return their names."""
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{field}[{index}]"
        if not volume.name:
            found.required(f"{where}.name")
        else:
            found.invalid(f"{where}.name", volume.name, *syntax.label(volume.name))
        if volume.name in names:
            found.duplicate(f"{where}.name", volume.name)
        names.add(volume.name)
        _check_source(found, where, volume.volumeSource)
    return frozenset(names)


def check_mounts(found: Findings, field: str, mounts: Iterable[pod_pb2.VolumeMount], volumes: Container[str]) -> None:
    """Each mount names a volume of the pod and has a path of its own."""
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{field}[{index}]"
        if not mount.name:
            found.required(f"{where}.name")
        elif mount.name not in volumes:
            found.not_found(f"{where}.name", mount.name)
        if not mount.mountPath:
            found.required(f"{where}.mountPath")
        elif mount.mountPath in paths:
            found.invalid(f"{where}.mountPath", mount.mountPath, "must be unique")
        elif ":" in mount.mountPath:
            found.invalid(f"{where}.mountPath", mount.mountPath, "must not contain ':'")
        paths.add(mount.mountPath)
        if mount.subPath:
            found.invalid(f"{where}.subPath", mount.subPath, *syntax.relative_path(mount.subPath))


def _check_source(found: Findings, field: str, source: pod_pb2.VolumeSource) -> None:
    given = [descriptor.name for descriptor, _ in source.ListFields()]
    if not given:
        found.required(field, "must specify a volume type")
    for extra in given[1:]:
        found.forbidden(f"{field}.{extra}", "may not specify more than 1 volume type")
    if source.HasField("hostPath"):
        _check_host_path(found, f"{field}.hostPath", source.hostPath)
    if source.HasField("emptyDir"):
        found.one_of(f"{field}.emptyDir.medium", source.emptyDir.medium, ("", "Memory"))
        if source.emptyDir.HasField("sizeLimit"):
            check_quantity(found, f"{field}.emptyDir.sizeLimit", source.emptyDir.sizeLimit)
    if source.HasField("secret"):
        if not source.secret.secretName:
            found.required(f"{field}.secret.secretName")
        _check_files(found, f"{field}.secret", source.secret)
    if source.HasField("configMap"):
        if not source.configMap.localObjectReference.name:
            found.required(f"{field}.configMap.name")
        _check_files(found, f"{field}.configMap", source.configMap)


def _check_host_path(found: Findings, field: str, source: pod_pb2.HostPathVolumeSource) -> None:
    if not source.path:
        found.required(f"{field}.path")
    found.invalid(f"{field}.path", source.path, *syntax.no_backsteps(source.path))
    found.one_of(f"{field}.type", source.type, _HOST_PATH_TYPES)


def _check_files(
    found: Findings, field: str, source: pod_pb2.SecretVolumeSource | pod_pb2.ConfigMapVolumeSource
) -> None:
    if source.HasField("defaultMode"):
        _check_mode(found, f"{field}.defaultMode", source.defaultMode)
    for index, item in enumerate(source.items):
        where = f"{field}.items[{index}]"
        if not item.key:
            found.required(f"{where}.key")
        if not item.path:
            found.required(f"{where}.path")
        else:
            found.invalid(f"{where}.path", item.path, *syntax.relative_path(item.path))
            if item.path.startswith(".."):
                found.invalid(f"{where}.path", item.path, "must not start with '..'")
        if item.HasField("mode"):
            _check_mode(found, f"{where}.mode", item.mode)


def _check_mode(found: Findings, field: str, mode: int) -> None:
    if not 0 <= mode <= _MODE_MAX:
        found.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")
