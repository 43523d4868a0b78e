"""Ansible modules of ours, which are no package's, as Python modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from podlab_testing.source_code import PROJECT

LIBRARY = PROJECT / "playbooks/library"
COLLECTION = PROJECT / "collection/plugins/module_utils"


def load(name: str, folder: Path = LIBRARY) -> Any:
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
