from pathlib import Path

import yaml

from podlab.lab import inventory
from podlab.lab.paths import LabDir
from podlab.lab.spec import LabSpec

SPEC = LabSpec(name="lab", masters=1, nodes=2, subnet="10.99.1.0/24")
LAB = LabDir(Path("/var/lib/podlab/labs/lab"))


def project(tmp_path: Path) -> Path:
    (tmp_path / "inventory/lab/group_vars").mkdir(parents=True)
    return tmp_path


def test_hosts_are_ordinary_ssh_hosts_in_groups(tmp_path: Path) -> None:
    written = yaml.safe_load(inventory.write(SPEC, LAB, project(tmp_path), ["n1"]).read_text())["all"]
    assert written["children"] == {
        "masters": {"hosts": {"m1": {"ansible_host": "10.99.1.11"}}},
        "nodes": {"hosts": {"n1": {"ansible_host": "10.99.1.21"}, "n2": {"ansible_host": "10.99.1.22"}}},
        "ingress": {"hosts": {"n1": None}},
    }
    assert written["vars"]["podlab_cluster"] == "lab"
    assert "StrictHostKeyChecking=yes" in written["vars"]["ansible_ssh_common_args"]


def test_the_default_lab_is_also_the_ready_inventory(tmp_path: Path) -> None:
    inventory.write(SPEC, LAB, project(tmp_path))
    inventory.write(SPEC, LAB, tmp_path)
    assert yaml.safe_load((tmp_path / "inventory/lab/hosts.yml").read_text())["all"]["children"]["masters"]
    assert (tmp_path / ".podlab/lab").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".podlab/lab/inventory/group_vars").resolve() == tmp_path / "inventory/lab/group_vars"


def test_removing_takes_the_clusters_keys_along_and_leaves_other_clusters(tmp_path: Path) -> None:
    inventory.write(SPEC, LAB, project(tmp_path))
    (tmp_path / ".podlab/lab/pki").mkdir()
    (tmp_path / ".podlab/home").mkdir()
    inventory.remove("lab", tmp_path)
    inventory.remove("lab", tmp_path)
    assert [entry.name for entry in (tmp_path / ".podlab").iterdir()] == ["home"]
    assert not (tmp_path / "inventory/lab/hosts.yml").is_symlink()
    assert (tmp_path / "inventory/lab/group_vars").is_dir()


def test_a_cluster_on_the_users_own_hosts_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / ".podlab/lab/inventory").mkdir(parents=True)
    (tmp_path / ".podlab/lab/inventory/hosts.yml").write_text("all: {}\n")
    inventory.remove("lab", tmp_path)
    assert (tmp_path / ".podlab/lab/inventory/hosts.yml").exists()


def test_the_project_is_found_from_any_directory_inside_it(tmp_path: Path) -> None:
    (project(tmp_path) / "examples/hello").mkdir(parents=True)
    assert inventory.project_dir(tmp_path / "examples/hello") == tmp_path
    assert inventory.project_dir(tmp_path / "inventory") == tmp_path
