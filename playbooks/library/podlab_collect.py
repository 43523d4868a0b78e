#!/usr/bin/python3
"""Ansible module: what a host knows about itself and about Podlab's services, for a support bundle. Changes nothing.

It opens no file that is there to be secret. What logs and settings hold by mistake is taken out on the controller.
"""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import time
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_collect
short_description: What a host knows about itself and about Podlab's services
description:
  - Returns C(files), a path in the bundle to the text that belongs there, compressed by zlib and as base64.
  - Logs end where they end now, and begin so many lines or bytes before; a program that is missing, fails or takes
    longer than ten seconds is told in its file.
options:
  since: {description: "How old a journal's entries may be, as journalctl takes it.", type: str, default: "-1d"}
  lines: {description: How many lines of each unit's journal., type: int, default: 5000}
  size: {description: How many bytes of each file., type: int, default: 1048576}
author: [Podlab]
"""

OPTIONS = {
    "since": {"type": "str", "default": "-1d"},
    "lines": {"type": "int", "default": 5000},
    "size": {"type": "int", "default": 1048576},
}
WITHIN_S = 10
# All programs of a host together: what is left after that is told as left out.
ALL_WITHIN_S = 60
UNITS = (
    "podlab*",
    "containerd.service",
    "haproxy*",
    "kresd*",
    "kres-*",
    "etcd*",
    "keepalived*",
    "docker-registry*",
    "ssh.service",
)
PROGRAMS: dict[str, list[str]] = {
    "rules/iptables": ["iptables-save", "-c"],
    "rules/ip6tables": ["ip6tables-save", "-c"],
    "rules/iptables-legacy": ["iptables-legacy-save", "-c"],
    "rules/ip6tables-legacy": ["ip6tables-legacy-save", "-c"],
    "rules/nftables": ["nft", "list", "ruleset"],
    "rules/ufw": ["ufw", "status", "verbose"],
    "network/addresses": ["ip", "-details", "address"],
    "network/routes": ["ip", "route", "show", "table", "all"],
    "network/routes-ipv6": ["ip", "-6", "route", "show", "table", "all"],
    "network/routing-rules": ["ip", "rule"],
    "network/neighbours": ["ip", "neighbour"],
    "network/forwarding": ["bridge", "fdb"],
    "network/sockets": ["ss", "--all", "--numeric", "--tcp", "--udp", "--processes"],
    "network/link-statistics": ["ip", "-statistics", "link"],
    "units/status": ["systemctl", "status", "--no-pager", "--lines=0", "--full", "--all", *UNITS],
    "units/failed": ["systemctl", "list-units", "--failed", "--no-pager"],
    "units/timers": ["systemctl", "list-timers", "--all", "--no-pager"],
    "units/start-up": ["systemctl", "list-jobs", "--no-pager"],
    "versions/kernel": ["uname", "-a"],
    "versions/python": ["python3", "--version"],
    "versions/containerd": ["containerd", "--version"],
    "versions/runc": ["runc", "--version"],
    "versions/packages": ["dpkg-query", "--show"],
    "state/containers": ["ctr", "--namespace", "k8s.io", "containers", "list"],
    "state/tasks": ["ctr", "--namespace", "k8s.io", "tasks", "list"],
    "state/images": ["ctr", "--namespace", "k8s.io", "images", "list"],
    "state/disks": ["df", "--human-readable"],
    "state/inodes": ["df", "--inodes"],
    "state/memory": ["free", "--mebi"],
    # Without their arguments, in which others' programs may have passwords.
    "state/processes": ["ps", "-eo", "pid,ppid,user,etimes,rss,stat,comm"],
    "state/clock": ["timedatectl", "status"],
    "state/kernel-log": ["dmesg"],
}
# Where settings are; the tables of Podlab's keys (`pki`) are listed, and none of them is read.
SETTINGS = (
    "/etc/podlab/*.yaml",
    "/etc/podlab/*.conf",
    "/etc/systemd/system/podlab*",
    "/etc/systemd/system/containerd.service.d/*",
    "/etc/containerd/config.toml",
    "/etc/cni/net.d/*",
    "/etc/knot-resolver/*.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/os-release",
    "/etc/sysctl.d/*podlab*",
    "/etc/modules-load.d/*podlab*",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/mounts",
    "/proc/cmdline",
    "/proc/pressure/*",
    "/proc/self/cgroup",
)
SECRET_NAMES = ("*.key", "*.pem", "tokens*", "*encryption*", "*kubeconfig*", "*secret*", "*password*")
LISTED = ("/etc/podlab", "/var/lib/podlab", "/var/log/podlab", "/opt/podlab", "/etc/cni", "/run/podlab-ingress")
LISTED_ENTRIES = 2000


def output(command: list[str]) -> str:
    """What a program prints, or why it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=WITHIN_S)
    except FileNotFoundError:
        return f"{command[0]} is not there\n"
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} did not end within {WITHIN_S} s\n"
    if done.returncode != 0 and not done.stdout:
        return f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}\n"
    return done.stdout


def units() -> list[str]:
    """Those of ours and of what we stand on that systemd knows, and those that only the journal still knows."""
    listed = output(["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", *UNITS])
    known = [line.split()[0] for line in listed.splitlines() if line.split() and "." in line.split()[0]]
    logged = output(["journalctl", "--no-pager", "--field", "_SYSTEMD_UNIT"]).split()
    return list(dict.fromkeys([*known, *(unit for unit in logged if any(fnmatch(unit, like) for like in UNITS))]))


def journal(unit: str, since: str, lines: int) -> str:
    command = ["journalctl", "--no-pager", "--output=short-iso-precise", "--unit", unit, "--since", since]
    return output([*command, "--lines", str(lines)])


def settings() -> Iterator[tuple[str, str]]:
    for pattern in SETTINGS:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            if path.is_file() and not any(fnmatch(path.name.lower(), secret) for secret in SECRET_NAMES):
                yield f"settings{path}", path.read_text(errors="replace")


def listing(top: str) -> str:
    """Modes, owners and sizes of all that is in a folder, and no content."""
    lines = []
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ("site-packages", "bin", "lib")]
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            target = f" -> {os.readlink(path)}" if path.is_symlink() else ""
            lines.append(f"{stat.filemode(found.st_mode)} {found.st_uid} {found.st_gid} {found.st_size} {path}{target}")
            if len(lines) >= LISTED_ENTRIES:
                return "\n".join([*lines, f"... more than {LISTED_ENTRIES}", ""])
    return "\n".join([*lines, ""])


def collected(since: str, lines: int) -> Iterator[tuple[str, str]]:
    ends = time.monotonic() + ALL_WITHIN_S
    for unit in units():
        yield f"journal/{unit}.log", journal(unit, since, lines)
    for name, command in PROGRAMS.items():
        late = time.monotonic() > ends
        yield f"{name}.txt", f"left out: the host was too slow ({ALL_WITHIN_S} s)\n" if late else output(command)
    yield from settings()
    for top in LISTED:
        if Path(top).is_dir():
            yield f"state/files{top}.txt", listing(top)


def packed(text: str, size: int) -> str:
    """The end of the text, whole lines of at most `size` bytes."""
    content = text.encode(errors="replace")
    if len(content) > size:
        tail = content[-size:]
        content = b"... " + str(len(content) - size).encode() + b" bytes before\n" + tail[tail.find(b"\n") + 1 :]
    return base64.b64encode(zlib.compress(content)).decode()


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    found = collected(str(module.params["since"]), int(module.params["lines"]))
    module.exit_json(changed=False, files={path: packed(text, module.params["size"]) for path, text in found})


if __name__ == "__main__":
    main()
