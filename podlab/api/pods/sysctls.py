"""Settings of the kernel that a pod asks for: how they are named, whose they are, and which a pod may have. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
"""

from __future__ import annotations

import re
from typing import Final

from podlab.core.v1 import pod_pb2

NAME_CHARS: Final = 253
_PART: Final = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
NAME: Final = re.compile(rf"({_PART}[\./])*{_PART}")

FORBIDDEN: Final = "SysctlForbidden"
"""The reason of a pod that fails for it."""

SAFE: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""Those that change nothing for another pod of the node, on every kernel since 4.15."""

_IPC: Final = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")


def is_name(name: str) -> bool:
    return len(name) <= NAME_CHARS and NAME.fullmatch(name) is not None


def with_dots(name: str) -> str:
    """net/ipv4/conf/eth0.1/arp_filter is net.ipv4.conf.eth0/1.arp_filter: the first separator says which is which."""
    first = re.search(r"[./]", name)
    return name.translate(str.maketrans("./", "/.")) if first is not None and first[0] == "/" else name


def shared_with_host(name: str, spec: pod_pb2.PodSpec) -> str:
    """The field by which the pod has the host's own, `hostNetwork` or `hostIPC`; empty where it has its own."""
    dotted = with_dots(name)
    if spec.hostNetwork and dotted.startswith("net."):
        return "hostNetwork"
    return "hostIPC" if spec.hostIPC and dotted.startswith(_IPC) else ""


def forbidden(spec: pod_pb2.PodSpec) -> str:
    """Why a kubelet does not start the pod, in Kubernetes' words; empty where it may."""
    for sysctl in spec.securityContext.sysctls:
        if with_dots(sysctl.name) not in SAFE:
            return f'"{sysctl.name}" not allowlisted'
        if shared := shared_with_host(sysctl.name, spec):
            return f'"{sysctl.name}" not allowed with host {"net" if shared == "hostNetwork" else "ipc"} enabled'
    return ""
