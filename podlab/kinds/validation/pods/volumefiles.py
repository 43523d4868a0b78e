"""The files of volumes that the kubelet writes: of ConfigMaps, Secrets, the downward API and tokens."""

from collections.abc import Iterable, Iterator

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.environment import check_field, check_resource

_MODE_MAX = 0o777
_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_TOKEN_MIN_S, _TOKEN_MAX_S = 600, 1 << 32


def check_items(found: Findings, field: str, items: Iterable[pod_pb2.KeyToPath]) -> None:
    """Keys that become files."""
    for index, item in enumerate(items):
        where = f"{field}[{index}]"
        if not item.key:
            found.required(f"{where}.key")
        _check_path(found, f"{where}.path", item.path)
        if item.HasField("mode"):
            check_mode(found, f"{where}.mode", item.mode)


def check_downward(found: Findings, field: str, files: Iterable[pod_pb2.DownwardAPIVolumeFile]) -> None:
    """Files that tell of the pod itself."""
    for index, file in enumerate(files):
        where = f"{field}[{index}]"
        _check_path(found, f"{where}.path", file.path)
        if file.HasField("fieldRef"):
            check_field(found, f"{where}.fieldRef", file.fieldRef, _FIELDS)
            if file.HasField("resourceFieldRef"):
                found.invalid(where, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
        elif file.HasField("resourceFieldRef"):
            if not file.resourceFieldRef.containerName:
                found.required(f"{where}.resourceFieldRef.containerName")
            check_resource(found, f"{where}.resourceFieldRef", file.resourceFieldRef)
        else:
            found.required(where, "one of fieldRef and resourceFieldRef is required")
        if file.HasField("mode"):
            check_mode(found, f"{where}.mode", file.mode)


def check_projected(found: Findings, field: str, volume: pod_pb2.ProjectedVolumeSource) -> None:
    """All parts of the volume; no two of them make the same file."""
    taken: set[str] = set()
    for index, part in enumerate(volume.sources):
        where = f"{field}.sources[{index}]"
        given = [descriptor.name for descriptor, _ in part.ListFields()]
        if not given:
            found.required(where, "must specify a projection type")
        elif len(given) > 1:
            found.forbidden(where, "may not specify more than 1 volume type")
        _check_part(found, where, part)
        for of, path in _paths(part):
            if path and path in taken:
                found.invalid(field, of or path, "conflicting duplicate paths")
            taken.add(path)


def check_mode(found: Findings, field: str, mode: int) -> None:
    """Permission bits of a file."""
    if not 0 <= mode <= _MODE_MAX:
        found.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _check_part(found: Findings, field: str, part: pod_pb2.VolumeProjection) -> None:
    if part.HasField("secret"):
        _check_keys(found, f"{field}.secret", part.secret)
    if part.HasField("configMap"):
        _check_keys(found, f"{field}.configMap", part.configMap)
    if part.HasField("downwardAPI"):
        check_downward(found, f"{field}.downwardAPI.items", part.downwardAPI.items)
    if part.HasField("serviceAccountToken"):
        _check_token(found, f"{field}.serviceAccountToken", part.serviceAccountToken)


def _check_keys(found: Findings, field: str, part: pod_pb2.SecretProjection | pod_pb2.ConfigMapProjection) -> None:
    if not part.localObjectReference.name:
        found.required(f"{field}.name")
    check_items(found, f"{field}.items", part.items)


def _check_token(found: Findings, field: str, token: pod_pb2.ServiceAccountTokenProjection) -> None:
    if token.expirationSeconds < _TOKEN_MIN_S:
        rule = "may not specify a duration less than 10 minutes"
        found.invalid(f"{field}.expirationSeconds", token.expirationSeconds, rule)
    if token.expirationSeconds > _TOKEN_MAX_S:
        rule = "may not specify a duration larger than 2^32 seconds"
        found.invalid(f"{field}.expirationSeconds", token.expirationSeconds, rule)
    _check_path(found, f"{field}.path", token.path)


def _check_path(found: Findings, field: str, path: str) -> None:
    if not path:
        found.required(field)
        return
    found.invalid(field, path, *syntax.relative_path(path))
    if path.startswith("..") and not path.startswith("../"):  # which climbs, and was told so
        found.invalid(field, path, "must not start with '..'")


def _paths(part: pod_pb2.VolumeProjection) -> Iterator[tuple[str, str]]:
    """The files that are named, each after the object that it is of, if any.

    Those of whole ConfigMaps and Secrets are not known here.
    """
    for keys in (part.secret, part.configMap):
        for item in keys.items:
            yield keys.localObjectReference.name, item.path
    for file in part.downwardAPI.items:
        yield "", file.path
    yield "", part.serviceAccountToken.path
