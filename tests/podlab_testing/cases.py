"""Tables of cases that stand beside their test as YAML: a list of mappings, each of which `says` what is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet

Case = dict[str, Any]


def cases(test_file: str, name: str) -> list[ParameterSet]:
    """The cases of cases/<name>.yaml in the folder of the test, for pytest.mark.parametrize."""
    text = (Path(test_file).parent / "cases" / f"{name}.yaml").read_text()
    return [pytest.param(case, id=case["says"]) for case in yaml.safe_load(text)]
