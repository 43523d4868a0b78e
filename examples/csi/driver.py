"""A driver of volumes on a node: what a kubelet asks of it, and no more. Run it on each node:

    python driver.py files.csi.example.com n1

A volume is a directory below /var/lib/csi-files on its node. One of a PersistentVolume has its handle as its name and
stays when its pods have gone; one that a pod brings itself is made for the pod, and removed with it. A driver of
volumes that nodes share also serves a controller that makes, attaches and enlarges them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import grpc

from podlab.foreign.csi.v1 import csi_pb2 as csi
from podlab.foreign.csi.v1 import csi_pb2_grpc as csi_grpc
from podlab.foreign.pluginregistration.v1 import api_pb2 as registration
from podlab.foreign.pluginregistration.v1 import api_pb2_grpc as registration_grpc

KUBELET = Path(os.environ.get("KUBELET", "/var/lib/podlab/kubelet"))
DATA = Path(os.environ.get("DATA", "/var/lib/csi-files"))
MOST_VOLUMES = 5
# The file whose loop device is a volume of volumeMode Block.
DEVICE, DEVICE_BYTES = "device", 16 << 20
TOKENS = "csi.storage.k8s.io/serviceAccount.tokens"
EPHEMERAL = "csi.storage.k8s.io/ephemeral"


class Driver(csi_grpc.IdentityServicer, csi_grpc.NodeServicer, registration_grpc.RegistrationServicer):
    """All calls may come again for the same volume: after a restart, or a failure."""

    def __init__(self, name: str, node: str) -> None:
        self._name = name
        self._node = node

    def GetInfo(self, request, context):  # noqa: N802
        return registration.PluginInfo(type="CSIPlugin", name=self._name, supported_versions=["1.0.0"])

    def NotifyRegistrationStatus(self, request, context):  # noqa: N802
        print(f"registered: {request.plugin_registered} {request.error}", flush=True)
        return registration.RegistrationStatusResponse()

    def GetPluginInfo(self, request, context):  # noqa: N802
        return csi.GetPluginInfoResponse(name=self._name, vendor_version="1")

    def GetPluginCapabilities(self, request, context):  # noqa: N802
        return csi.GetPluginCapabilitiesResponse()

    def Probe(self, request, context):  # noqa: N802
        return csi.ProbeResponse()

    def NodeGetInfo(self, request, context):  # noqa: N802
        place = csi.Topology(segments={f"topology.{self._name}/node": self._node})
        return csi.NodeGetInfoResponse(node_id=self._node, max_volumes_per_node=MOST_VOLUMES, accessible_topology=place)

    def NodeGetCapabilities(self, request, context):  # noqa: N802
        answer = csi.NodeGetCapabilitiesResponse()
        can = csi.NodeServiceCapability.RPC
        for each in (can.STAGE_UNSTAGE_VOLUME, can.EXPAND_VOLUME, can.GET_VOLUME_STATS):
            answer.capabilities.add().rpc.type = each
        return answer

    def NodeStageVolume(self, request, context):  # noqa: N802
        print(f"stage {request.volume_id}", flush=True)
        if request.volume_capability.HasField("block"):
            return csi.NodeStageVolumeResponse()
        data = _data(request.volume_id, context)
        data.mkdir(parents=True, exist_ok=True)
        _bind(data, Path(request.staging_target_path), context)
        return csi.NodeStageVolumeResponse()

    def NodeUnstageVolume(self, request, context):  # noqa: N802
        print(f"unstage {request.volume_id}", flush=True)
        _unbind(Path(request.staging_target_path), context)
        return csi.NodeUnstageVolumeResponse()

    def NodePublishVolume(self, request, context):  # noqa: N802
        print(f"publish {request.volume_id}", flush=True)
        if request.volume_capability.HasField("block"):
            _show_device(_data(request.volume_id, context), Path(request.target_path), context)
            return csi.NodePublishVolumeResponse()
        source = Path(request.staging_target_path or _data(request.volume_id, context))
        if request.volume_context.get(EPHEMERAL) == "true":
            source.mkdir(parents=True, exist_ok=True)
            (source / "greeting").write_text(request.volume_context.get("greeting", "") + "\n")
            if tokens := request.secrets.get(TOKENS) or request.volume_context.get(TOKENS):
                (source / "tokens").write_text(tokens)
        _bind(source, Path(request.target_path), context, read_only=request.readonly)
        return csi.NodePublishVolumeResponse()

    def NodeExpandVolume(self, request, context):  # noqa: N802
        size = request.capacity_range.required_bytes
        print(f"expand {request.volume_id} to {size} bytes", flush=True)
        if not Path(request.volume_path).is_dir():
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.volume_path} is not there")
        if size > shutil.disk_usage(DATA).total:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, f"the disk has no {size} bytes")
        return csi.NodeExpandVolumeResponse(capacity_bytes=size)

    def NodeGetVolumeStats(self, request, context):  # noqa: N802
        path = Path(request.volume_path)
        if not path.exists():
            context.abort(grpc.StatusCode.NOT_FOUND, f"{path} is not there")
        answer = csi.NodeGetVolumeStatsResponse()
        if path.is_block_device():
            answer.usage.add(unit=csi.VolumeUsage.BYTES, total=DEVICE_BYTES)
            return answer
        files = [each.lstat() for each in (path, *path.rglob("*"))]
        disk, used = os.statvfs(path), sum(each.st_blocks for each in files) * 512
        total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        answer.usage.add(unit=csi.VolumeUsage.BYTES, total=total, available=free, used=used)
        answer.usage.add(unit=csi.VolumeUsage.INODES, total=disk.f_files, available=disk.f_favail, used=len(files))
        return answer

    def NodeUnpublishVolume(self, request, context):  # noqa: N802
        print(f"unpublish {request.volume_id}", flush=True)
        _unbind(Path(request.target_path), context)
        _free_device(_data(request.volume_id, context), context)
        if request.volume_id.startswith("csi-"):  # as kubelets call those that pods bring themselves
            shutil.rmtree(_data(request.volume_id, context), ignore_errors=True)
        return csi.NodeUnpublishVolumeResponse()


def _data(volume: str, context: grpc.ServicerContext) -> Path:
    if not volume or "/" in volume or volume.startswith("."):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"volume {volume!r} cannot be the name of a directory")
    return DATA / volume


def _bind(source: Path, target: Path, context: grpc.ServicerContext, *, read_only: bool = False) -> None:
    """Mounts the directory at the target, unless it is there."""
    target.mkdir(parents=True, exist_ok=True)
    if not _is_mounted(target):
        _run(context, "mount", "--bind", str(source), str(target))
    if read_only:
        _run(context, "mount", "-o", "remount,bind,ro", str(target))


def _show_device(data: Path, target: Path, context: grpc.ServicerContext) -> None:
    """Binds a loop device of the volume's file to the target, unless one is there."""
    data.mkdir(parents=True, exist_ok=True)
    image = data / DEVICE
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(DEVICE_BYTES)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()
    if not _is_mounted(target):
        device = (_devices_of(image) or [_run(context, "losetup", "--find", "--show", str(image))])[0]
        _run(context, "mount", "--bind", device, str(target))


