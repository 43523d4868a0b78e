"""What a base image is made of. Pure: the same machine settings give the same recipe and so the same digest."""

import hashlib
import json
from dataclasses import asdict, dataclass

SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "iproute2",
    "iputils-ping",
    "ca-certificates",
    "iptables",
    "sudo",
)

# Settings of this machine's apt that decide whether apt can reach the mirror at all.
APT_SETTINGS = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)

FILES = {
    "etc/hostname": "lab\n",
    # Packages of a throwaway host need not survive a power cut, and two processors sync slowly.
    "etc/dpkg/dpkg.cfg.d/lab": "force-unsafe-io\n",
    # A container that ignores SIGTERM must not hold up a power-off for 90 s.
    "etc/systemd/system.conf.d/lab.conf": "[Manager]\nDefaultTimeoutStopSec=10s\n",
    # nspawn mounts cgroup v1 controllers read-only; containers inside need them writable. A no-op on v2.
    "etc/systemd/system/lab-cgroups.service": (
        "[Unit]\n"
        "Description=Make the cgroup v1 controllers writable\n"
        "DefaultDependencies=no\n"
        "Before=sysinit.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        'ExecStart=/bin/sh -c \'grep " cgroup ro" /proc/self/mounts | cut -d" " -f2 |'
        " xargs -r -n1 mount -o remount,bind,rw'\n"
    ),
}
LINKS = {
    "etc/systemd/system/sysinit.target.wants/lab-cgroups.service": "/etc/systemd/system/lab-cgroups.service",
    # Nothing may take processor time or apt's lock in a lab host unasked, and a fixed address needs no waiting.
    **{
        f"etc/systemd/system/{unit}": "/dev/null"
        for unit in (
            "apt-daily.timer",
            "apt-daily-upgrade.timer",
            "dpkg-db-backup.timer",
            "e2scrub_all.timer",
            "fstrim.timer",
            "e2scrub_reap.service",
            "systemd-networkd-wait-online.service",
            "console-getty.service",
        )
    },
}
REMOVED = ("etc/ssh/ssh_host_*_key*", "etc/machine-id", "var/log/*.log", "var/log/apt/*")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what the base image holds."""

    sources: tuple[str, ...]
    apt_options: tuple[str, ...]
    certificates: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        content = [SUITE, PACKAGES, FILES, LINKS, REMOVED, asdict(self)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def mmdebstrap(self, target: str) -> list[str]:
        """The command that makes the packages' part of the image at target.

        apt's lists stay: the first `apt-get update` of a host then fetches only what is new.
        """
        return [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            "--skip=cleanup/apt/lists",
            *(f"--aptopt={option}" for option in self.apt_options),
            '--customize-hook=chroot "$1" systemctl --quiet enable systemd-networkd.service',
            '--customize-hook=mkdir -p "$1/usr/local/share/ca-certificates"',
            *(f"--customize-hook=copy-in {path} /usr/local/share/ca-certificates" for path, _ in self.certificates),
            '--customize-hook=chroot "$1" update-ca-certificates',
            SUITE,
            target,
            *self.sources,
        ]


def sources(targets: str) -> tuple[str, ...]:
    """This machine's own Debian mirrors for the suite, from `apt-get indextargets` (see image.py for its format).

    None, where the machine runs something else: mmdebstrap then uses its default mirror.
    """
    lines = []
    for line in targets.splitlines():
        origin, uri, release, component = line.split("|")
        if origin == "Debian" and component == "main" and release.split("-")[0] == SUITE:
            lines.append(f"deb {uri} {release} {component}")
    return tuple(dict.fromkeys(lines))


def apt_options(dump: str, environment: dict[str, str]) -> tuple[str, ...]:
    """The settings to repeat inside, from `apt-config dump`, and from the proxy variables that apt obeys."""
    wanted = [line for line in dump.splitlines() if line.split(" ")[0] in APT_SETTINGS and not line.endswith('"";')]
    for scheme in ("http", "https"):
        setting = f"Acquire::{scheme}::Proxy"
        if (proxy := environment.get(f"{scheme}_proxy")) and not any(line.startswith(setting) for line in wanted):
            wanted.append(f'{setting} "{proxy}";')
    return tuple(wanted)
