"""Build hook: makes what is generated from protos/ before it is packed, and packs what deploys a cluster with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))


CONTROLLER = (
    "pyproject.toml",
    "README.md",
    "ansible.cfg",
    "playbooks",
    "inventory/lab/group_vars",
    "examples",
    "tests/verify",
)


class ProtosHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs scripts/protos.py, without the type stubs that only developers need."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        from protos import generate

        root = Path(self.root)
        generate(root, stubs=False)
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"] = {
                str(root / name): f"podlab/project/{name}" for name in controller_files(root)
            }


def controller_files(root: Path) -> list[str]:
    """What deploys a cluster besides the packages: in a wheel it is in podlab/project."""
    inventories = [f"inventory/{path.name}" for path in root.glob("inventory/*") if path.name != "lab"]
    return [*CONTROLLER, *inventories]
