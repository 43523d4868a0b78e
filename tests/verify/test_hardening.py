import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host as Machine

from podlab.deploy.release.sources import project_root
from podlab.deploy.verify import secrets_probe
from podlab.deploy.verify.machines import run_script

KERNEL: dict[str, int] = yaml.safe_load((project_root() / "playbooks/roles/network/defaults/main.yml").read_text())[
    "network_sysctls_hardened"
]


@dataclass(frozen=True)
class Area:
    """Files that belong together, as find(1) is told: whose they are, and the widest mode that any may have."""

    where: str
    owners: tuple[str, ...]
    most: int


AREAS = {
    "units": Area("/etc/systemd/system -name 'podlab-*' -type f", ("root",), 0o644),
    "settings of services": Area("/etc/podlab -maxdepth 1 -name '*.yaml'", ("root",), 0o640),
    "certificates": Area("/etc/podlab/pki -name '*.crt'", ("root",), 0o644),
    "folders of settings": Area("/etc/podlab -type d", ("root",), 0o755),
    "programs": Area("/opt/podlab -type f -perm /022", ("root",), 0o755),
    "the store": Area("/var/lib/podlab/apiserver", ("podlab-apiserver",), 0o700),
    "backups": Area("/var/lib/podlab/backups -maxdepth 0", ("podlab-apiserver",), 0o700),
    "the audit log": Area("/var/log/podlab", ("podlab-apiserver",), 0o700),
    "etcd's data": Area("/var/lib/podlab/etcd -maxdepth 1", ("podlab-etcd",), 0o700),
    "etcd's settings": Area("/etc/podlab -maxdepth 1 -name 'etcd*.env'", ("root",), 0o600),
    "what services share at run time": Area(
        "/run -maxdepth 1 -name 'podlab-*' -type d",
        ("podlab-scheduler", "podlab-controllers", "podlab-proxy", "podlab-dns", "podlab-ingress"),
        0o700,
    ),
    "pods' volumes": Area("/var/lib/podlab/kubelet -maxdepth 0", ("root",), 0o750),
    "the pods' network": Area("/etc/cni/podlab.d -type f", ("root",), 0o600),
    "containerd's socket": Area("/run/containerd/containerd.sock", ("root",), 0o660),
}
EVERYWHERE = ("units", "certificates", "folders of settings", "programs")
ON = {
    "masters": (*EVERYWHERE, "settings of services", "the store", "backups", "the audit log"),
    "nodes": (
        *EVERYWHERE,
        "settings of services",
        "what services share at run time",
        "pods' volumes",
        "the pods' network",
        "containerd's socket",
    ),
    "etcd": ("etcd's data", "etcd's settings"),
}
# There is nothing where all is well, or where the inventory says so; all others are there on a host that was deployed.
MAY_BE_NONE = frozenset({"programs", "backups", "the pods' network"})
SECRETS = (
    "/etc/podlab/pki/*.key",
    "/etc/podlab/pki/tokens.csv",
    "/etc/podlab/pki/encryption.yaml",
    "/etc/podlab/pki/etcd-password",
)
LOGS = ("/var/log/podlab/*", "/var/log/*.log", "/var/log/syslog", "/var/log/containers/*")


@pytest.mark.each("area", ON)
def test_files_are_open_to_those_only_who_need_them(machine: Machine, area: str) -> None:
    """{area}: the files have the owner that they should, and no wider mode."""
    wanted = AREAS[area]
    place = wanted.where.split()[0]
    listing = machine.run(f"test -e {place} && find {wanted.where} -printf '%u %m %p\\n'").stdout
    assert listing or area in MAY_BE_NONE, f"there are none at {place}; run site.yml"
    wrong = []
    for line in listing.splitlines():
        owner, mode, path = line.split(" ", 2)
        if owner not in wanted.owners:
            wrong.append(f"{path} belongs to {owner}, not to {' or '.join(wanted.owners)}")
        elif int(mode, 8) & 0o777 & ~wanted.most:
            wrong.append(f"{path} has mode {mode}, expected {wanted.most:o} or less")
    assert not wrong, f"{'; '.join(wrong[:5])}; run site.yml"


@pytest.mark.on("nodes")
def test_the_kernel_takes_no_ways_from_strangers(machine: Machine) -> None:
    """The kernel neither believes nor sends redirects, and routes no packet as its sender says."""
    names = " ".join(f"/proc/sys/{name.replace('.', '/')}" for name in KERNEL)
    values = machine.check_output(f"cat {names}").split()
    wrong = [
        f"{name} is {found}, expected {wanted}"
        for (name, wanted), found in zip(KERNEL.items(), values, strict=True)
        if found != str(wanted)
    ]
    assert not wrong, f"{'; '.join(wrong)}; run site.yml"


@pytest.mark.on("masters", "nodes", "etcd")
def test_secrets_are_where_they_belong_and_nowhere_else(machine: Machine) -> None:
    """No key, token or password of the cluster's is in a process list, an environment, a log or the journal."""
    answer: Any = run_script(machine, secrets_probe, json.dumps({"files": SECRETS, "logs": LOGS}))
    assert answer["secrets"], f"there is no secret in {Path(SECRETS[0]).parent}; run site.yml"
    assert not answer["found"], f"{'; '.join(answer['found'])}; replace it with rotate-certs.yml or rotate-keys.yml"
