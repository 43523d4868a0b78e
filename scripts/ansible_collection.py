"""Builds the Ansible collection podlab.cluster: `python scripts/ansible_collection.py FOLDER` puts its archive there.

What is in `collection/` is its own. Roles and playbooks are those of `playbooks/`, and what these call there
(action plugins, the inventory plugin) is called by its name in the installed package podlab, which goes together with
the collection: they have one version. With `--stage`, the tree stays in FOLDER/ansible_collections/podlab/cluster, as
ansible-test wants it.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "collection"
PLAYBOOKS = ROOT / "playbooks"
INSIDE = Path("ansible_collections/podlab/cluster")
AUTHOR = "Podlab (!UNKNOWN)"
SINCE = "0.1.0"
HEADER = "# Copyright: Podlab contributors\n# Apache License 2.0 (see LICENSE)\n"
ACTION = HEADER + (
    "from __future__ import annotations\n\n"
    "from ansible_collections.podlab.cluster.plugins.plugin_utils.installed import action\n\n"
    'ActionModule = action("{name}")\n'
)
INVENTORY = HEADER + (
    "from __future__ import annotations\n\n"
    'DOCUMENTATION = r"""\n{documentation}"""\n\n'
    'EXAMPLES = r"""\nplugin: podlab.cluster.podlab\ncluster: lab\nvariables: {{ansible_user: root}}\n"""\n\n'
    "import typing as t\n\n"
    "from ansible.plugins.inventory import BaseInventoryPlugin\n"
    "from ansible_collections.podlab.cluster.plugins.plugin_utils.installed import plugin\n\n\n"
    "class InventoryModule(BaseInventoryPlugin):\n"
    '    NAME = "podlab.cluster.podlab"\n\n'
    "    def verify_file(self, path: str) -> bool:\n"
    '        return bool(super().verify_file(path)) and path.endswith(("podlab.yml", "podlab.yaml"))\n\n'
    "    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:\n"
    "        super().parse(inventory, loader, path, cache)\n"
    "        self._read_config_data(path)\n"
    '        fill = plugin("inventory", "podlab").fill\n'
    '        fill(inventory, str(self.get_option("cluster")), dict(self.get_option("variables")))\n'
)
# The one thing that ansible-test wants of each module and this one has not: the licence of Ansible itself.
IGNORED = "validate-modules:missing-gplv3-license"
REQUIRES_ANSIBLE = "2.19"


def version() -> str:
    found = re.search(r'^__version__ = "([^"]+)"', (ROOT / "podlab/__init__.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def stage(target: Path) -> None:
    """The collection's whole tree."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(SOURCE, target, ignore=ignored)
    shutil.copytree(PLAYBOOKS / "roles", target / "roles", ignore=ignored)
    shutil.copy(ROOT / "LICENSE", target)
    fill_in(target / "galaxy.yml", "version: 0.0.0", f"version: {version()}")
    fill_in(target / "plugins/plugin_utils/installed.py", 'VERSION = "0.0.0"', f'VERSION = "{version()}"')
    stage_playbooks(target / "playbooks")
    stage_plugins(target / "plugins")
    ignore_file(target)


def fill_in(path: Path, blank: str, value: str) -> None:
    text = path.read_text()
    assert blank in text, f"{path}: {blank} is not there"
    path.write_text(text.replace(blank, value))


def stage_playbooks(folder: Path) -> None:
    """A collection's playbooks are called by names without dashes."""
    folder.mkdir()
    names = {path.name: path.name.replace("-", "_") for path in PLAYBOOKS.glob("*.yml")}
    for old, new in names.items():
        text = (PLAYBOOKS / old).read_text()
        for one, other in names.items():
            text = text.replace(f"import_playbook: {one}", f"import_playbook: {other}")
        (folder / new).write_text(text)


