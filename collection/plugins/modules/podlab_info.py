#!/usr/bin/python
# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
from __future__ import annotations

DOCUMENTATION = r"""
module: podlab_info
short_description: Objects of the cluster, and its version
version_added: 0.1.0
description:
  - Without O(kind), the cluster's version alone. Changes nothing.
options:
  kind:
    description:
      - Kind, plural, singular or short name of objects, with the group behind a dot where several have one name.
    type: str
  api_version:
    description:
      - Group and version of the kind, where not the preferred one is meant.
    type: str
    default: ""
  name:
    description:
      - Of one object.
    type: str
  namespace:
    description:
      - Of objects that have one; all namespaces when not given. With O(name) it is V(default) when not given.
    type: str
  label_selectors:
    description:
      - What labels of the objects have to be, all of them.
    type: list
    elements: str
    default: []
  field_selectors:
    description:
      - What fields of the objects have to be, all of them.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - podlab.cluster.connection
attributes:
  check_mode:
    description: Can run in check mode and return changed status without changing the cluster.
    support: full
author:
  - Podlab (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Nodes that are ready
  podlab.cluster.podlab_info:
    kind: nodes
  register: found

- name: The pods of an application
  podlab.cluster.podlab_info:
    kind: Pod
    namespace: shop
    label_selectors: [app=web, "tier in (front, back)"]

- name: The cluster's version
  podlab.cluster.podlab_info:
"""

RETURN = r"""
objects:
  description: The objects; none where there are none, or none of that name.
  returned: success
  type: list
  elements: dict
version:
  description: What the API server says of itself.
  returned: success
  type: dict
  sample: {"gitVersion": "v1.36.0+podlab.0.1.0", "major": "1", "minor": "36"}
"""

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.podlab.cluster.plugins.module_utils.api import Api, ApiError
from ansible_collections.podlab.cluster.plugins.module_utils.connection import (
    ARGUMENTS,
    YAML_MISSING,
    ConnectionSettingsError,
    server_of,
)

OPTIONS = {
    "kind": {"type": "str"},
    "api_version": {"type": "str", "default": ""},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
    "field_selectors": {"type": "list", "elements": "str", "default": []},
    **ARGUMENTS,
}


def objects(api: Api, params: dict) -> list[dict]:
    if not params["kind"]:
        return []
    resource = api.find(params["kind"], params["api_version"])
    if params["name"]:
        found = api.get(resource.path(params["namespace"] or "default", params["name"]))
        return [found] if found else []
    selectors = {"labelSelector": params["label_selectors"], "fieldSelector": params["field_selectors"]}
    query = {name: ",".join(values) for name, values in selectors.items() if values}
    return api.items(resource.path(params["namespace"] or ""), **query)


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True, required_by={"name": ("kind",)})
    if YAML_MISSING:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=YAML_MISSING)
    try:
        api = Api(server_of(module.params), module.params["request_timeout"])
        found, version = objects(api, module.params), api.call("GET", "/version")
    except (ApiError, ConnectionSettingsError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(changed=False, objects=found, version=version)


if __name__ == "__main__":
    main()
