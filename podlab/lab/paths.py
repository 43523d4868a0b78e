"""Where labs keep what they need on this machine. Pure: nothing here touches the disk."""

from dataclasses import dataclass
from pathlib import Path

from podlab.lab.spec import check_lab_name

STATE = Path("/var/lib/podlab")
CACHE = Path("/var/cache/podlab")


@dataclass(frozen=True)
class StateDir:
    """The machine-wide state of all labs."""

    root: Path = STATE

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def lock(self) -> Path:
        """Held while subnets are given out and machine-wide settings change; no lab can have its name."""
        return self.locks / ".machine"

    def lab_lock(self, name: str) -> Path:
        """Outside the lab's directory, so that the directory can be deleted under the lock."""
        return self.locks / name

    @property
    def kernel(self) -> Path:
        """What the kernel settings were that labs changed."""
        return self.root / "kernel.json"

    @property
    def labs(self) -> Path:
        return self.root / "labs"

    def lab(self, name: str) -> "LabDir":
        check_lab_name(name)
        return LabDir(self.labs / name)


@dataclass(frozen=True)
class LabDir:
    """The state of one lab."""

    root: Path

    @property
    def record(self) -> Path:
        return self.root / "lab.json"

    @property
    def key(self) -> Path:
        return self.root / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    def host(self, name: str) -> "HostDir":
        return HostDir(self.root / "hosts" / name)


@dataclass(frozen=True)
class HostDir:
    """The state of one host: its overlay, containerd's own directory and its supervisor's record."""

    root: Path

    @property
    def upper(self) -> Path:
        return self.root / "upper"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def filesystem(self) -> Path:
        """The host's root file system while it is mounted."""
        return self.root / "root"

    @property
    def containerd(self) -> Path:
        """Bound over /var/lib/containerd: an overlay cannot be the upper layer of containerd's overlays."""
        return self.root / "containerd"

    @property
    def host_key(self) -> Path:
        return self.root / "ssh_host_ed25519_key"

    @property
    def console(self) -> Path:
        return self.root / "console.log"

    @property
    def supervisor_log(self) -> Path:
        return self.root / "supervisor.log"

    @property
    def run(self) -> Path:
        """Which processes run this host, or how it went off; written by its supervisor."""
        return self.root / "run.json"
