"""What a driver is told of a volume. Pure; words and keys are those of Kubernetes' kubelet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.volume.csi.driver import Capability
from node.kubelet.volume.projected import TokenProjection
from node.kubelet.volume.token_manager import Token
from node.kubelet.volume.volume_manager import BLOCK_VOLUMES
from podlab.api.pods.attachments import is_attached_by
from podlab.api.values import times
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.foreign.csi.v1 import csi_pb2
from podlab.meta.v1.meta_pb2 import Time
from podlab.storage.v1 import csi_pb2 as storage

_Mode = csi_pb2.VolumeCapability.AccessMode
_MODES = {
    "ReadWriteOnce": _Mode.SINGLE_NODE_WRITER,
    "ReadOnlyMany": _Mode.MULTI_NODE_READER_ONLY,
    "ReadWriteMany": _Mode.MULTI_NODE_MULTI_WRITER,
    "ReadWriteOncePod": _Mode.SINGLE_NODE_WRITER,
}
# Of drivers that tell one pod from several on a node.
_PRECISE_MODES = {
    "ReadWriteOnce": _Mode.SINGLE_NODE_MULTI_WRITER,
    "ReadWriteOncePod": _Mode.SINGLE_NODE_SINGLE_WRITER,
}
_STRONGEST = ("ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod", "ReadWriteOnce")
_ABOUT = "csi.storage.k8s.io"
TOKEN_LIFETIME_S = 3600
PERSISTENT, EPHEMERAL = "Persistent", "Ephemeral"


@dataclass(frozen=True)
class SecretName:
    namespace: str
    name: str


@dataclass(frozen=True)
class Wanted:
    """A volume that a pod mounts, whether it is the pod's own or a claim's. `persistent` is its PersistentVolume.
    `block`: it is a device."""

    volume: str
    driver: str
    handle: str
    fs_type: str
    read_only: bool
    attributes: dict[str, str]
    access_modes: tuple[str, ...]
    mount_options: tuple[str, ...] = ()
    stage_secret: SecretName | None = None
    publish_secret: SecretName | None = None
    expand_secret: SecretName | None = None
    persistent: str = ""
    block: bool = False

    @property
    def lifecycle(self) -> str:
        return PERSISTENT if self.persistent else EPHEMERAL


def of_pod(pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> Wanted:
    """A volume that the driver makes for the pod."""
    source = volume.volumeSource.csi
    secret = None
    if source.HasField("nodePublishSecretRef"):
        secret = SecretName(pod.metadata.namespace, source.nodePublishSecretRef.name)
    return Wanted(
        volume.name,
        source.driver,
        f"csi-{hashlib.sha256(f'{pod.metadata.uid}{volume.name}'.encode()).hexdigest()}",
        source.fsType,
        source.readOnly,
        dict(source.volumeAttributes),
        ("ReadWriteOnce",),
        publish_secret=secret,
    )


def of_claim(name: str, volume: PersistentVolume, *, read_only: bool) -> Wanted:
    """A volume of a claim, by the name that the pod calls it."""
    source = volume.spec.persistentVolumeSource.csi
    stage, publish, expand = source.nodeStageSecretRef, source.nodePublishSecretRef, source.nodeExpandSecretRef
    return Wanted(
        name,
        source.driver,
        source.volumeHandle,
        source.fsType,
        read_only or source.readOnly,
        dict(source.volumeAttributes),
        tuple(volume.spec.accessModes),
        tuple(volume.spec.mountOptions),
        SecretName(stage.namespace, stage.name) if source.HasField("nodeStageSecretRef") else None,
        SecretName(publish.namespace, publish.name) if source.HasField("nodePublishSecretRef") else None,
        SecretName(expand.namespace, expand.name) if source.HasField("nodeExpandSecretRef") else None,
        volume.metadata.name,
        volume.spec.volumeMode == "Block",
    )


def capability(wanted: Wanted, can: Collection[int], group: int | None) -> csi_pb2.VolumeCapability:
    """How the volume is used: by the strongest of its access modes. `can` is what the driver can."""
    made = csi_pb2.VolumeCapability()
    if wanted.block:
        made.block.SetInParent()
    else:
        made.mount.fs_type = wanted.fs_type
        made.mount.mount_flags.extend(wanted.mount_options)
    if not wanted.block and group is not None and Capability.VOLUME_MOUNT_GROUP in can:
        made.mount.volume_mount_group = str(group)
    mode = next(each for each in _STRONGEST if each in wanted.access_modes)
    precise = Capability.SINGLE_NODE_MULTI_WRITER in can
    made.access_mode.mode = _PRECISE_MODES.get(mode, _MODES[mode]) if precise else _MODES[mode]
    return made


def context(wanted: Wanted, pod: pod_pb2.Pod, driver: storage.CSIDriver | None) -> dict[str, str]:
    """What the driver is told besides: of the pod too, where its CSIDriver asks for that."""
    if driver is None or not driver.spec.podInfoOnMount:
        return wanted.attributes
    about = pod.metadata
    return {
        **wanted.attributes,
        f"{_ABOUT}/pod.name": about.name,
        f"{_ABOUT}/pod.namespace": about.namespace,
        f"{_ABOUT}/pod.uid": about.uid,
        f"{_ABOUT}/serviceAccount.name": pod.spec.serviceAccountName,
        f"{_ABOUT}/ephemeral": "false" if wanted.persistent else "true",
    }


def why_unsupported(wanted: Wanted, driver: storage.CSIDriver | None) -> str:
    """Why the driver has no such volume, by what its CSIDriver says; empty when it may have it."""
    modes: Iterable[str] = driver.spec.volumeLifecycleModes if driver is not None else ()
    modes = list(modes) or [PERSISTENT]
    if wanted.lifecycle not in modes:
        only = " ".join(f'"{mode}"' for mode in modes)
        return f'volume mode "{wanted.lifecycle}" not supported by driver {wanted.driver} (only supports [{only}])'
    return ""


def tokens_of(driver: storage.CSIDriver | None) -> list[TokenProjection]:
    """The tokens of a pod's service account that the driver is given."""
    requests = driver.spec.tokenRequests if driver is not None else ()
    return [TokenProjection(each.audience, each.expirationSeconds or TOKEN_LIFETIME_S) for each in requests]


