# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
"""The plugins of Podlab's own package, which does what the collection's roles ask for."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

# Written by `make dist`.
VERSION = "0.0.0"


def plugin(kind: str, name: str) -> t.Any:
    """The module of that plugin. Raises AnsibleError where the package is missing or of another version."""
    try:
        from podlab import __version__ as found
        from podlab.deploy.release.plugins import load
    except ImportError as error:
        raise AnsibleError(
            f"podlab.cluster {VERSION} needs the Python package podlab {VERSION} in Ansible's own environment: {error}"
        ) from error
    if found != VERSION:
        raise AnsibleError(f"podlab.cluster {VERSION} needs the Python package podlab {VERSION}; there is {found}")
    return load(kind, name)


def action(name: str) -> type[ActionBase]:
    """The action of that name; without the package, one that says so when it is run."""
    try:
        return plugin("action", name).ActionModule
    except AnsibleError as error:
        cause = error

    class ActionModule(ActionBase):
        def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
            raise cause

    return ActionModule
