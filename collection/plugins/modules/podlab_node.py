#!/usr/bin/python
# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
from __future__ import annotations

DOCUMENTATION = r"""
module: podlab_node
short_description: A node takes pods, is cordoned or drained, and has its labels
version_added: 0.1.0
description:
  - Draining cordons a node and evicts its pods, as disruption budgets allow. Those of DaemonSets and static ones stay.
  - Hosts become nodes by the playbook C(podlab.cluster.site) or C(podlab.cluster.add_node), not by this module.
options:
  name:
    description:
      - The node's name.
    type: str
    required: true
  state:
    description:
      - V(schedulable), it takes pods; V(cordoned), no new ones; V(drained), no new ones and none of before.
      - Left as it is when not given.
    type: str
    choices: [schedulable, cordoned, drained]
  labels:
    description:
      - Labels that the node has, by name; one that is null it has not. Others stay.
    type: dict
    default: {}
  force:
    description:
      - Evicts pods also where no controller would make them again.
    type: bool
    default: false
  delete_emptydir_data:
    description:
      - Evicts pods also where they have data in volumes of the kind emptyDir, which are lost then.
    type: bool
    default: false
  grace_period:
    description:
      - How many seconds pods have to end; their own setting when not given.
    type: int
  drain_timeout:
    description:
      - For how many seconds evictions are tried and pods are awaited.
    type: int
    default: 300
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
- name: The node is empty before its host is worked on
  podlab.cluster.podlab_node:
    name: n1
    state: drained
    delete_emptydir_data: true

- name: It takes pods again, and is known to have fast disks
  podlab.cluster.podlab_node:
    name: n1
    state: schedulable
    labels: {disk: fast, slow: null}
"""

RETURN = r"""
node:
  description: The node as it is then.
  returned: success
  type: dict
evicted:
  description: The pods that were evicted, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [shop/web-5d4f8c7b9d-x2x7q]
"""

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.podlab.cluster.plugins.module_utils import draining
from ansible_collections.podlab.cluster.plugins.module_utils.api import MERGE, Api, ApiError, wait
from ansible_collections.podlab.cluster.plugins.module_utils.connection import (
    ARGUMENTS,
    YAML_MISSING,
    ConnectionSettingsError,
    server_of,
)

OPTIONS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["schedulable", "cordoned", "drained"]},
    "labels": {"type": "dict", "default": {}},
    "force": {"type": "bool", "default": False},
    "delete_emptydir_data": {"type": "bool", "default": False},
    "grace_period": {"type": "int"},
    "drain_timeout": {"type": "int", "default": 300},
    **ARGUMENTS,
}
TOO_MANY = 429


def lacking(node: dict, params: dict) -> dict:
    """What a merge patch has to say so that the node is as it should be; empty where it is."""
    patch = {}
    closed = bool(node["spec"].get("unschedulable"))
    if params["state"] and closed != (params["state"] != "schedulable"):
        patch["spec"] = {"unschedulable": True if not closed else None}
    has = node["metadata"].get("labels", {})
    wanted = {name: None if value is None else str(value) for name, value in params["labels"].items()}
    if labels := {name: value for name, value in wanted.items() if has.get(name) != value}:
        patch["metadata"] = {"labels": labels}
    return patch


def shown(node: dict) -> dict:
    return {"unschedulable": bool(node["spec"].get("unschedulable")), "labels": node["metadata"].get("labels", {})}


def pods_of(api: Api, name: str) -> list[dict]:
    return [
        each for each in api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={name}") if not draining.stays(each)
    ]


def evict(api: Api, pod: dict, params: dict) -> str:
    """Why it is still there; empty where it leaves or is gone."""
    metadata = pod["metadata"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    }
    if params["grace_period"] is not None:
        body["deleteOptions"] = {"gracePeriodSeconds": params["grace_period"]}
    try:
        api.call("POST", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction", body)
    except ApiError as error:
        if error.code == 404:
            return ""
        if error.code == TOO_MANY:
            return f"{draining.name_of(pod)}: {error}"
        raise
    return ""


def drain(api: Api, params: dict, check: bool) -> list[str]:
    """The pods that were evicted. Raises ApiError where some may not be, or were not in time."""
    found = pods_of(api, params["name"])
    reasons = {
        draining.name_of(pod): draining.in_the_way(pod, params["force"], params["delete_emptydir_data"])
        for pod in found
    }
    if refused := [f"{name}: {why}" for name, why in reasons.items() if why]:
        raise ApiError(f"{params['name']} is not drained: {'; '.join(refused)}")

    def still() -> str:
        left = pods_of(api, params["name"])
        kept = [evict(api, pod, params) for pod in left if "deletionTimestamp" not in pod["metadata"]]
        return "; ".join([each for each in kept if each]) or ", ".join(map(draining.name_of, left))

    if not check:
        wait(f"{params['name']} is not drained", params["drain_timeout"], still)
    return sorted(reasons)


def run(api: Api, params: dict, check: bool) -> dict:
    path = f"/api/v1/nodes/{params['name']}"
    before = api.get(path)
    if before is None:
        raise ApiError(f"the cluster has no node {params['name']}", 404)
    patch = lacking(before, params)
    query = {"fieldManager": "podlab-ansible", **({"dryRun": "All"} if check else {})}
    after = api.call("PATCH", path, patch, MERGE, **query) if patch else before
    evicted = drain(api, params, check) if params["state"] == "drained" else []
    diff = {"before": shown(before), "after": shown(after)}
    return {"changed": bool(patch or evicted), "node": after, "evicted": evicted, "diff": diff}


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if YAML_MISSING:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=YAML_MISSING)
    try:
        api = Api(server_of(module.params), module.params["request_timeout"])
        result = run(api, module.params, module.check_mode)
    except (ApiError, ConnectionSettingsError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