def told_tokens(tokens: Mapping[TokenProjection, Token]) -> dict[str, str]:
    """What the driver is told of them: in its secrets or its context, as its CSIDriver says.

    https://kubernetes-csi.github.io/docs/token-requests.html
    """
    by_audience = {
        wanted.audience: {"token": token.token, "expirationTimestamp": times.text(Time(seconds=int(token.expires_at)))}
        for wanted, token in tokens.items()
    }
    return {f"{_ABOUT}/serviceAccount.tokens": json.dumps(by_audience)} if by_audience else {}


def needs_attachment(wanted: Wanted, driver: storage.CSIDriver | None) -> bool:
    """Whether the volume has to be attached to the node first."""
    return bool(wanted.persistent) and is_attached_by(driver)


def sets_group(wanted: Wanted, can: Collection[int], driver: storage.CSIDriver | None) -> bool:
    """Whether the kubelet gives the volume's files to the pod's fsGroup."""
    if Capability.VOLUME_MOUNT_GROUP in can or wanted.read_only or wanted.block:
        return False
    policy = driver.spec.fsGroupPolicy if driver is not None else ""
    if policy in ("File", "None"):
        return policy == "File"
    return (
        bool(wanted.fs_type)
        and set(wanted.access_modes) <= {"ReadWriteOnce", "ReadWriteOncePod"}
        and bool(wanted.persistent)
    )


def staging_path(root: Path, wanted: Wanted) -> Path:
    """Where the volume is on the node for all pods, as Kubernetes has it."""
    if wanted.block:
        return root / BLOCK_VOLUMES / "staging" / wanted.persistent
    name = hashlib.sha256(wanted.handle.encode()).hexdigest()
    return root / "plugins/kubernetes.io/csi" / wanted.driver / name / "globalmount"
