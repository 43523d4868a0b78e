"""Keys and SSH commands of a lab: strict host key checking, and nothing taken from the user's own settings."""

import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from podlab.lab import invoker
from podlab.lab.command import run
from podlab.lab.paths import LabDir
from podlab.lab.spec import LabHost, LabSpec


def make_keys(spec: LabSpec, lab: LabDir) -> None:
    """The lab's key and each host's own, where missing, and the known_hosts that goes with them."""
    _make_key(lab.key, f"podlab lab {spec.name}")
    invoker.give(lab.key)  # `podlab lab ssh` and the playbooks need no root
    lines = []
    for host in spec.hosts:
        key = lab.host(host.name).host_key
        _make_key(key, f"{host.name} of podlab lab {spec.name}")
        algorithm, public, *_ = key.with_suffix(".pub").read_text().split()
        lines.append(f"{host.address} {algorithm} {public}\n")
    lab.known_hosts.write_text("".join(lines))
    lab.known_hosts.chmod(0o644)


def options(lab: LabDir) -> tuple[str, ...]:
    return (
        f"-oUserKnownHostsFile={lab.known_hosts}",
        "-oGlobalKnownHostsFile=/dev/null",
        "-oStrictHostKeyChecking=yes",
        "-oIdentitiesOnly=yes",
    )


def command(lab: LabDir, host: LabHost, argv: Sequence[str], *, terminal: bool = False) -> list[str]:
    """Run argv on the host exactly as given, blanks and all; a login shell without argv."""
    remote = [shlex.join(argv)] if argv else []
    tty = ["-t"] if terminal else []
    return [
        "ssh",
        "-F",
        "none",
        "-i",
        str(lab.key),
        *options(lab),
        "-oBatchMode=yes",
        "-oLogLevel=ERROR",
        "-oConnectTimeout=10",
        *tty,
        f"root@{host.address}",
        "--",
        *remote,
    ]


def greets(address: str) -> bool:
    """Whether an SSH server answers there."""
    try:
        with socket.create_connection((address, 22), timeout=1.0) as connection:
            connection.settimeout(2.0)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _make_key(path: Path, comment: str) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
