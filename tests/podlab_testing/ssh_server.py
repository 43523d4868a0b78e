"""An SSH server of the tests' own on loopback: a real sshd, real keys."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")


@dataclass(frozen=True)
class Server:
    port: int
    key: Path
    known_hosts: Path

    def arguments(self, known_hosts: Path | None = None) -> str:
        return f"-oUserKnownHostsFile={known_hosts or self.known_hosts} -oGlobalKnownHostsFile=/dev/null"


@contextmanager
def ssh_server(folder: Path) -> Iterator[Server]:
    """A server that runs until the block is left. Needs openssh-server and root."""
    with reserved_ports(1) as (port,):
        yield from _serve(folder, port)


def _serve(folder: Path, port: int) -> Iterator[Server]:
    for name in ("host_key", "user_key", "other_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, timeout=WITHIN_S)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nMaxStartups 100\nUseDNS no\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        wait_until_open(port, folder / "log")
        yield Server(port, folder / "user_key", folder / "known_hosts")
    finally:
        process.terminate()
        process.wait(timeout=WITHIN_S)


def wait_until_open(port: int, log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
