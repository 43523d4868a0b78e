#!/usr/bin/python3
"""Ansible module: the few facts about a host that Podlab's roles decide by, in one quick call."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import pwd
import socket
import struct
import subprocess
import sys
from ipaddress import IPv6Address
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_facts
short_description: Facts about a host that Podlab's roles decide by
description:
  - Sets the fact C(podlab_host) with C(target), the wheels that fit it; C(system), its distribution and machine;
    C(may_lower_oom_score); C(inotify_instances), how many a user may have, and 0 where the host cannot set that;
    C(ipv6_address), at which other hosts may reach it, or empty; C(release), the name of the release in use;
    C(ingress), whether it serves Ingresses; C(keepalived), whether an address of all masters may be its;
    C(registry), whether it serves the cluster's images, or knows who does; C(links), by address the network
    interface that has it first; C(network_manager), whether NetworkManager's settings are there;
    C(haproxy), whether that is there; C(etcd), whether its program is there, whether ours has C(data) and whether it
    C(runs); and C(shared_user), whether there still is the one user that all services of earlier releases ran as.
options: {}
author: [Podlab]
"""

OPTIONS: dict[str, dict[str, str]] = {}
CAP_SYS_RESOURCE = 24
# linux/if_addr.h
IFA_TEMPORARY, IFA_DADFAILED, IFA_DEPRECATED, IFA_TENTATIVE = 0x01, 0x08, 0x20, 0x40
# linux/sockios.h
SIOCGIFADDR = 0x8915
OWN_LINKS = ("podlab", "lo", "veth")
VENV = Path("/opt/podlab/venv")
IF_INET6 = Path("/proc/net/if_inet6")
HAPROXY = Path("/usr/sbin/haproxy")
ETCD = Path("/usr/bin/etcd")
ETCD_DATA = Path("/var/lib/podlab/etcd/member")
NETWORK_MANAGER = Path("/etc/NetworkManager/conf.d")
KEEPALIVED = Path("/etc/systemd/system/podlab-keepalived.service")
# On the master that serves images, and on nodes that know it.
REGISTRY = (
    Path("/etc/systemd/system/podlab-registry.service"),
    Path("/etc/containerd/certs.d/registry.podlab.local:5000"),
)
INGRESS = Path("/etc/systemd/system/podlab-ingress.service")
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")


def distribution() -> str:
    """Distribution and its release, as in `debian-12`."""
    lines = Path("/etc/os-release").read_text().splitlines()
    values = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    return "{}-{}".format(values.get("ID", "unknown"), values.get("VERSION_ID", "unknown"))


def may_lower_oom_score() -> bool:
    """Whether a container runtime here can protect its processes from the kernel's out-of-memory killer."""
    status = Path("/proc/self/status").read_text()
    (effective,) = (line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def inotify_instances() -> int:
    """In a container the kernel's setting is the machine's beneath, and read-only."""
    return int(INOTIFY.read_text()) if os.access(INOTIFY, os.W_OK) else 0


def ipv6_address(listed: str) -> str:
    """The first that other hosts can reach and that stays: global, and neither temporary, deprecated nor failed.

    `listed` is the kernel's list, a line for each address: itself, link, prefix, scope, flags, link's name.
    """
    for address, _, _, scope, flags, link in map(str.split, listed.splitlines()):
        unusable = int(flags, 16) & (IFA_TEMPORARY | IFA_DADFAILED | IFA_DEPRECATED | IFA_TENTATIVE)
        if scope == "00" and not unusable and not link.startswith(OWN_LINKS):
            return str(IPv6Address(bytes.fromhex(address)))
    return ""


def links() -> dict[str, str]:
    """By IPv4 address, the interface that has it; of several that an interface has, the first."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # it has none
                answer = fcntl.ioctl(asked, SIOCGIFADDR, struct.pack("256s", name.encode()))
                found[socket.inet_ntoa(answer[20:24])] = name
    return found


def etcd() -> dict[str, bool]:
    """Whether it is there, and what there is of ours. systemd is asked only where there are data."""
    has_data = ETCD_DATA.exists()
    asked = ["systemctl", "is-active", "--quiet", "podlab-etcd"]
    runs = has_data and subprocess.run(asked, check=False, timeout=30).returncode == 0
    return {"program": ETCD.exists(), "data": has_data, "runs": runs}


def shared_user() -> bool:
    """By its home: the user `podlab` may as well be a person."""
    try:
        return pwd.getpwnam("podlab").pw_dir == "/var/lib/podlab"
    except KeyError:
        return False


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    facts = {
        "target": "cp{}{}-{}".format(*sys.version_info[:2], platform.machine()),
        "system": f"{distribution()}-{platform.machine()}",
        "may_lower_oom_score": may_lower_oom_score(),
        "inotify_instances": inotify_instances(),
        "ipv6_address": ipv6_address(IF_INET6.read_text() if IF_INET6.exists() else ""),
        "ingress": INGRESS.exists(),
        "keepalived": KEEPALIVED.exists(),
        "registry": any(path.exists() for path in REGISTRY),
        "links": links(),
        "network_manager": NETWORK_MANAGER.is_dir(),
        "haproxy": HAPROXY.exists(),
        "etcd": etcd(),
        "shared_user": shared_user(),
        "release": VENV.resolve().parent.name if VENV.is_symlink() else "",
    }
    module.exit_json(changed=False, ansible_facts={"podlab_host": facts})


if __name__ == "__main__":
    main()
