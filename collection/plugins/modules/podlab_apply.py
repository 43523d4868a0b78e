#!/usr/bin/python
# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
from __future__ import annotations

DOCUMENTATION = r"""
module: podlab_apply
short_description: Objects of manifests are in the cluster, or are not
version_added: 0.1.0
description:
  - Applies objects by server-side apply, so that fields of other writers stay theirs, or deletes them.
  - An object that is already so is not changed. In check mode the server tries everything and keeps nothing.
options:
  src:
    description:
      - A file with manifests, or a folder of such files.
    type: path
  definition:
    description:
      - One object, a list of objects, or a text of manifests.
    type: raw
  namespace:
    description:
      - Where objects go that name no namespace and need one.
    type: str
    default: default
  state:
    description:
      - Whether the objects are to be there.
    type: str
    choices: [present, absent]
    default: present
  field_manager:
    description:
      - Under which name fields are managed.
    type: str
    default: podlab-ansible
  force:
    description:
      - Takes fields that others manage.
    type: bool
    default: false
  wait:
    description:
      - Waits until workloads have all their pods ready, and until what is deleted is gone.
    type: bool
    default: false
  wait_timeout:
    description:
      - For how many seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - podlab.cluster.connection
attributes:
  check_mode:
    description: Can run in check mode and return changed status without changing the cluster.
    support: full
  diff_mode:
    description: Returns what has changed.
    support: full
author:
  - Podlab (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The application runs
  podlab.cluster.podlab_apply:
    src: manifests/
    wait: true

- name: A namespace is there
  podlab.cluster.podlab_apply:
    definition:
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop}

- name: The application is gone
  podlab.cluster.podlab_apply:
    src: manifests/
    state: absent
    wait: true
"""

RETURN = r"""
objects:
  description: The objects as they are then, in the order in which they were applied.
  returned: success
  type: list
  elements: dict
changes:
  description: What was done with each object that was not as it should be.
  returned: success
  type: list
  elements: str
  sample: [Deployment default/hello created]
"""

import traceback
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.podlab.cluster.plugins.module_utils import manifests
from ansible_collections.podlab.cluster.plugins.module_utils.api import APPLY, Api, ApiError, Resource, wait
from ansible_collections.podlab.cluster.plugins.module_utils.connection import (
    ARGUMENTS,
    YAML_MISSING,
    ConnectionSettingsError,
    server_of,
)

OPTIONS = {
    "src": {"type": "path"},
    "definition": {"type": "raw"},
    "namespace": {"type": "str", "default": "default"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "field_manager": {"type": "str", "default": "podlab-ansible"},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
    **ARGUMENTS,
}


class Run:
    """One run of the module: what it is told, and what it has done."""

    def __init__(self, api: Api, params: dict, check: bool) -> None:
        self.api, self.params, self.check = api, params, check
        self.changes: list[str] = []
        self.objects: list[dict] = []
        self.before: list[dict] = []
        self.after: list[dict] = []

    def place(self, wanted: dict) -> tuple[Resource, str]:
        """The kind and path of an object, which is given its namespace."""
        resource = self.api.resource_of(wanted["apiVersion"], wanted["kind"])
        if resource.namespaced:
            wanted["metadata"].setdefault("namespace", self.params["namespace"])
        return resource, resource.path(wanted["metadata"].get("namespace", ""), wanted["metadata"]["name"])

    def apply(self, wanted: dict) -> None:
        try:
            _resource, path = self.place(wanted)
            before = self.api.get(path)
            query = {"fieldManager": self.params["field_manager"], "force": str(self.params["force"]).lower()}
            after = self.api.call("PATCH", path, wanted, APPLY, **query, **({"dryRun": "All"} if self.check else {}))
        except ApiError as error:
            if not (self.check and error.code == 404):
                raise ApiError(f"{manifests.named(wanted)}: {error}", error.code) from error
            # Its namespace or kind would have been made by now.
            before, after = None, wanted
        self.note(before, after, "created" if before is None else "configured")
        self.objects.append(after)

    def delete(self, wanted: dict) -> None:
        try:
            _resource, path = self.place(wanted)
            before = self.api.get(path)
            if before is None:
                return
            if "deletionTimestamp" not in before["metadata"]:
                self.api.call(
                    "DELETE", path, {"propagationPolicy": "Background"}, **({"dryRun": "All"} if self.check else {})
                )
        except ApiError as error:
            if error.code == 404:  # it, or its kind, is gone meanwhile
                return
            raise ApiError(f"{manifests.named(wanted)}: {error}", error.code) from error
        self.note(before, None, "deleted")

    def note(self, before: dict | None, after: dict | None, done: str) -> None:
        old, new = manifests.comparable(before), manifests.comparable(after)
        if old != new:
            self.before.append(old)
            self.after.append(new)
            self.changes.append(f"{manifests.named(after or before or {})} {done}")

    def settle(self, wanted: list[dict]) -> None:
        """Until all is ready, or gone."""
        for each in wanted:
            if self.params["state"] == "absent":
                wait(
                    f"{manifests.named(each)} is not gone",
                    self.params["wait_timeout"],
                    lambda each=each: self.there(each),
                )
            else:
                wait(
                    f"{manifests.named(each)} is not ready",
                    self.params["wait_timeout"],
                    lambda each=each: self.lacking(each),
                )

    def there(self, wanted: dict) -> str:
        try:
            found = self.api.get(self.place(wanted)[1])
        except ApiError as error:
            if error.code == 404:
                return ""
            raise
        return f"finalizers {found['metadata'].get('finalizers', [])}" if found else ""

    def lacking(self, wanted: dict) -> str:
        found = self.api.get(self.place(wanted)[1])
        return manifests.not_ready(found) if found else "it is gone"


def wanted_of(params: dict) -> list[dict]:
    found = manifests.read(Path(params["src"])) if params["src"] else manifests.given(params["definition"])
    in_order = manifests.in_order(found)
    return in_order if params["state"] == "present" else in_order[::-1]


def run(api: Api, params: dict, check: bool) -> Run:
    wanted, made = wanted_of(params), Run(api, params, check)
    for each in wanted:
        if params["state"] == "present":
            made.apply(each)
        else:
            made.delete(each)
    if params["wait"] and not check:
        made.settle(wanted)
    return made


def main() -> None:
    module = AnsibleModule(
        argument_spec=OPTIONS,
        supports_check_mode=True,
        mutually_exclusive=[("src", "definition")],
        required_one_of=[("src", "definition")],
    )
    if YAML_MISSING:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=YAML_MISSING)
    try:
        api = Api(server_of(module.params), module.params["request_timeout"])
        made = run(api, module.params, module.check_mode)
    except (ApiError, ConnectionSettingsError, manifests.ManifestError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    diff = {"before": {"objects": made.before}, "after": {"objects": made.after}}
    module.exit_json(changed=bool(made.changes), changes=made.changes, objects=made.objects, diff=diff)


if __name__ == "__main__":
    main()
