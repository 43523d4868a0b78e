"""Inventories as people write them are judged by Ansible's own reading of them."""

from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from podlab.deploy.preflight.playbook import run

INI = """
[masters]
m1 ansible_ssh_host=192.0.2.11

[nodes]
n1 ansible_host=192.0.2.21 node_labels='{"disk": "ssd"}'
n2 ansible_host=192.0.2.22

[nodes:vars]
node_lease_duration_s=60
node_dns_forwarders=["192.0.2.53"]
node_proxy_localhost_node_ports=no

[all:vars]
podlab_cluster=ini
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "hosts.ini").write_text(INI)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "password").write_text("open sesame")
    vault = VaultLib([("default", secret := VaultSecret(b"open sesame"))])
    hidden = vault.encrypt("ansible_become_password: xyzzy\npodlab_service_cidr: 10.97.0.0/16\n", secret)
    (tmp_path / "group_vars/all.yml").write_bytes(hidden)
    return tmp_path


def judged(site: Path, *options: str) -> tuple[int, str]:
    """Without asking the hosts, which are not there."""
    words = ["-i", str(site / "hosts.ini"), "--vault-password-file", str(site / "password")]
    code, said = run("playbooks/preflight.yml", [*words, "-e", "preflight_enabled=false", *options])
    return code, " ".join(said.split())


def test_an_ini_inventory_with_old_names_and_a_vault_is_right(site: Path) -> None:
    code, said = judged(site)
    assert code == 0, said


def test_what_is_misspelt_or_of_another_type_is_named_with_what_is_meant(site: Path) -> None:
    more = "podlab_adress=192.0.2.1\nnode_taints=dedicated:NoSchedule\nmaster_nod_monitor_grace_s=4\n"
    (site / "hosts.ini").write_text(INI + more)
    code, said = judged(site)
    assert code == 2, said
    assert "podlab_adress is no variable of Podlab's remedy: you may mean podlab_address" in said
    assert "master_nod_monitor_grace_s is no variable of Podlab's remedy: you may mean master_node_mon" in said
    assert "node_taints is 'dedicated:NoSchedule', not a list" in said
    assert 'in INI: node_taints=["a", "b"]' in said
    assert "3 errors" in said
