"""What holds for every role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.source_code import PROJECT

from podlab.deploy.preflight.checks import inventory

ROLES = sorted(path for path in (PROJECT / "playbooks/roles").iterdir() if path.is_dir())

every_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options") or {}
    return found


@every_role
def test_every_role_says_what_it_is_for_and_which_variables_it_takes(role: Path) -> None:
    specs = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]
    assert specs["short_description"]
    for name, option in options(role).items():
        assert option["type"], name
        assert option["description"], name


@every_role
def test_a_role_s_variables_carry_its_name_and_the_defaults_that_are_told_are_true(role: Path) -> None:
    given = read(role / "defaults/main.yml") or {}
    for name, option in options(role).items():
        assert name.startswith(f"{role.name}_")
        if "default" in option and name in given:
            assert option["default"] == given[name], name


@every_role
def test_preflight_checks_the_types_of_every_role_s_variables(role: Path) -> None:
    checked = {role for roles in inventory.ROLES.values() for role in roles}
    assert not options(role) or role.name in checked
