"""Whatever Ansible connects with, preflight connects with: every way is a host of one inventory, all tried at once."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from podlab_testing.ssh_server import SSHD, Server, ssh_server
from podlab_testing.waiting import WITHIN_S

from podlab.deploy.preflight.hosts import port_trial
from podlab.deploy.preflight.hosts.facts import Facts, Unusable
from podlab.deploy.preflight.outcome import Outcome
from podlab.deploy.preflight.playbook import look

pytestmark = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="a server of our own needs openssh-server and root"
)

PASSWORD, VAULT_PASSWORD = "xyzzy", "open sesame"
# Behaves as sudo does where it wants a password: asks with the prompt that it is given, and runs what follows.
SUDO = f"""#!/bin/bash
while [[ $1 == -* ]]; do
    case $1 in
        -n) echo "sudo: a password is required" >&2; exit 1 ;;
        -p) prompt=$2; shift ;;
        -u) shift ;;
    esac
    shift
done
printf %s "$prompt" >&2
IFS= read -r word
[[ $word == {PASSWORD} ]] || {{ echo "Sorry, try again." >&2; exit 1; }}
exec "$@"
"""


class Vaulted(str):
    """Written to an inventory as !vault."""


yaml.SafeDumper.add_representer(Vaulted, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|"))


@dataclass(frozen=True)
class Site:
    server: Server
    folder: Path

    @property
    def options(self) -> str:
        return f"{self.server.arguments()} -oIdentitiesOnly=yes"

    def host(self, **changes: Any) -> dict[str, Any]:
        """This machine's variables; None takes one away."""
        fit = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.server.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.server.key),
            "ansible_ssh_common_args": self.options,
            "ansible_become": False,
        }
        return {name: value for name, value in (fit | changes).items() if value is not None}

    def become(self, **changes: Any) -> dict[str, Any]:
        return self.host(ansible_become=True, ansible_become_exe=str(self.folder / "sudo"), **changes)

    def vaulted(self, text: str) -> Vaulted:
        secret = VaultSecret(VAULT_PASSWORD.encode())
        return Vaulted(VaultLib([("default", secret)]).encrypt(text, secret).decode())

    def inventory(self, hosts: dict[str, dict[str, Any]]) -> Path:
        """One master, and nodes; each has a connection of its own, as it has where hosts are not one and the same."""
        hosts = {name: {"ansible_control_path": f"%(directory)s/{name}", **own} for name, own in hosts.items()}
        first, *others = hosts
        groups = {
            "masters": {"hosts": {first: hosts[first]}},
            "nodes": {"hosts": {name: hosts[name] for name in others}},
        }
        path = self.folder / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"children": groups}}))
        return path


@contextmanager
def agent(key: Path, folder: Path) -> Iterator[Path]:
    """An agent that has the key, whose public half alone is in the folder."""
    socket = folder / "agent"
    shutil.copy(key.with_suffix(".pub"), folder / "in_agent.pub")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        wait_for(socket)
        own = os.environ | {"SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", str(key)], env=own, check=True, timeout=WITHIN_S)
        yield socket
    finally:
        process.terminate()
        process.wait(timeout=WITHIN_S)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not path.exists():
        assert time.monotonic() < deadline, f"there is no {path}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    for name, content, mode in (("sudo", SUDO, 0o755), ("vault", VAULT_PASSWORD, 0o600), ("password", PASSWORD, 0o600)):
        (folder / name).write_text(content)
        (folder / name).chmod(mode)
    patch = pytest.MonkeyPatch()
    patch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "true")  # root becomes root here
    patch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", str(tmp_path_factory.mktemp("cp")))
    with ssh_server(tmp_path_factory.mktemp("sshd")) as server, agent(server.key, folder) as socket:
        patch.setenv("SSH_AUTH_SOCK", str(socket))
        yield Site(server, folder)
    port_trial.end_earlier()
    patch.undo()


