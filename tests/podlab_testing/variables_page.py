"""All variables that an inventory may set, by role, as meta/argument_specs.yml has them. `make docs` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from podlab.deploy.variables import Variable, of_roles
from podlab_testing.source_code import PROJECT

PAGE = PROJECT / "docs" / "variables.md"
HEAD = """# Variables of an inventory

<!-- `make docs` writes this from playbooks/roles/*/meta/argument_specs.yml and defaults/main.yml. -->

[inventory.md](inventory.md) says where to write them. A name that is none of these and begins with `podlab_`, or looks
like one of these, is refused with the one that is likely meant; so is a value of another type. How hosts are reached is
Ansible's: `ansible_host`, `ansible_user`, `ansible_port`, `ansible_become` and all the others.

Of `podlab`, `podlab_address` and `podlab_address_ipv6` are each host's own; all
others are the cluster's, and are set once, for all hosts.
"""
TABLE = "| variable | type | default | says |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """The whole document."""
    parts = [HEAD]
    for role in of_roles(PROJECT):
        rows = "".join(row for variable in role.variables for row in _rows(variable, ""))
        parts.append(f"\n## {role.role}\n\n{role.purpose}.\n\n{TABLE}{rows}")
    return "".join(parts)


def _rows(variable: Variable, within: str) -> Iterator[str]:
    """Its own, and one for each that is inside; `within` ends with a dot."""
    name = f"{within}{variable.name}"
    yield f"| `{name}` | {_type(variable)} | {_default(variable)} | {_escaped(variable.description)} |\n"
    items = "[]" if variable.type == "list" else ""
    for inner in variable.inner:
        yield from _rows(inner, f"{name}{items}.")


def _type(variable: Variable) -> str:
    if variable.choices:
        return " \\| ".join(f"`{choice}`" for choice in variable.choices)
    return f"{variable.type} of {variable.elements}" if variable.elements else variable.type


def _default(variable: Variable) -> str:
    if variable.required:
        return "required"
    if not variable.has_default:
        return ""
    text = variable.default if isinstance(variable.default, str) else json.dumps(variable.default)
    return f"`{_escaped(' '.join(str(text).split()))}`" if text else '`""`'


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
