"""Every unit of ours is as confined as it can be, by systemd's own measure of the file that is deployed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined, Environment
from podlab_testing.source_code import PROJECT

ROLES = PROJECT / "playbooks/roles"
# Out of 10, which is a service without any limit; what talks on the network cannot get far below 2.
MOST = 2.0
# A pod may ask for any directory of its host, so the kubelet is root and sees it as it is (docs/design/security.md).
# keepalived sends frames and gives its host addresses.
OTHERS = {"kubelet": 5.1, "keepalived": 2.2}


def variables(role: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROLES / role / "vars/main.yml").read_text())
    return found


def units() -> dict[str, dict[str, Any]]:
    """What is a unit's own in the template of all, by the service's name."""
    return {
        **variables("master")["master_services"],
        **variables("node")["node_agents"],
        **variables("ingress")["ingress_services"],
        "haproxy": variables("ingress")["ingress_haproxy"],
        "etcd": variables("etcd")["etcd_unit"],
        "backup": variables("backup")["backup_unit"],
        "resolver": variables("dns")["dns_resolver"],
        "keepalived": variables("keepalived")["keepalived_unit"],
        "registry": variables("registry")["registry_unit"],
    }


def exposure(service: str, unit: dict[str, Any], folder: Path) -> float:
    """What `systemd-analyze security` says of the unit's file, which need not be installed."""
    environment = Environment(undefined=ChainableUndefined, trim_blocks=True)
    template = environment.from_string((ROLES / "podlab/templates/podlab.service.j2").read_text())
    path = folder / f"podlab-{service}.service"
    path.write_text(template.render(podlab_service=service, podlab_unit=unit))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    return float(re.findall(r"\d+\.\d", said.splitlines()[-1])[-1])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze on this machine")
@pytest.mark.parametrize("service", units())
def test_a_unit_is_confined(service: str, tmp_path: Path) -> None:
    found = exposure(service, units()[service], tmp_path)
    assert found <= OTHERS.get(service, MOST), f"{service}: {found}; see systemd-analyze security"


def test_no_unit_is_left_out() -> None:
    """Whatever is rendered with the template of all units is measured."""
    told = [json.dumps(variables(role.name)) for role in ROLES.iterdir() if (role / "vars/main.yml").exists()]
    named = set(re.findall(r"'podlab_unit': (\w+)", " ".join(told)))
    assert named <= {
        "unit",
        "dns_resolver",
        "ingress_haproxy",
        "etcd_unit",
        "backup_unit",
        "keepalived_unit",
        "registry_unit",
    }
