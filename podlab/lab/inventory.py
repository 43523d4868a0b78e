"""The lab as an Ansible inventory: ordinary SSH hosts in the groups `masters` and `nodes`."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import yaml

from podlab.client.config import home
from podlab.deploy.release.sources import project_root
from podlab.lab import ssh
from podlab.lab.paths import LabDir
from podlab.lab.spec import LabSpec

DEFAULT_LAB = "lab"
DUAL_STACK = {
    "podlab_pod_cidr": "10.244.0.0/16,fd00:10:244::/56",
    "podlab_service_cidr": "10.96.0.0/16,fd00:10:96::/112",
}
GROUPS = ("masters", "nodes")
HEADER = "# Written by `podlab lab create`; changed by hand it is overwritten.\n"


def render(spec: LabSpec, lab: LabDir, ingress: Sequence[str] = ()) -> dict[str, object]:
    return {
        "all": {
            "vars": {
                "podlab_cluster": spec.name,
                "podlab_load_balancer_pool": _load_balancers(spec),
                **(DUAL_STACK if spec.dual_stack else {}),
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(lab.key),
                "ansible_ssh_common_args": " ".join(ssh.options(lab)),
                "ansible_python_interpreter": "/usr/bin/python3",
            },
            "children": {group: {"hosts": _hosts(spec, group)} for group in GROUPS} | _ingress(ingress),
        }
    }


def write(spec: LabSpec, lab: LabDir, project: Path, ingress: Sequence[str] = ()) -> Path:
    """Write .podlab/<lab>/inventory in the project's directory; its group variables are those of every lab."""
    directory = inventory_dir(spec.name, project)
    directory.mkdir(parents=True, exist_ok=True)
    directory.parent.chmod(0o700)
    hosts = directory / "hosts.yml"
    hosts.write_text(HEADER + yaml.safe_dump(render(spec, lab, ingress), sort_keys=False))
    own = project / "inventory/lab/group_vars"
    _link(directory / "group_vars", own if own.is_dir() else project_root() / "inventory/lab/group_vars")
    if spec.name == DEFAULT_LAB and (project / "inventory/lab").is_dir():
        _link(project / "inventory/lab/hosts.yml", hosts)
    return hosts


def remove(lab: str, project: Path) -> None:
    """Remove the state of the cluster that ran on the lab, keys included; never that of a cluster on other hosts."""
    directory = inventory_dir(lab, project)
    hosts = directory / "hosts.yml"
    if not hosts.exists() or not hosts.read_text().startswith(HEADER):
        return
    if lab == DEFAULT_LAB:
        (project / "inventory/lab/hosts.yml").unlink(missing_ok=True)
    shutil.rmtree(directory.parent)
    with suppress(OSError):  # other clusters stay
        directory.parent.parent.rmdir()


def project_dir(start: Path | None = None) -> Path:
    """The project that the working directory is in, or else where this user's clusters are."""
    here = (start or Path.cwd()).resolve()
    return next((place for place in (here, *here.parents) if (place / "inventory/lab").is_dir()), home())


def inventory_dir(lab: str, project: Path) -> Path:
    return project / ".podlab" / lab / "inventory"


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _load_balancers(spec: LabSpec) -> list[str]:
    return [spec.load_balancers, *([spec.load_balancers_ipv6] if spec.dual_stack else [])]


def _ingress(nodes: Sequence[str]) -> dict[str, dict[str, dict[str, None]]]:
    """Those that serve Ingresses."""
    return {"ingress": {"hosts": dict.fromkeys(nodes)}} if nodes else {}


def _hosts(spec: LabSpec, group: str) -> dict[str, dict[str, str]]:
    return {host.name: {"ansible_host": host.address} for host in spec.hosts if host.group == group}
