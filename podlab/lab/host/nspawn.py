"""The command that boots a host. Pure."""

from collections.abc import Sequence
from pathlib import Path

from podlab.lab.paths import HostDir
from podlab.lab.spec import machine_name

# nspawn's exit code when the system inside asked for a reboot (see --keep-unit in systemd-nspawn(1)).
REBOOTED = 133


def command(lab: str, host: str, bridge: str, directory: HostDir) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        f"--directory={directory.filesystem}",
        f"--machine={machine_name(lab, host)}",
        f"--hostname={host}",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        f"--network-bridge={bridge}",
        "--notify-ready=no",
        "--console=read-only",
        "--capability=all",
        # The clock is the whole machine's.
        "--drop-capability=CAP_SYS_TIME",
        "--system-call-filter=@keyring bpf",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        f"--bind={directory.containerd}:/var/lib/containerd",
    ]


def inside_groups(argv: Sequence[str], groups: Sequence[Path]) -> list[str]:
    """The command, started as a member of the control groups."""
    enter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", enter, "enter", *map(str, groups), "--", *argv]
