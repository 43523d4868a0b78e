"""Persistent volumes, and the classes that volumes are made and changed by."""

from collections.abc import Mapping

from podlab.core.v1 import reference_pb2, topology_pb2, volume_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.placement import check_node_selector
from podlab.kinds.validation.pods.volumes import check_host_path
from podlab.kinds.validation.storage.claims import VOLUME_MODES, check_access_modes, check_amounts
from podlab.kinds.validation.storage.drivernames import check_driver_name
from podlab.storage.v1 import storageclass_pb2, volumeattributesclass_pb2

_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_SOURCES = ("hostPath", "nfs", "local", "csi")
_PARAMETERS_MAX = 512
_PARAMETERS_BYTES = 256 << 10


def check_volume(found: Findings, volume: volume_pb2.PersistentVolume) -> None:
    """A PersistentVolume, whichever way it comes."""
    spec = volume.spec
    if not spec.accessModes:
        found.required("spec.accessModes")
    check_access_modes(found, "spec.accessModes", spec.accessModes)
    if not spec.capacity:
        found.required("spec.capacity")
    elif set(spec.capacity) != {"storage"}:
        found.unsupported("spec.capacity", ", ".join(sorted(spec.capacity)), ("storage",))
    check_amounts(found, "spec.capacity", spec.capacity)
    _check_source(found, spec)
    found.one_of("spec.persistentVolumeReclaimPolicy", spec.persistentVolumeReclaimPolicy, _RECLAIM_POLICIES)
    if spec.persistentVolumeReclaimPolicy == "Recycle" and spec.persistentVolumeSource.hostPath.path == "/":
        rule = "may not be 'recycle' for a hostPath mount of '/'"
        found.forbidden("spec.persistentVolumeReclaimPolicy", rule)
    if spec.storageClassName:
        found.invalid("spec.storageClassName", spec.storageClassName, *syntax.subdomain(spec.storageClassName))
    found.one_of("spec.volumeMode", spec.volumeMode, VOLUME_MODES)
    for index, option in enumerate(spec.mountOptions):
        if not option:
            found.required(f"spec.mountOptions[{index}]")
    if spec.HasField("nodeAffinity"):
        if spec.nodeAffinity.HasField("required"):
            check_node_selector(found, "spec.nodeAffinity.required", spec.nodeAffinity.required)
        else:
            found.required("spec.nodeAffinity.required", "must specify required node constraints")


def check_volume_update(found: Findings, new: volume_pb2.PersistentVolume, old: volume_pb2.PersistentVolume) -> None:
    """What is behind a volume stays: data would be lost, or be somebody else's."""
    if new.spec.persistentVolumeSource != old.spec.persistentVolumeSource:
        found.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
    found.immutable("spec.volumeMode", new.spec.volumeMode, old.spec.volumeMode, new.spec.volumeMode)
    if old.spec.HasField("nodeAffinity") and new.spec.nodeAffinity != old.spec.nodeAffinity:
        found.invalid("spec.nodeAffinity", None, "field is immutable")


def check_storage_class(found: Findings, given: storageclass_pb2.StorageClass) -> None:
    """A StorageClass, whichever way it comes."""
    _check_provisioner(found, "provisioner", given.provisioner)
    _check_parameters(found, given.parameters)
    found.one_of("reclaimPolicy", given.reclaimPolicy, ("Delete", "Retain"))
    found.one_of("volumeBindingMode", given.volumeBindingMode, ("Immediate", "WaitForFirstConsumer"))
    for index, option in enumerate(given.mountOptions):
        if not option:
            found.required(f"mountOptions[{index}]")
    for index, term in enumerate(given.allowedTopologies):
        _check_topology(found, f"allowedTopologies[{index}].matchLabelExpressions", term)


def check_storage_class_update(
    found: Findings, new: storageclass_pb2.StorageClass, old: storageclass_pb2.StorageClass
) -> None:
    """Volumes of the class have been made so. Whether claims may grow can be said later."""
    for field in ("parameters", "provisioner", "reclaimPolicy"):
        if getattr(new, field) != getattr(old, field):
            found.forbidden(field, f"updates to {field} are forbidden.")
    found.immutable("volumeBindingMode", new.volumeBindingMode, old.volumeBindingMode, new.volumeBindingMode)


