#!/usr/bin/python3
"""Ansible module: the names of a cluster's hosts in /etc/hosts, between two lines that say whose they are."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_hosts
short_description: The names of a cluster's hosts in /etc/hosts
description:
  - The lines stand between C(# BEGIN podlab CLUSTER) and C(# END podlab CLUSTER); all others stay.
  - The file is written in place, because it may be mounted on its own.
options:
  cluster: {description: The cluster's name., type: str, required: true}
  addresses: {description: Host name to address; without any the lines go., type: dict, default: {}}
  path: {description: The file., type: path, default: /etc/hosts}
author: [Podlab]
"""

OPTIONS = {
    "cluster": {"type": "str", "required": True},
    "addresses": {"type": "dict", "default": {}},
    "path": {"type": "path", "default": "/etc/hosts"},
}


class HostsError(Exception):
    """The file is not one that lines can be put into; the message says why and what to do."""


def with_names(text: str, cluster: str, addresses: dict[str, str]) -> str:
    """The file's text with these names, and no others of this cluster. Raises HostsError."""
    begin, end = f"# BEGIN podlab {cluster}", f"# END podlab {cluster}"
    lines = text.splitlines()
    if lines.count(begin) != lines.count(end) or lines.count(begin) > 1:
        raise HostsError(f"the lines {begin!r} and {end!r} do not belong together: remove them")
    at = lines.index(begin) if begin in lines else len(lines)
    rest = lines[lines.index(end) + 1 :] if end in lines else []
    if end in lines and lines.index(end) < at:
        raise HostsError(f"the line {end!r} comes before {begin!r}: remove both")
    block = [begin, *(f"{address} {name}" for name, address in addresses.items()), end] if addresses else []
    return "".join(f"{line}\n" for line in [*lines[:at], *block, *rest])


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    path = Path(module.params["path"])
    try:
        before = path.read_text() if path.exists() else ""
        after = with_names(before, module.params["cluster"], module.params["addresses"])
        changed = before.splitlines() != after.splitlines()
        if changed and not module.check_mode:
            path.write_text(after)
    except (HostsError, OSError, ValueError) as error:
        module.fail_json(msg=f"{path}: {error}")
    diff = {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
    module.exit_json(changed=changed, diff=diff if changed and module._diff else {})


if __name__ == "__main__":
    main()
