"""A pod's volumes, and where containers mount them."""

from collections.abc import Container as Holder
from collections.abc import Iterable

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.resources import check_quantity
from podlab.kinds.validation.pods.volumefiles import check_downward, check_items, check_mode, check_projected
from podlab.kinds.validation.storage.claims import check_claim_template
from podlab.kinds.validation.storage.drivernames import check_driver_name

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_HOST_PATH_TYPES = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")


def check_volumes(
    found: Findings, field: str, volumes: Iterable[pod_pb2.Volume], *, of_template: bool
) -> frozenset[str]:
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
        _check_source(found, where, volume.volumeSource, of_template=of_template)
    return frozenset(names)


def check_mounts(found: Findings, field: str, container: pod_pb2.Container, volumes: Holder[str]) -> None:
    """Each mount names a volume of the pod and has a path of its own."""
    paths: set[str] = set()
    devices = {device.name for device in container.volumeDevices}
    device_paths = {device.devicePath for device in container.volumeDevices}
    for index, mount in enumerate(container.volumeMounts):
        where = f"{field}[{index}]"
        if not mount.name:
            found.required(f"{where}.name")
        elif mount.name not in volumes:
            found.not_found(f"{where}.name", mount.name)
        if not mount.mountPath:
            found.required(f"{where}.mountPath")
        elif mount.mountPath in paths:
            found.invalid(f"{where}.mountPath", mount.mountPath, "must be unique")
        paths.add(mount.mountPath)
        if mount.name in devices:
            found.invalid(f"{where}.name", mount.name, "must not already exist in volumeDevices")
        if mount.mountPath in device_paths:
            found.invalid(f"{where}.mountPath", mount.mountPath, "must not already exist as a path in volumeDevices")
        _check_sub_path(found, where, mount)
        if mount.HasField("mountPropagation"):
            _check_propagation(found, f"{where}.mountPropagation", mount, container)


def claimed(volumes: Iterable[pod_pb2.Volume]) -> frozenset[str]:
    """The names of those that have claims: these alone can be devices."""
    sources = ((one.name, one.volumeSource) for one in volumes)
    return frozenset(
        name for name, source in sources if source.HasField("persistentVolumeClaim") or source.HasField("ephemeral")
    )


def check_devices(
    found: Findings, field: str, container: pod_pb2.Container, volumes: Holder[str], claimed: Holder[str]
) -> None:
    """Each names a volume with a claim, and has a path of its own."""
    mounted = {mount.name for mount in container.volumeMounts}
    paths = {mount.mountPath for mount in container.volumeMounts}
    names: set[str] = set()
    own_paths: set[str] = set()
    for index, device in enumerate(container.volumeDevices):
        where = f"{field}[{index}]"
        _check_device_name(found, f"{where}.name", device.name, volumes, claimed)
        if device.name and device.name in names:
            found.invalid(f"{where}.name", device.name, "must be unique")
        if device.name in mounted:
            found.invalid(f"{where}.name", device.name, "must not already exist in volumeMounts")
        path = device.devicePath
        if not path:
            found.required(f"{where}.devicePath")
        elif path in own_paths:
            found.invalid(f"{where}.devicePath", path, "must be unique")
        elif ".." in path.split("/"):
            found.invalid(f"{where}.devicePath", path, "can not contain backsteps ('..')")
        if path in paths:
            found.invalid(f"{where}.devicePath", path, "must not already exist as a path in volumeMounts")
        names.add(device.name)
        own_paths.add(path)


def _check_device_name(found: Findings, field: str, name: str, volumes: Holder[str], claimed: Holder[str]) -> None:
    if not name:
        found.required(field)
    elif name not in volumes:
        found.not_found(field, name)
    elif name not in claimed:
        found.invalid(field, name, "can only use volume source type of PersistentVolumeClaim for block mode")


