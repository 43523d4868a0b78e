"""What a base image is made of. Pure: the same machine settings give the same recipe and so the same digest."""

import hashlib
import json
from dataclasses import asdict, dataclass

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
    """Everything that decides what the base image holds. `suite` is a release of Debian by its name."""

    suite: str
    sources: tuple[str, ...]
    apt_options: tuple[str, ...]
    certificates: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        own = asdict(self)
        content = [own.pop("suite"), PACKAGES, FILES, LINKS, REMOVED, own]
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
            self.suite,
            target,
            *self.sources,
        ]
