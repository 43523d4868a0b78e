"""Whether what is put on a host finds room there and may be written at all; and whether it may watch enough files."""

from collections.abc import Iterator
from typing import Final

from podlab.deploy.preflight.checks.requirements import INOTIFY_INSTANCES, required_amounts
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, FileSystem, Host

_MIB: Final = 1 << 20


def disks(host: Host, facts: Facts) -> Iterator[Finding]:
    """Each file system once, with all that needs it."""
    room = required_amounts(host).room_bytes
    for filesystem in facts.filesystems:
        needs = {name: room[name] for name in filesystem.directories if name in room}
        if filesystem.read_only and needs:
            yield error(
                host.name,
                "disk",
                f"the file system of {_listed(needs)} is read-only",
                f"make it writable: mount -o remount,rw {next(iter(needs))} where that is a mount point of its own",
            )
        else:
            yield from _room(host, filesystem, {name: need for name, need in needs.items() if need})


def watches(host: Host, facts: Facts) -> Iterator[Finding]:
    """Whoever may raise the limit gets it raised by site.yml."""
    given = facts.inotify
    if "nodes" in host.groups and given.instances < INOTIFY_INSTANCES and not given.raisable:
        yield warning(
            host.name,
            "inotify",
            f"fs.inotify.max_user_instances is {given.instances} and cannot be raised from here: "
            f"with many pods, containerd and programs in pods will fail to watch files",
            f"on the machine beneath: sysctl -w fs.inotify.max_user_instances={INOTIFY_INSTANCES}",
        )


def _room(host: Host, filesystem: FileSystem, needs: dict[str, int]) -> Iterator[Finding]:
    needed = max(needs.values(), default=0)
    free = f"{filesystem.free_bytes // _MIB} MiB are free for {_listed(needs)}"
    if filesystem.free_bytes < needed:
        yield error(
            host.name,
            "disk",
            f"only {free}; {needed // _MIB} MiB are needed",
            "free some space or enlarge the disk (preflight_disk_mib in the inventory sets what is required)",
        )
    elif filesystem.free_bytes < 2 * needed:
        yield warning(host.name, "disk", f"{free}: little will fit", "free some space or enlarge the disk")


def _listed(names: dict[str, int]) -> str:
    return ", ".join(sorted(names))
