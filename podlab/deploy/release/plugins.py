"""The plugins beside our playbooks, for the Ansible collection's, which only say their names."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from types import ModuleType

from podlab.deploy.release.sources import project_root


@cache
def load(kind: str, name: str) -> ModuleType:
    """`playbooks/<kind>_plugins/<name>.py`. Raises FileNotFoundError."""
    path = project_root() / f"playbooks/{kind}_plugins" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"podlab_{kind}_plugins.{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
