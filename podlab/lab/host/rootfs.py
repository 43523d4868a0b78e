"""A host's root: an overlay over the base image, and the few files that make it this host."""

import shutil
import time
import uuid
from pathlib import Path

from podlab.lab.command import run, succeeds
from podlab.lab.errors import LabError
from podlab.lab.host import leftovers
from podlab.lab.paths import STATE, HostDir, LabDir
from podlab.lab.spec import LabHost, LabSpec, machine_name

MOUNTS = Path("/proc/self/mounts")
# systemd-resolved's stub answers on loopback, which is another loopback inside a host: take its real servers.
RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
UNMOUNT_WITHIN_S = 5.0


def mount(spec: LabSpec, host: LabHost, directory: HostDir, image: Path) -> None:
    """Mount the host's root if it is not mounted; what the host wrote before is there again."""
    for needed in (directory.upper, directory.work, directory.filesystem, directory.containerd):
        needed.mkdir(parents=True, exist_ok=True)
    if directory.filesystem.is_mount():
        return
    if not image.is_dir():
        raise LabError(f"base image {image} of lab {spec.name} is gone: podlab lab destroy --lab {spec.name}")
    layers = f"lowerdir={image},upperdir={directory.upper},workdir={directory.work}"
    name = machine_name(spec.name, host.name)
    try:
        run(["mount", "-t", "overlay", name, "-o", layers, str(directory.filesystem)])
    except LabError as error:
        raise LabError(f"{error}; {STATE} must be on ext4, xfs or btrfs, not on an overlay itself") from error


def write_identity(spec: LabSpec, host: LabHost, lab: LabDir) -> None:
    """Name, address, keys and resolver. Machine-id, host key and /etc/hosts stay what they were once made or became."""
    directory = lab.host(host.name)
    for name, content in _settings(spec, host).items():
        _write(directory.filesystem / name, content)
    machine_id = directory.filesystem / "etc/machine-id"
    if not machine_id.exists() or not machine_id.read_text().strip():
        _write(directory.filesystem / "etc/hosts", _hosts(host))
        _write(machine_id, f"{uuid.uuid4().hex}\n", mode=0o444)
    _write(directory.filesystem / "etc/resolv.conf", _resolver())
    _write(directory.filesystem / "etc/ssh/ssh_host_ed25519_key", directory.host_key.read_text(), mode=0o600)
    public = directory.host_key.with_suffix(".pub").read_text()
    _write(directory.filesystem / "etc/ssh/ssh_host_ed25519_key.pub", public)
    (directory.filesystem / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    authorized = lab.key.with_suffix(".pub").read_text()
    _write(directory.filesystem / "root/.ssh/authorized_keys", authorized, mode=0o600)


def mounts_below(root: Path) -> list[Path]:
    """Mount points inside a directory of this machine, innermost first."""
    targets = [Path(_unescaped(line.split()[1])) for line in MOUNTS.read_text().splitlines()]
    return sorted((target for target in targets if target.is_relative_to(root)), reverse=True)


def unmount_below(root: Path) -> None:
    """Unmount all that is inside a directory, and forget the locks that a killed host left on it."""
    for target in mounts_below(root):
        leftovers.lock_of(target).unlink(missing_ok=True)
        _unmount(target)


def remove_tree(root: Path) -> None:
    """Delete a lab's files; never through a mount that is still there."""
    if left := mounts_below(root):
        raise LabError(f"{left[0]} is still mounted: unmount it, then destroy the lab again")
    if root.exists():
        shutil.rmtree(root)


def _settings(spec: LabSpec, host: LabHost) -> dict[str, str]:
    segment = spec.segment_of(host)
    return {
        "etc/hostname": f"{host.name}\n",
        "etc/systemd/network/10-host0.network": (
            "[Match]\nName=host0\n\n"
            "[Network]\n"
            f"Address={host.address}/{segment.network.prefixlen}\n"
            f"Gateway={segment.gateway}\n"
            f"Address={host.address_ipv6}/{segment.network_ipv6.prefixlen}\n"
            # Nobody else has its address, and nothing shall wait until that is found out.
            "IPv6DuplicateAddressDetection=0\n"
            "LinkLocalAddressing=ipv6\nIPv6AcceptRA=no\nLLDP=no\n\n"
            # What a host sends to a Service's address needs a way before the rules see it. The world is IPv4's.
            f"[Route]\nDestination=fd00::/8\nGateway={segment.gateway_ipv6}\n"
        ),
    }


def _hosts(host: LabHost) -> str:
    return f"127.0.0.1\tlocalhost\n127.0.1.1\t{host.name}\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def _resolver() -> str:
    for source in RESOLVERS:
        if source.exists():
            return source.read_text()
    return ""


def _write(path: Path, content: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_text(content)
    path.chmod(mode)


def _unmount(target: Path) -> None:
    """The kernel may hold a mount busy for a moment after the host's last process died."""
    deadline = time.monotonic() + UNMOUNT_WITHIN_S
    while not succeeds(["umount", str(target)]):
        if time.monotonic() > deadline:
            run(["umount", "--lazy", str(target)])
            return
        time.sleep(0.1)


def _unescaped(field: str) -> str:
    """/proc/self/mounts writes blanks and backslashes in octal."""
    return field.encode().decode("unicode_escape")