def _check_sub_path(found: Findings, field: str, mount: pod_pb2.VolumeMount) -> None:
    if mount.subPath:
        found.invalid(f"{field}.subPath", mount.subPath, *syntax.relative_path(mount.subPath))
    if mount.subPathExpr:
        if mount.subPath:
            found.invalid(f"{field}.subPathExpr", mount.subPathExpr, "subPathExpr and subPath are mutually exclusive")
        found.invalid(f"{field}.subPathExpr", mount.subPathExpr, *syntax.relative_path(mount.subPathExpr))


def _check_propagation(found: Findings, field: str, mount: pod_pb2.VolumeMount, container: pod_pb2.Container) -> None:
    found.one_of(field, mount.mountPropagation, _PROPAGATIONS)
    if mount.mountPropagation == "Bidirectional" and not container.securityContext.privileged:
        found.forbidden(field, "Bidirectional mount propagation is available only to privileged containers")


def _check_image(found: Findings, field: str, source: pod_pb2.ImageVolumeSource, *, of_template: bool) -> None:
    """What pods are made from may leave it open which image it is."""
    if not source.reference and not of_template:
        found.required(f"{field}.reference")
    found.one_of(f"{field}.pullPolicy", source.pullPolicy, _PULL_POLICIES)


def _check_source(found: Findings, field: str, source: pod_pb2.VolumeSource, *, of_template: bool) -> None:
    given = [descriptor.name for descriptor, _ in source.ListFields()]
    if not given:
        found.required(field, "must specify a volume type")
    for extra in given[1:]:
        found.forbidden(f"{field}.{extra}", "may not specify more than 1 volume type")
    if source.HasField("hostPath"):
        check_host_path(found, f"{field}.hostPath", source.hostPath)
    # Of any medium: which there are is known to the node.
    if source.HasField("emptyDir") and source.emptyDir.HasField("sizeLimit"):
        check_quantity(found, f"{field}.emptyDir.sizeLimit", source.emptyDir.sizeLimit)
    if source.HasField("persistentVolumeClaim") and not source.persistentVolumeClaim.claimName:
        found.required(f"{field}.persistentVolumeClaim.claimName")
    if source.HasField("csi"):
        check_driver_name(found, f"{field}.csi.driver", source.csi.driver)
        if source.csi.HasField("nodePublishSecretRef") and not source.csi.nodePublishSecretRef.name:
            found.required(f"{field}.csi.nodePublishSecretRef.name")
    if source.HasField("image"):
        _check_image(found, f"{field}.image", source.image, of_template=of_template)
    if source.HasField("ephemeral"):
        where = f"{field}.ephemeral.volumeClaimTemplate"
        if source.ephemeral.HasField("volumeClaimTemplate"):
            check_claim_template(found, where, source.ephemeral.volumeClaimTemplate)
        else:
            found.required(where)
    _check_written(found, field, source)


def _check_written(found: Findings, field: str, source: pod_pb2.VolumeSource) -> None:
    """Volumes whose files the kubelet writes."""
    if source.HasField("secret"):
        if not source.secret.secretName:
            found.required(f"{field}.secret.secretName")
        check_items(found, f"{field}.secret.items", source.secret.items)
    if source.HasField("configMap"):
        if not source.configMap.localObjectReference.name:
            found.required(f"{field}.configMap.name")
        check_items(found, f"{field}.configMap.items", source.configMap.items)
    if source.HasField("downwardAPI"):
        check_downward(found, f"{field}.downwardAPI.items", source.downwardAPI.items)
    if source.HasField("projected"):
        check_projected(found, f"{field}.projected", source.projected)
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if source.HasField(name) and getattr(source, name).HasField("defaultMode"):
            check_mode(found, f"{field}.{name}.defaultMode", getattr(source, name).defaultMode)


def check_host_path(found: Findings, field: str, source: pod_pb2.HostPathVolumeSource) -> None:
    """A directory of the node, behind a pod's volume or a persistent one."""
    if not source.path:
        found.required(f"{field}.path")
    found.invalid(f"{field}.path", source.path, *syntax.no_backsteps(source.path))
    found.one_of(f"{field}.type", source.type, _HOST_PATH_TYPES)