def _free_device(data: Path, context: grpc.ServicerContext) -> None:
    """The kernel takes the loop device apart once its last user has gone."""
    for device in _devices_of(data / DEVICE):
        _run(context, "losetup", "--detach", device)


def _devices_of(image: Path) -> list[str]:
    if not image.exists():
        return []
    told = subprocess.run(["losetup", "--associated", str(image)], capture_output=True, text=True, check=True).stdout
    return [line.partition(":")[0] for line in told.splitlines()]


def _unbind(target: Path, context: grpc.ServicerContext) -> None:
    if _is_mounted(target):
        _run(context, "umount", str(target))
    if target.is_dir():
        target.rmdir()
    else:
        target.unlink(missing_ok=True)


def _is_mounted(target: Path) -> bool:
    """Asks the kernel: os.path.ismount does not see a directory that is mounted within its own filesystem."""
    return any(line.split()[4] == str(target) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _run(context: grpc.ServicerContext, *command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        context.abort(grpc.StatusCode.INTERNAL, f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def main(name: str, node: str) -> None:
    driver, server = Driver(name, node), grpc.server(futures.ThreadPoolExecutor(4))
    csi_grpc.add_IdentityServicer_to_server(driver, server)
    csi_grpc.add_NodeServicer_to_server(driver, server)
    registration_grpc.add_RegistrationServicer_to_server(driver, server)
    socket = KUBELET / "plugins_registry" / f"{name}.sock"
    socket.unlink(missing_ok=True)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
