from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from podlab_testing.source_code import PROJECT

from podlab import __version__


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's contents."""
    folder = tmp_path_factory.mktemp("collection")
    command = [sys.executable, str(PROJECT / "scripts/ansible_collection.py"), str(folder)]
    made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    assert Path(made) == folder / f"podlab-cluster-{__version__}.tar.gz"
    with tarfile.open(made) as archive:
        archive.extractall(folder / "tree")
    return folder / "tree"


def test_every_role_and_playbook_is_in_it(packed: Path) -> None:
    for role in (PROJECT / "playbooks/roles").iterdir():
        assert (packed / "roles" / role.name / "meta/main.yml").exists()
    books = {path.name.replace("-", "_") for path in (PROJECT / "playbooks").glob("*.yml")}
    assert {path.name for path in (packed / "playbooks").glob("*.yml")} == books
    for book in packed.glob("playbooks/*.yml"):
        for play in yaml.safe_load(book.read_text()):
            imported = play.get("ansible.builtin.import_playbook")
            assert imported is None or (packed / "playbooks" / imported).exists()


def test_every_action_of_the_roles_is_there_and_explained(packed: Path) -> None:
    for action in (PROJECT / "playbooks/action_plugins").glob("*.py"):
        assert f'action("{action.stem}")' in (packed / "plugins/action" / action.name).read_text()
        told = yaml.safe_load((packed / f"plugins/modules/{action.stem}.yml").read_text())
        assert told["DOCUMENTATION"]["module"] == action.stem
        assert f"podlab.cluster.{action.stem}" in told["EXAMPLES"]


def test_it_has_the_package_s_version(packed: Path) -> None:
    assert f'VERSION = "{__version__}"' in (packed / "plugins/plugin_utils/installed.py").read_text()
    assert f'"version": "{__version__}"' in (packed / "MANIFEST.json").read_text()
