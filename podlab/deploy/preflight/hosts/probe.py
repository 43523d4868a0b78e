"""The script that preflight runs on each host: it reads facts, changes nothing and prints them as one JSON object.

It is sent as text over SSH, so it imports only the standard library, and it is kept to the Python of older hosts
(3.7), because a host whose Python is too old for Podlab shall say so rather than fail.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import platform
import re
import select
import socket
import struct
import subprocess
import sys
import time
from typing import Any

MODULES = ("overlay", "br_netfilter", "bridge", "veth", "vxlan", "nf_tables", "nf_conntrack")
# What site.yml, the services and the pods fill, or at least write to.
DIRECTORIES = ("/var/lib/podlab", "/var/lib/containerd", "/opt/podlab", "/var/log", "/etc", "/usr")
INOTIFY = "/proc/sys/fs/inotify/max_user_instances"
# What is there only when the feature is in the running kernel.
EVIDENCE = {
    "br_netfilter": "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
}

# How the kernel shows the routes that Podlab's kubelet sets (rtm_protocol).
OWN_ROUTES = "112"
CONTAINERD_BEFORE = "/var/lib/podlab/containerd.before"
# Which service's settings hold what a cluster keeps as it was made, a master's and a node's.
MADE_WITH = (
    ("apiserver", "cluster_name", "podlab_cluster"),
    ("apiserver", "service_cidr", "podlab_service_cidr"),
    ("controllers", "pod_cidr", "podlab_pod_cidr"),
    ("kubelet", "pod_cidr_cluster", "podlab_pod_cidr"),
)
# Whom the host believes, the first that is there: of a master or node, of a host with nothing but etcd.
AUTHORITIES = ("ca.crt", "etcd-ca.crt")
# Other Kubernetes' kubelets, by their units.
OTHER_KUBELETS = (
    *("kubelet", "k3s", "k3s-agent", "rke2-server", "rke2-agent", "k0scontroller", "k0sworker"),
    "snap.microk8s.daemon-kubelite",
)
# Where systemd-networkd reads, the first before the others; and the file of role network, which is to be the first.
NETWORKD = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
OWN_NETWORK_FILE = "00-podlab.network"
# What name servers are asked: who serves the root.
QUESTION = b"\x70\x6c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
NAMES_WITHIN_S = 1.5
# What a node has of its kubelet; a host that has none of it is none yet, or none any more.
KUBELET = ("/etc/podlab/kubelet.yaml", "/etc/podlab/pki/kubelet.key", "/etc/systemd/system/podlab-kubelet.service")
CONTAINERD_CONFIG = "/etc/containerd/config.toml"
# What of a release's files says which it is: file, and what stands there.
RELEASE = {
    "version": ("podlab/__init__.py", r'^__version__ = "(.+)"'),
    "kubernetes": ("podlab/__init__.py", r'^KUBERNETES_MINOR = "(.+)"'),
    "build": ("podlab/BUILD", r"^(\w+)"),
    "store": ("master/store/sqlite/schema.py", r"^SCHEMA_VERSION = (\d+)"),
}
STORE = "/var/lib/podlab/apiserver/store.db"
# https://www.sqlite.org/fileformat2.html#database_header: where `PRAGMA user_version` is, which is the schema's.
USER_VERSION_AT = 60


def read(path: str) -> str:
    """A file's text, empty where there is no such file."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def run(*command: str) -> str | None:
    """Standard output of a command; None if there is no such command or it fails or hangs."""
    try:
        output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return output.stdout.decode(errors="replace")


def os_release() -> dict[str, str]:
    pairs = [line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line]
    return {key: value.strip("\"'") for key, value in pairs}