@pytest.fixture(scope="module")
def outcome(site: Site) -> Outcome:
    server = site.server
    jump = f'ssh -i {server.key} {site.options} -p {server.port} -W "%h:%p" root@127.0.0.1'
    other_key = server.key.with_name("other_key")
    changed = site.folder / "changed_hosts"
    changed.write_text(f"[127.0.0.1]:{server.port} {' '.join(other_key.with_suffix('.pub').read_text().split()[:2])}\n")
    strict = "-oStrictHostKeyChecking=yes -oIdentitiesOnly=yes"
    hosts = {
        "plain": site.host(),
        "old-names": site.host(
            **dict.fromkeys(("ansible_host", "ansible_port", "ansible_user")),
            ansible_ssh_host="127.0.0.1",
            ansible_ssh_port=server.port,
            ansible_ssh_user="root",
        ),
        "proxy-command": site.host(ansible_ssh_common_args=f"{site.options} -o ProxyCommand='{jump}'"),
        "in-agent": site.host(
            ansible_ssh_private_key_file=None,
            ansible_ssh_common_args=f"{site.options} -oIdentityFile={site.folder / 'in_agent.pub'}",
        ),
        "template": site.host(prefix="127.0.0", ansible_host="{{ prefix }}.1"),
        "vault": site.host(ansible_user=site.vaulted("root"), preflight_memory_mib=site.vaulted("99999999")),
        "sudo-password": site.become(ansible_become_password=PASSWORD),
        "sudo-vault": site.become(ansible_become_pass=site.vaulted(PASSWORD)),
        "local": {"ansible_connection": "local", "ansible_host": "127.0.0.1", "ansible_become": False},
        "unknown-name": site.host(ansible_host="host.invalid", podlab_address="192.0.2.1"),
        "closed-port": site.host(ansible_port=1),
        "other-key": site.host(ansible_ssh_private_key_file=str(other_key)),
        "unknown-host-key": site.host(ansible_ssh_common_args=f"{server.arguments(Path('/dev/null'))} {strict}"),
        "changed-host-key": site.host(ansible_ssh_common_args=f"{server.arguments(changed)} {strict}"),
        "no-password": site.become(),
        "wrong-password": site.become(ansible_become_password="guess"),
        "no-python": site.host(ansible_python_interpreter="/nonexistent/python3"),
    }
    return look(["-i", str(site.inventory(hosts)), "--vault-password-file", str(site.folder / "vault")])


@pytest.mark.parametrize(
    "host",
    ["plain", "old-names", "proxy-command", "in-agent", "template", "vault", "sudo-password", "sudo-vault", "local"],
)
def test_a_host_that_ansible_reaches_is_reached(outcome: Outcome, host: str) -> None:
    facts = outcome.facts()[host]
    assert isinstance(facts, Facts), facts
    assert facts.root
    low, high = facts.clock_ahead_s  # both clocks are the same one
    assert low <= 0 <= high


@pytest.mark.parametrize(
    ("host", "cause", "remedy"),
    [
        ("unknown-name", "Could not resolve hostname host.invalid", "set ansible_host"),
        ("closed-port", "port 1: Connection refused", "set ansible_port"),
        ("other-key", "Permission denied (publickey", "--private-key"),
        ("unknown-host-key", "Host key verification failed", "compare the fingerprint"),
        ("changed-host-key", "REMOTE HOST IDENTIFICATION HAS CHANGED", "ssh-keygen -R"),
        ("no-password", "assword", "--ask-become-pass"),
        ("wrong-password", "Incorrect sudo password", "correct the password"),
        ("no-python", "/nonexistent/python3: not found", "apt-get install python3"),
    ],
)
def test_what_keeps_ansible_out_is_told_with_a_remedy(outcome: Outcome, host: str, cause: str, remedy: str) -> None:
    unusable = outcome.facts()[host]
    assert isinstance(unusable, Unusable), unusable
    assert cause in unusable.cause
    assert remedy in unusable.remedy


def test_values_from_a_vault_are_what_hosts_are_judged_by(outcome: Outcome) -> None:
    (finding,) = [found for found in outcome.findings if (found.host, found.check) == ("vault", "memory")]
    assert "needs 99999999 MiB" in finding.cause


def test_names_of_one_host_are_told_apart_from_hosts(outcome: Outcome) -> None:
    (finding,) = [found for found in outcome.findings if found.check == "address"]
    assert all(name in finding.cause.split() for name in ("plain", "old-names", "local"))
    assert "are one and the same host" in finding.cause


def test_ansible_s_options_are_passed_on(site: Site) -> None:
    hosts = {
        name: {"ansible_host": "127.0.0.1", "ansible_become_exe": str(site.folder / "sudo")} for name in ("m", "n")
    }
    outcome = look(
        [
            *("-i", str(site.inventory(hosts)), "-u", "root", f"--private-key={site.server.key}"),
            *(f"--ssh-common-args={site.options}", "-e", f"ansible_port={site.server.port}", "--become"),
            f"--become-password-file={site.folder / 'password'}",
        ]
    )
    assert [type(facts) for facts in outcome.facts().values()] == [Facts, Facts]
    assert outcome.seen["m"].connection.user == "root"
    assert outcome.seen["m"].connection.port == site.server.port