def stage_plugins(folder: Path) -> None:
    (folder / "action").mkdir()
    (folder / "inventory").mkdir()
    for path in sorted(PLAYBOOKS.glob("action_plugins/*.py")):
        (folder / "action" / path.name).write_text(ACTION.format(name=path.stem))
        told = {"DOCUMENTATION": documented(path), "EXAMPLES": example(path.stem)}
        (folder / "modules" / f"{path.stem}.yml").write_text(HEADER + "---\n" + as_yaml(told))
    source = PLAYBOOKS / "inventory_plugins/podlab.py"
    text = as_yaml(inventory_documentation(yaml.safe_load(constant(source, "DOCUMENTATION"))))
    (folder / "inventory/podlab.py").write_text(INVENTORY.format(documentation=text))


def documented(action: Path) -> dict[str, Any]:
    """What a module says of itself, or where there is an action only, what that says."""
    module = PLAYBOOKS / "library" / action.name
    if module.exists():
        found: dict[str, Any] = yaml.safe_load(constant(module, "DOCUMENTATION"))
    else:
        said = re.sub(r"^Ansible action[^:]*: ", "", ast.get_docstring(ast.parse(action.read_text())) or "")
        short, _, more = (said[:1].upper() + said[1:]).partition("\n\n")
        found = {"module": action.stem, "short_description": one_line(short), "description": [one_line(more or short)]}
    found["short_description"] = found["short_description"].rstrip(".")
    inner = "It is a part of the collection's roles, and changes with them."
    return {**found, "description": [*found["description"], inner], "version_added": SINCE, "author": [AUTHOR]}


def example(name: str) -> str:
    """The first task of our roles and playbooks that is such a one."""
    for path in sorted([*PLAYBOOKS.glob("roles/*/tasks/*.yml"), *PLAYBOOKS.glob("*.yml")]):
        for task in tasks_of(yaml.safe_load(path.read_text())):
            if name in task:
                return as_yaml(
                    [{f"podlab.cluster.{key}" if key == name else key: value for key, value in task.items()}]
                )
    raise KeyError(f"no role or playbook uses {name}")


def tasks_of(found: object) -> Iterator[dict[str, Any]]:
    """All tasks of a file, also those inside of plays and blocks."""
    for each in found if isinstance(found, list) else []:
        if isinstance(each, dict):
            yield each
            for inner in ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always"):
                yield from tasks_of(each.get(inner))


def inventory_documentation(found: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, dict[str, Any]] = found["options"]
    options["plugin"]["choices"] = ["podlab.cluster.podlab"]
    options["plugin"]["type"] = "str"
    return {**found, "name": "podlab", "author": [AUTHOR], "version_added": SINCE, "options": options}


def one_line(text: str) -> str:
    return " ".join(text.split())


def constant(path: Path, name: str) -> str:
    """The text that a module of this name's source gives a constant."""
    for each in ast.parse(path.read_text()).body:
        if isinstance(each, ast.Assign) and [getattr(target, "id", "") for target in each.targets] == [name]:
            return str(ast.literal_eval(each.value))
    raise KeyError(f"{path}: there is no {name}")


def as_yaml(value: object) -> str:
    class Indented(yaml.SafeDumper):
        """Lists stand further right than what they belong to, as yamllint wants it."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(value, Dumper=Indented, sort_keys=False, width=120, allow_unicode=True)


def ignore_file(target: Path) -> None:
    modules = sorted(path for path in (target / "plugins").rglob("*") if path.parent.name in ("modules", "inventory"))
    lines = [f"{path.relative_to(target)} {IGNORED}\n" for path in modules]
    folder = target / "tests/sanity"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"ignore-{REQUIRES_ANSIBLE}.txt").write_text("".join(lines))


def build(tree: Path, folder: Path) -> Path:
    command = ["collection", "build", str(tree), "--output-path", str(folder), "--force"]
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    subprocess.run([galaxy, *command], check=True, stdout=subprocess.DEVNULL, timeout=120)
    return folder / f"podlab-cluster-{version()}.tar.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stage", action="store_true", help="leave the tree there instead of an archive")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.stage:
        shutil.rmtree(folder / INSIDE, ignore_errors=True)
        stage(folder / INSIDE)
        print(folder / INSIDE)
        return
    with tempfile.TemporaryDirectory(prefix="podlab-collection-") as temporary:
        stage(Path(temporary) / INSIDE)
        print(build(Path(temporary) / INSIDE, folder))


if __name__ == "__main__":
    main()
