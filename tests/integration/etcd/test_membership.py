"""Three real members of etcd, with what the role gives them: founded together, and one that lost its disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from podlab_testing.ansible_code import load
from podlab_testing.deployed import wait_until
from podlab_testing.etcd import PROGRAM
from podlab_testing.ports import reserved_ports
from podlab_testing.source_code import PROJECT

from podlab.deploy import etcd_certificates

podlab_etcd: Any = load("podlab_etcd")
HOSTS = {"m1": "127.0.0.1", "m2": "127.0.0.2", "m3": "127.0.0.3"}
SETTINGS = PROJECT / "playbooks/roles/etcd/templates/etcd.env.j2"
WITHIN_S = 60

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="there is no etcd: scripts/bootstrap servers")


@dataclass
class Hosts:
    """Stand-ins for hosts: addresses of loopback, a directory each, and etcd's process where systemd would have one."""

    directory: Path
    client_port: int
    peer_port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        return self.directory / name

    def settings(self, name: str) -> dict[str, str]:
        known = {
            "inventory_hostname": name,
            "podlab_address": HOSTS[name],
            "podlab_cluster": "test",
            "podlab_ports": {"etcd": self.client_port, "peers": self.peer_port},
            "etcd_data": str(self.folder(name) / "data"),
            "etcd_quota_mib": 64,
            "etcd_heartbeat_ms": 100,
            "etcd_election_ms": 1000,
        }
        text = Environment().from_string(SETTINGS.read_text()).render(known)
        text = text.replace("0.0.0.0", HOSTS[name]).replace("/etc/podlab/pki", str(self.folder(name)))
        lines = [*text.splitlines(), *(self.folder(name) / "initial").read_text().splitlines()]
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def start(self, name: str) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen([PROGRAM], env=self.settings(name), stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait(10)

    def asked(self, name: str) -> Any:
        return podlab_etcd.Etcd(self.folder(name), self.client_port)

    def wanted(self, name: str) -> Any:
        return podlab_etcd.Wanted(name, HOSTS, self.client_port, self.peer_port)

    def ensure(self, name: str, empty: list[str]) -> bool:
        folder = self.folder(name)
        changed: bool = podlab_etcd.ensure(
            self.asked(name), self.wanted(name), empty, folder / "data", folder / "initial", name
        )
        return changed

    def works(self, name: str) -> bool:
        return self.listed(name) is not None

    def listed(self, name: str) -> list[Any] | None:
        """What the member lists, if it is not cut off."""
        try:
            found: list[Any] = self.asked("m1").members(HOSTS[name])
        except (podlab_etcd.EtcdError, OSError):
            return None
        return found


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    with reserved_ports(2) as ports:
        made = Hosts(tmp_path, *ports)
    etcd_certificates.ensure(tmp_path, HOSTS, [])
    for name in HOSTS:
        shutil.copy(tmp_path / "etcd/ca.crt", made.folder(name) / "etcd-ca.crt")
    monkeypatch.setattr(podlab_etcd, "start", made.start)
    yield made
    for name in list(made.running):
        made.kill(name)


def all_work(hosts: Hosts) -> None:
    for name in HOSTS:
        wait_until(lambda name=name: hosts.works(name), f"{name} answers", WITHIN_S)


def test_members_found_a_cluster_and_one_that_lost_its_disk_comes_back_as_another(hosts: Hosts) -> None:
    for name in HOSTS:
        assert hosts.ensure(name, list(HOSTS))
    for name in HOSTS:
        hosts.start(name)
    all_work(hosts)
    assert not any(hosts.ensure(name, []) for name in HOSTS)
    before = {each.name: each.id for each in hosts.listed("m1") or []}

    hosts.kill("m2")
    shutil.rmtree(hosts.folder("m2") / "data")
    assert hosts.ensure("m2", ["m2"])
    all_work(hosts)

    after = {each.name: each.id for each in hosts.listed("m1") or []}
    assert before.keys() == after.keys() == HOSTS.keys()
    assert {name for name in HOSTS if before[name] != after[name]} == {"m2"}
    assert not any(hosts.ensure(name, []) for name in HOSTS)