def check_attributes_class(found: Findings, given: volumeattributesclass_pb2.VolumeAttributesClass) -> None:
    """A VolumeAttributesClass, whichever way it comes."""
    _check_provisioner(found, "driverName", given.driverName)
    if not given.parameters:
        found.required("parameters", "must contain at least one key/value pair")
    _check_parameters(found, given.parameters)


def check_attributes_class_update(
    found: Findings,
    new: volumeattributesclass_pb2.VolumeAttributesClass,
    old: volumeattributesclass_pb2.VolumeAttributesClass,
) -> None:
    """Volumes have been made what it says."""
    for field in ("driverName", "parameters"):
        if getattr(new, field) != getattr(old, field):
            found.forbidden(field, f"updates to {field} are forbidden.")


def _check_provisioner(found: Findings, field: str, name: str) -> None:
    if not name:
        found.required(field)
    else:
        found.invalid(field, name, *syntax.qualified_name(name.lower()))


def _check_parameters(found: Findings, parameters: Mapping[str, str]) -> None:
    if len(parameters) > _PARAMETERS_MAX:
        found.invalid("parameters", len(parameters), f"must have at most {_PARAMETERS_MAX} items")
    if "" in parameters:
        found.invalid("parameters", "", "field can not be empty.")
    if sum(len(key) + len(value) for key, value in parameters.items()) > _PARAMETERS_BYTES:
        found.too_long("parameters", _PARAMETERS_BYTES)


def _check_source(found: Findings, spec: volume_pb2.PersistentVolumeSpec) -> None:
    source = spec.persistentVolumeSource
    given = [descriptor.name for descriptor, _ in source.ListFields()]
    if not given:
        found.required("spec", f"must specify a volume type: one of {', '.join(_SOURCES)}")
    for extra in given[1:]:
        found.forbidden(f"spec.{extra}", "may not specify more than 1 volume type")
    if source.HasField("hostPath"):
        check_host_path(found, "spec.hostPath", source.hostPath)
    if source.HasField("nfs"):
        for field in ("server", "path"):
            if not getattr(source.nfs, field):
                found.required(f"spec.nfs.{field}")
        if source.nfs.path and not source.nfs.path.startswith("/"):
            found.invalid("spec.nfs.path", source.nfs.path, "must be an absolute path")
    if source.HasField("local"):
        _check_local(found, spec)
    if source.HasField("csi"):
        _check_csi(found, "spec.csi", source.csi)


def _check_csi(found: Findings, field: str, source: volume_pb2.CSIPersistentVolumeSource) -> None:
    check_driver_name(found, f"{field}.driver", source.driver)
    if not source.volumeHandle:
        found.required(f"{field}.volumeHandle")
    for described, secret in source.ListFields():
        if isinstance(secret, reference_pb2.SecretReference):
            for part, given in (("name", secret.name), ("namespace", secret.namespace)):
                if not given:
                    found.required(f"{field}.{described.name}.{part}")


def _check_local(found: Findings, spec: volume_pb2.PersistentVolumeSpec) -> None:
    local = spec.persistentVolumeSource.local
    if not local.path:
        found.required("spec.local.path")
    found.invalid("spec.local.path", local.path, *syntax.no_backsteps(local.path))
    if local.HasField("fsType") and not local.fsType:
        found.required("spec.local.fsType")
    if not spec.HasField("nodeAffinity"):
        found.required("spec.nodeAffinity", "Local volume requires node affinity")


def _check_topology(found: Findings, field: str, term: topology_pb2.TopologySelectorTerm) -> None:
    keys: set[str] = set()
    for index, requirement in enumerate(term.matchLabelExpressions):
        where = f"{field}[{index}]"
        found.invalid(f"{where}.key", requirement.key, *syntax.qualified_name(requirement.key))
        if requirement.key in keys:
            found.duplicate(f"{where}.key", requirement.key)
        keys.add(requirement.key)
        if not requirement.values:
            found.required(f"{where}.values")
        values = list(requirement.values)
        for place, value in enumerate(values):
            if value in values[:place]:
                found.duplicate(f"{where}.values[{place}]", value)
