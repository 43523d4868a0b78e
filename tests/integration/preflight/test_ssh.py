"""Preflight against an SSH server of its own on loopback: a real sshd, real keys, the probe really run."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from podlab.preflight.facts import Facts, Host, Unusable
from podlab.preflight.inventory import Inventory
from podlab.preflight.ssh import gather

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")

pytestmark = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="a server of our own needs openssh-server and root"
)


@dataclass(frozen=True)
class Server:
    port: int
    key: Path
    known_hosts: Path

    def variables(self, **changes: Any) -> dict[str, Any]:
        fit = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-oUserKnownHostsFile={self.known_hosts} -oGlobalKnownHostsFile=/dev/null "
            "-oIdentitiesOnly=yes",
        }
        return fit | changes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host_key", "user_key", "other_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, timeout=30)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
    host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\n"
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
        process.wait(timeout=10)


def wait_until_open(port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def outcome_of(variables: dict[str, Any]) -> Facts | Unusable:
    return gather(Inventory((Host(name="n1", groups=frozenset({"nodes"}), variables=variables),)))["n1"]


def test_facts_are_read_over_ssh(server: Server) -> None:
    facts = outcome_of(server.variables())
    assert isinstance(facts, Facts), facts
    assert facts.root
    assert facts.peer == ("127.0.0.1", server.port)
    assert facts.hostname == socket.gethostname()
    assert facts.memory_bytes > 1 << 27
    assert server.port in {listener.port for listener in facts.listeners}
    # Both clocks are the same one.
    low, high = facts.clock_ahead_s
    assert low <= 0 <= high


def test_who_holds_a_port_is_seen(server: Server) -> None:
    facts = outcome_of(server.variables())
    assert isinstance(facts, Facts), facts
    assert {listener.process for listener in facts.listeners if listener.port == server.port} == {"sshd"}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (lambda _: {"ansible_host": "host.invalid"}, "the name host.invalid does not resolve"),
        (lambda _: {"ansible_port": 1}, "127.0.0.1 port 1 refuses connections"),
        (
            lambda server: {"ansible_ssh_private_key_file": str(server.key.with_name("other_key"))},
            "refuses the login as root with",
        ),
        (
            lambda _: {"ansible_ssh_common_args": "-oUserKnownHostsFile=/dev/null -oGlobalKnownHostsFile=/dev/null"},
            "its SSH host key is not known (ssh-ed25519 SHA256:",
        ),
        (lambda _: {"ansible_port": "ssh"}, "ansible_port is 'ssh', not a port number"),
    ],
)
def test_what_keeps_us_out_is_told_with_a_remedy(
    server: Server, changes: Callable[[Server], dict[str, Any]], cause: str
) -> None:
    outcome = outcome_of(server.variables(**changes(server)))
    assert isinstance(outcome, Unusable), outcome
    assert cause in outcome.cause
    assert outcome.remedy


def test_a_changed_host_key_is_told_apart_from_an_unknown_one(server: Server, tmp_path: Path) -> None:
    changed = tmp_path / "known_hosts"
    other = " ".join(server.key.with_name("other_key.pub").read_text().split()[:2])
    changed.write_text(f"[127.0.0.1]:{server.port} {other}\n")
    outcome = outcome_of(server.variables(ansible_ssh_common_args=f"-oUserKnownHostsFile={changed}"))
    assert isinstance(outcome, Unusable)
    assert "its SSH host key has changed" in outcome.cause
    assert "ssh-keygen -R" in outcome.remedy


def test_an_unknown_host_key_is_accepted_where_checking_is_off(server: Server) -> None:
    arguments = "-oUserKnownHostsFile=/dev/null -oGlobalKnownHostsFile=/dev/null -oStrictHostKeyChecking=no"
    assert isinstance(outcome_of(server.variables(ansible_ssh_common_args=arguments)), Facts)


def test_a_server_that_is_no_ssh_server_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        port = other.getsockname()[1]
        hang_up = pool.submit(lambda: other.accept()[0].close())
        outcome = outcome_of({"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_user": "root"})
        hang_up.result(timeout=10)
    assert isinstance(outcome, Unusable)
    assert f"no SSH session with 127.0.0.1 port {port}" in outcome.cause


def test_a_local_host_is_probed_without_ssh() -> None:
    assert isinstance(outcome_of({"ansible_connection": "local"}), Facts)
