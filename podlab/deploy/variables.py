"""Every variable that an inventory may set: what roles say of theirs in meta/argument_specs.yml, and their defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROLES: Final = "playbooks/roles"


@dataclass(frozen=True)
class Variable:
    """What a role says of one of its variables; `inner` are those of a dictionary."""

    name: str
    type: str
    description: str
    default: object = None
    has_default: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    elements: str = ""
    inner: tuple["Variable", ...] = ()


@dataclass(frozen=True)
class RoleVariables:
    """A role, what it is for, and its variables in the order in which it names them."""

    role: str
    purpose: str
    variables: tuple[Variable, ...]


def of_roles(project: Path) -> list[RoleVariables]:
    """Of every role below the project's directory that takes variables, by the roles' names."""
    found = (_of_role(path.parents[1]) for path in sorted((project / ROLES).glob("*/meta/argument_specs.yml")))
    return [role for role in found if role.variables]


def _of_role(role: Path) -> RoleVariables:
    said = _mapping(_mapping(_read(role / "meta/argument_specs.yml").get("argument_specs")).get("variables"))
    variables = _variables(_mapping(said.get("options")), _read(role / "defaults/main.yml"))
    return RoleVariables(role.name, str(said["short_description"]), tuple(variables))


def _variables(options: Mapping[str, object], defaults: Mapping[str, object]) -> Iterator[Variable]:
    for name, option in options.items():
        said = _mapping(option)
        choices = said.get("choices")
        yield Variable(
            name=name,
            type=str(said["type"]),
            description=" ".join(str(said["description"]).split()),
            default=said.get("default", defaults.get(name)),
            has_default="default" in said or name in defaults,
            required=bool(said.get("required")),
            choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
            elements=str(said.get("elements", "")),
            inner=tuple(_variables(_mapping(said.get("options")), {})),
        )


def _read(path: Path) -> dict[str, object]:
    return _mapping(yaml.safe_load(path.read_bytes())) if path.exists() else {}


def _mapping(value: object) -> dict[str, object]:
    return {str(name): each for name, each in value.items()} if isinstance(value, dict) else {}
