"""What the machine is and how much it has."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import psutil

from podlab.api.values import quantity
from podlab.core.v1 import node_pb2

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "riscv64": "riscv64"}


def architecture() -> str:
    """Named as in container images."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def cpu_count() -> int:
    return os.cpu_count() or 1


def memory_bytes() -> int:
    return int(psutil.virtual_memory().total)


def swap_bytes() -> int:
    return int(psutil.swap_memory().total)


def huge_pages(top: Path = Path("/sys/kernel/mm/hugepages")) -> dict[str, int]:
    """Bytes of the huge pages that are set aside, by resource, of sizes of which there are some.

    https://kubernetes.io/docs/tasks/manage-hugepages/scheduling-hugepages/
    """
    found = {}
    for directory in sorted(top.glob("hugepages-*kB")):
        size = int(directory.name.removeprefix("hugepages-").removesuffix("kB")) << 10
        if pages := int((directory / "nr_hugepages").read_text()):
            found[f"hugepages-{quantity.format_bytes(size)}"] = pages * size
    return found


def own_rss_bytes() -> int:
    """Of this process."""
    return int(psutil.Process().memory_info().rss)


def disk_bytes(path: Path) -> int:
    return shutil.disk_usage(path).total


def has_apparmor() -> bool:
    """Whether the kernel confines processes by AppArmor's profiles."""
    return _read("/sys/module/apparmor/parameters/enabled") == "Y"


def system_info(runtime_version: str, kubelet_version: str) -> node_pb2.NodeSystemInfo:
    told = node_pb2.NodeSystemInfo(
        machineID=_read("/etc/machine-id"),
        systemUUID=_read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
        bootID=_read("/proc/sys/kernel/random/boot_id"),
        kernelVersion=platform.release(),
        osImage=_os_image(),
        containerRuntimeVersion=runtime_version,
        kubeletVersion=kubelet_version,
        kubeProxyVersion=kubelet_version,
        operatingSystem="linux",
        architecture=architecture(),
    )
    if total := swap_bytes():
        told.swap.capacity = total
    return told


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
