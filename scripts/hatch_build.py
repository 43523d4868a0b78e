"""Build hook: makes what is generated from protos/ before it is packed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))


class ProtosHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs scripts/protos.py, without the type stubs that only developers need."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        from protos import generate

        generate(Path(self.root), stubs=False)
