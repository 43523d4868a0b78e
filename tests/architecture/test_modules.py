"""What modules of ours say of themselves can be read: the Ansible collection is built from it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from podlab_testing.source_code import PROJECT


@pytest.mark.parametrize("path", sorted(PROJECT.glob("playbooks/library/*.py")), ids=lambda path: path.stem)
def test_a_module_s_documentation_is_yaml(path: Path) -> None:
    values = {
        target.id: each.value
        for each in ast.parse(path.read_text()).body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    told = yaml.safe_load(ast.literal_eval(values["DOCUMENTATION"]))
    assert told["module"] == path.stem