def memory_bytes() -> int:
    match = re.search(r"^MemTotal:\s+(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    return int(match.group(1)) * 1024 if match else 0


def filesystems() -> list[dict[str, object]]:
    """The file systems that will hold what is put on the host, each with those of the directories that are on it."""
    found: dict[tuple[int, bool], dict[str, object]] = {}
    for directory in DIRECTORIES:
        path = directory
        while not os.path.exists(path):
            path = os.path.dirname(path)
        state = os.statvfs(path)
        read_only = bool(state.f_flag & os.ST_RDONLY)
        free = state.f_bavail * state.f_frsize
        at = found.setdefault(
            (os.stat(path).st_dev, read_only), {"directories": [], "free_bytes": free, "read_only": read_only}
        )
        at["directories"] = [*at["directories"], directory]  # type: ignore[misc]
    return list(found.values())


def inotify() -> dict[str, object]:
    """How many programs of a user may watch files, and whether this host may raise that: a container may not."""
    return {"instances": int(read(INOTIFY) or 0), "raisable": os.access(INOTIFY, os.W_OK)}


def known_modules() -> set[str]:
    """Modules that are built in, loaded, or installed for the running kernel."""
    folder = "/lib/modules/" + platform.release()
    lines = read(folder + "/modules.builtin").splitlines() + read(folder + "/modules.dep").splitlines()
    installed = {os.path.basename(line.split(":")[0]).split(".ko")[0] for line in lines}
    loaded = {os.path.basename(path) for path in glob.glob("/sys/module/*")}
    return {name.replace("-", "_") for name in installed | loaded}


def answers_nf_tables() -> bool:
    """Ask netfilter for the generation of its nf_tables rules; a kernel without nf_tables refuses the question."""
    nf_tables_get_generation = (10 << 8) | 16
    request = struct.pack("=IHHIIBBH", 20, nf_tables_get_generation, 1, 1, 0, 0, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
            netlink.settimeout(2)
            netlink.send(request)
            answer = netlink.recv(4096)
    except OSError:
        return False
    error = 2
    return bool(struct.unpack_from("=H", answer, 4)[0] != error)


def creates_link(kind: str) -> bool:
    """Try a link of this kind in a network namespace that ends with the attempt."""
    more = {"veth": ["peer", "name", "podlab-b"], "vxlan": ["id", "1", "dstport", "4789"]}.get(kind, [])
    return run("unshare", "--net", "ip", "link", "add", "podlab-a", "type", kind, *more) is not None


def missing_features() -> list[str]:
    modules = known_modules()
    filesystems = read("/proc/filesystems").split()

    def present(name: str) -> bool:
        if name in modules or os.path.exists(EVIDENCE.get(name, "/nonexistent")):
            return True
        if name in ("bridge", "veth", "vxlan"):
            return creates_link(name)
        return name in filesystems if name == "overlay" else name == "nf_tables" and answers_nf_tables()

    return [name for name in MODULES if not present(name)]


def cgroup_controllers() -> list[str]:
    """Controllers that can be used: of the unified hierarchy, or those mounted one by one."""
    found = set(read("/sys/fs/cgroup/cgroup.controllers").split())
    for line in read("/proc/mounts").splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[2] == "cgroup":
            found.update(fields[3].split(","))
    return sorted(found & {"cpu", "memory", "pids", "cpuset", "io", "blkio", "cpuacct"})


def listening_inodes() -> dict[str, int]:
    """Socket inode to port, of every TCP socket that listens."""
    found = {}
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read(path).splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def name_server_inodes() -> dict[str, int]:
    """The same for whoever takes DNS queries at all IPv4 addresses of the host, by TCP or UDP."""
    found = {}
    for path, state in (("/proc/net/tcp", "0A"), ("/proc/net/udp", "07")):
        for line in read(path).splitlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000:0035" and fields[3] == state:
                found[fields[9]] = 53
    return found


def unit_of(process: str) -> str:
    """The systemd unit that a process belongs to, empty if none."""
    units = re.findall(r"([^/\n]+\.service)", read("/proc/" + process + "/cgroup"))
    return str(units[-1]) if units else ""


def holders_of(ports: dict[str, int]) -> list[dict[str, object]]:
    """Every port and, as far as visible, who holds it; `ports` are by their sockets' inodes."""
    holders: dict[int, str] = {}
    for descriptor in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        inode = target[len("socket:[") : -1] if target.startswith("socket:[") else ""
        if inode in ports:
            holders.setdefault(ports[inode], descriptor.split("/")[2])
    found: list[dict[str, object]] = []
    for port in sorted(set(ports.values())):
        process = holders.get(port, "")
        name = read("/proc/" + process + "/comm").strip() if process else ""
        unit = unit_of(process) if process else ""
        found.append({"port": port, "process": name, "pid": int(process or 0), "unit": unit})
    return found


def subnets() -> list[dict[str, str]]:
    """IPv4 networks that the host has a way to: of its interfaces and of its routes, but for the default route.

    What Podlab's kubelet set is none of them, whether or not the node that it leads to is there any more.
    """
    addresses = json.loads(run("ip", "-j", "-4", "addr") or "[]")
    routes = json.loads(run("ip", "-j", "-4", "route") or "[]")
    return [*networks_of_interfaces(addresses), *networks_of_routes(routes)]


def networks_of_interfaces(links: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of what `ip -j -4 addr` shows."""
    found = []
    for link in links:
        for address in link.get("addr_info", []):
            if address.get("scope") == "global":
                network = "{}/{}".format(address["local"], address["prefixlen"])
                found.append({"network": network, "device": link["ifname"], "gateway": "", "kind": "address"})
    return found


def networks_of_routes(routes: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of what `ip -j -4 route` shows, but for the default route and the routes that Podlab set."""
    found = []
    for route in routes:
        if route["dst"] != "default" and route.get("protocol") != OWN_ROUTES:
            device, gateway = route.get("dev", ""), route.get("gateway", "")
            found.append({"network": route["dst"], "device": device, "gateway": gateway, "kind": "route"})
    return found


def units(*names: str) -> dict[str, dict[str, str]]:
    """What systemd says of these services, by their names; of one that it does not know, that it is inactive."""
    asked = [name + ".service" for name in names]
    shown = run("systemctl", "show", "--property=Id,ActiveState,KillMode", "--", *asked) or ""
    parts = [dict(line.split("=", 1) for line in part.splitlines()) for part in shown.split("\n\n")]
    return {names[at]: part for at, part in enumerate(parts)}


def runtime(containerd: dict[str, str]) -> dict[str, object]:
    """The containerd that is there already, and what it holds."""
    active = containerd.get("ActiveState") == "active"
    names = (run("ctr", "namespaces", "list", "--quiet") or "").split() if active else []
    containers = {name: len((run("ctr", "-n", name, "containers", "list", "--quiet") or "").split()) for name in names}
    return {
        "active": active,
        "spares_containers": containerd.get("KillMode") == "process",
        "configured": os.path.exists(CONTAINERD_CONFIG),
        "containers": {name: count for name, count in containers.items() if count},
        "ours": os.path.exists(CONTAINERD_BEFORE) or os.path.exists("/etc/podlab/kubelet.yaml"),
    }


def link_managers(shown: dict[str, dict[str, str]], root: str = "") -> dict[str, object]:
    """Who gives links their settings: what systemd-networkd reads before what is Podlab's, and dhcpcd's settings.

    `shown` is what systemd says of the two; None: it does not run.
    """

    def runs(name: str) -> bool:
        return shown.get(name, {}).get("ActiveState") == "active"

    settings = read(root + "/etc/dhcpcd.conf")
    words = {name: " ".join(re.findall(rf"(?m)^{name}interfaces[ \t]+(.+)$", settings)) for name in ("deny", "allow")}
    return {
        "networkd": network_files(root) if runs("systemd-networkd") else None,
        "dhcpcd": words if runs("dhcpcd") else None,
    }


def network_files(root: str = "") -> dict[str, str]:
    """Texts of what systemd-networkd reads before Podlab's file, by their paths: a file of /etc replaces others."""
    found: dict[str, str] = {}
    for place in NETWORKD:
        for path in glob.glob(f"{root}{place}/systemd/network/*.network"):
            if os.path.basename(path) < OWN_NETWORK_FILE:
                found.setdefault(os.path.basename(path), path)
    return {path[len(root) :]: read(path) for _, path in sorted(found.items())}


def swap_bytes() -> int:
    return sum(int(line.split()[2]) * 1024 for line in read("/proc/swaps").splitlines()[1:])


def has_default_route() -> bool:
    """Of IPv4: destination and mask are zeros."""
    routes = [line.split() for line in read("/proc/net/route").splitlines()[1:]]
    return any(route[1] == route[7] == "00000000" for route in routes)


def resolvers(text: str) -> dict[str, bool]:
    """The name servers that resolv.conf names, and whether they answer; when one does, the others are not awaited."""
    addresses = re.findall(r"(?m)^nameserver[ \t]+(\S+)", text)
    answer = dict.fromkeys(addresses, False)
    asked = {}
    for address in addresses:
        question = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            question.connect((address, 53))
            question.send(QUESTION)
            asked[question] = address
        except OSError:
            question.close()
    until = time.monotonic() + NAMES_WITHIN_S
    while asked and not any(answer.values()) and time.monotonic() < until:
        for question in select.select(list(asked), [], [], max(0.0, until - time.monotonic()))[0]:
            with contextlib.suppress(OSError):  # nobody listens there
                answer[asked[question]] = question.recv(512)[:2] == QUESTION[:2]
            del asked[question]
            question.close()
    for question in asked:
        question.close()
    return answer


def made_with(settings: str = "/etc/podlab") -> dict[str, str]:
    """Name and networks of the cluster that the host is part of, by variable; read in this directory."""
    found = {}
    for file, setting, variable in MADE_WITH:
        match = re.search(rf"^{setting}: *(\S+)", read(f"{settings}/{file}.yaml"), re.MULTILINE)
        if match:
            found[variable] = match.group(1)
    return found


def membership(root: str = "") -> dict[str, object]:
    """Whose the host is: certificates of the authority that it believes, and the clusters that its /etc/hosts names."""
    texts = (read(f"{root}/etc/podlab/pki/{name}") for name in AUTHORITIES)
    names = re.findall(r"(?m)^# BEGIN podlab (\S+)$", read(root + "/etc/hosts"))
    return {"authorities": next(filter(None, texts), ""), "clusters": names}


def release(folder: str) -> dict[str, str]:
    """Which release's packages are in the folder; empty where there are none."""
    found = {
        name: re.search(pattern, read(f"{folder}/{file}"), re.MULTILINE) for name, (file, pattern) in RELEASE.items()
    }
    return {name: match.group(1) for name, match in found.items() if match} if found["version"] else {}


def release_in_use(link: str = "/opt/podlab/venv") -> dict[str, str]:
    """The one that the host's services start."""
    folders = glob.glob(f"{link}/lib/python*/site-packages")
    return release(folders[0]) if folders else {}


def store_schema(path: str = STORE) -> int | None:
    """Of the SQLite store that the host has; None: it has none."""
    try:
        with open(path, "rb") as file:
            head = file.read(100)
    except OSError:
        return None
    return struct.unpack_from(">i", head, USER_VERSION_AT)[0] if len(head) == 100 else None


def own_store(directory: str = "/var/lib/podlab/apiserver") -> bool:
    """Whether the API server's store is a SQLite file: one is there, and it has not used an etcd since."""
    return os.path.exists(f"{directory}/store.db") and not os.path.exists(f"{directory}/etcd-store")


def shared_store(directory: str = "/var/lib/podlab/apiserver") -> bool:
    """Whether the API server has used a store in etcd, and has none of its own."""
    return os.path.exists(f"{directory}/etcd-store") and not os.path.exists(f"{directory}/store.db")


def ipv6() -> list[str] | None:
    """Addresses that others on the link or beyond may reach, each with its prefix and link; None: no IPv6 here."""
    if not os.path.exists("/proc/net/if_inet6"):
        return None
    found = []
    for line in read("/proc/net/if_inet6").splitlines():
        address, _, prefix, scope, _, link = line.split()
        if scope in ("00", "20") and link != "lo":  # global, link
            text = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
            found.append(f"{text}/{int(prefix, 16)} {link}")
    return found


def system() -> dict[str, object]:
    """Kernel, distribution and machine, and what they are called."""
    release = os_release()
    return {
        "place": "{} {}".format(read("/proc/sys/kernel/random/boot_id").strip(), os.stat("/proc/self/ns/net").st_ino),
        "root": os.geteuid() == 0,
        "python": list(sys.version_info[:3]),
        "os_id": release.get("ID", ""),
        "os_version": release.get("VERSION_ID", ""),
        "os_name": release.get("PRETTY_NAME", ""),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "systemd": os.path.isdir("/run/systemd/system"),
        "hostname": socket.gethostname(),
        "machine_id": read("/etc/machine-id").strip(),
        "cpus": os.cpu_count() or 0,
        "memory_bytes": memory_bytes(),
        "swap_bytes": swap_bytes(),
    }


def gather() -> dict[str, object]:
    started = time.time()
    services = units("containerd", "systemd-networkd", "dhcpcd", *OTHER_KUBELETS)
    return {
        **system(),
        "filesystems": filesystems(),
        "inotify": inotify(),
        "missing_features": missing_features(),
        "cgroup_controllers": cgroup_controllers(),
        "listeners": holders_of(listening_inodes()),
        "name_servers": holders_of(name_server_inodes()),
        "subnets": subnets(),
        "ipv6": ipv6(),
        "default_route": has_default_route(),
        "resolvers": resolvers(read("/etc/resolv.conf")),
        "link_managers": link_managers(services),
        "runtime": runtime(services.get("containerd", {})),
        "other_kubelets": [name for name in OTHER_KUBELETS if services.get(name, {}).get("ActiveState") == "active"],
        "made_with": made_with(),
        "membership": membership(),
        "release": release_in_use(),
        "store_schema": store_schema(),
        "own_store": own_store(),
        "kubelet": any(map(os.path.exists, KUBELET)),
        "shared_store": shared_store(),
        "clock_started": started,
        "clock_ended": time.time(),
    }


if __name__ == "__main__":
    json.dump(gather(), sys.stdout)
