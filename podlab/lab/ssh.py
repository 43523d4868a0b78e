"""Keys and SSH commands of a lab: strict host key checking, and nothing taken from the user's own settings."""

import shlex
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from podlab.lab import invoker
from podlab.lab.command import run
from podlab.lab.errors import LabError
from podlab.lab.paths import LabDir
from podlab.lab.spec import Host, LabSpec

POLL_S = 0.05


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


def command(lab: LabDir, host: Host, argv: Sequence[str], *, terminal: bool = False) -> list[str]:
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


def wait_until_answers(host: Host, console: Path, *, timeout_s: float) -> None:
    """Wait for the host's SSH server; the error holds the end of the host's console."""
    deadline = time.monotonic() + timeout_s
    while not _greets(host.address):
        if time.monotonic() > deadline:
            said = "\n".join(console.read_text(errors="replace").splitlines()[-15:]) if console.exists() else ""
            raise LabError(f"{host.name} ({host.address}) answers no SSH within {timeout_s:.0f} s; console:\n{said}")
        time.sleep(POLL_S)


def _greets(address: str) -> bool:
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
