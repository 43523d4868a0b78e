#!/usr/bin/python3
"""Ansible module: how a host of the cluster is, before it is changed and after: its services, its API server, its node
and the pods there.

It asks as the host's own components do, with a certificate of theirs.
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_health
short_description: How a host of the cluster is
description:
  - Returns C(seen), and without C(timeout_s) nothing else. With it, waits until the host is as it was C(before), runs
    C(version), and its services have run for some seconds; fails with all that is not so when the time is up.
options:
  apiservers: {description: Addresses of API servers; any will do., type: list, elements: str, required: true}
  rest_port: {description: Their port for Kubernetes' REST API., type: int, required: true}
  own: {description: "Address of this host's API server; empty where it has none.", type: str, default: ""}
  node: {description: "Name of this host's node; empty where it is none.", type: str, default: ""}
  before: {description: What this module has seen before., type: dict, default: {}}
  version: {description: "The version that runs then; empty for any.", type: str, default: ""}
  timeout_s: {description: For how long to wait., type: int, default: 0}
author: [Podlab]
"""

OPTIONS = {
    "apiservers": {"type": "list", "elements": "str", "required": True},
    "rest_port": {"type": "int", "required": True},
    "own": {"type": "str", "default": ""},
    "node": {"type": "str", "default": ""},
    "before": {"type": "dict", "default": {}},
    "version": {"type": "str", "default": ""},
    "timeout_s": {"type": "int", "default": 0},
}
PKI = Path("/etc/podlab/pki")
CLIENTS = ("kubelet", "scheduler")
REQUEST_S = 5.0
PAUSE_S = 0.3
# A service that starts may still end by itself a moment later.
STEADY_S = 3.0
JOURNAL_LINES = 12
Seen = dict[str, Any]


class AskError(Exception):
    """No API server gave the answer; the message says which said what."""


def services() -> dict[str, dict[str, str]]:
    """Those of Podlab's that start with the host, with what systemd says of them."""
    command = ["systemctl", "list-unit-files", "podlab-*.service", "--state=enabled", "--no-legend", "--plain"]
    names = [line.split()[0] for line in run(*command).splitlines()]
    if not names:
        return {}
    parts = run("systemctl", "show", "--property=Id,ActiveState,MainPID", "--", *names).strip().split("\n\n")
    shown = [dict(line.split("=", 1) for line in part.splitlines()) for part in parts]
    return {
        each["Id"].removesuffix(".service"): {"state": each["ActiveState"], "pid": each["MainPID"]} for each in shown
    }


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def ask(addresses: list[str], port: int, path: str) -> Any:
    """What the first of the API servers says that answers; plain text as it is. Raises AskError."""
    refused = []
    for address in addresses:
        try:
            status, body = request(address, port, path)
        except (OSError, http.client.HTTPException) as error:
            refused.append(f"the API server at {address} port {port} gives no answer: {error}")
            continue
        if status == 200:
            return json.loads(body) if body.startswith(b"{") else body.decode()
        refused.append(
            f"the API server at {address} answers {path} with {status}: {body[:200].decode(errors='replace')}"
        )
    raise AskError("; ".join(refused))


def request(address: str, port: int, path: str) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=PKI / "ca.crt")
    own = next(name for name in CLIENTS if (PKI / f"{name}.key").exists() or name == CLIENTS[-1])
    context.load_cert_chain(PKI / f"{own}.crt", PKI / f"{own}.key")
    connection = http.client.HTTPSConnection(address, port, timeout=REQUEST_S, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def look(params: dict[str, Any]) -> Seen:
    """All that is seen of the host; under `silent` what could not be asked, and why."""
    seen: Seen = {"services": services(), "server": "", "node": {}, "pods": {}, "silent": ""}
    addresses, port, node = params["apiservers"], params["rest_port"], params["node"]
    own = [params["own"]] if params["own"] else addresses
    try:
        ask(own, port, "/readyz")
        seen["server"] = ask(own, port, "/version")["gitVersion"]
        if node:
            seen["node"] = node_state(ask(addresses, port, f"/api/v1/nodes/{node}"))
            pods = ask(addresses, port, f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")
            seen["pods"] = {pod["metadata"]["uid"]: pod_state(pod) for pod in pods["items"]}
    except (AskError, OSError) as error:
        seen["silent"] = str(error)
    return seen


def node_state(node: dict[str, Any]) -> dict[str, Any]:
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
    state = conditions.get("Ready", {})
    return {
        "version": node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", ""),
        "ready": state.get("status") == "True",
        "told": f"{state.get('reason', 'no reason')}: {state.get('message', 'nothing was said')}",
        "unschedulable": node.get("spec", {}).get("unschedulable", False),
    }


def pod_state(pod: dict[str, Any]) -> dict[str, Any]:
    metadata, status = pod["metadata"], pod.get("status", {})
    containers = [each for each in status.get("containerStatuses", []) if "running" in each.get("state", {})]
    return {
        "name": f"{metadata['namespace']}/{metadata['name']}",
        "ready": any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", [])),
        "leaving": "deletionTimestamp" in metadata,
        "containers": {each["name"]: each["containerID"] for each in containers},
    }


def faults(params: dict[str, Any], seen: Seen) -> list[str]:
    """All that is not as it should be."""
    stopped = [f"{name} is {each['state']}" for name, each in seen["services"].items() if each["state"] != "active"]
    if seen["silent"]:
        return [*stopped, seen["silent"]]
    found, version = list(stopped), params["version"]
    if params["own"] and version and seen["server"] != version:
        found.append(f"its API server runs {seen['server']}, not {version}")
    if node := seen["node"]:
        # A node without a network of Podlab's may never have been Ready.
        if not node["ready"] and params["before"].get("node", {}).get("ready", True):
            found.append(f"its node is not Ready: {node['told']}")
        if version and node["version"] != version:
            found.append(f"its kubelet runs {node['version']}, not {version}")
    return found + pod_faults(params["before"].get("pods", {}), seen["pods"])


def pod_faults(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Of pods that were ready. One that was deleted meanwhile is of no concern, nor one that comes or goes."""
    found = []
    for uid, pod in before.items():
        current = now.get(uid)
        if current is None or current["leaving"] or pod["leaving"] or not pod["ready"]:
            continue
        if not current["ready"]:
            found.append(f"pod {pod['name']} is not ready, and was before")
        found += [
            f"container {name} of pod {pod['name']} was started anew"
            for name, identity in pod["containers"].items()
            if current["containers"].get(name, identity) != identity
        ]
    return found


def processes(seen: Seen) -> dict[str, str]:
    return {name: each["pid"] for name, each in seen["services"].items()}


def wait(params: dict[str, Any]) -> tuple[Seen, list[str]]:
    """What is seen at the end, and what is wrong with it: nothing once all was well for STEADY_S with the same
    processes."""
    deadline = time.monotonic() + params["timeout_s"]
    last: dict[str, str] = {}
    since = time.monotonic()
    while True:
        seen = look(params)
        found, now = faults(params, seen), time.monotonic()
        if found or processes(seen) != last:
            last, since = processes(seen), now
        elif now - since >= STEADY_S:
            return seen, []
        if now > deadline:
            return seen, found or ["its services are started again and again"]
        time.sleep(PAUSE_S)


def journals(seen: Seen) -> list[str]:
    """The end of the journal of each service that does not run."""
    told = []
    for name, each in seen["services"].items():
        if each["state"] != "active":
            command = ["journalctl", f"--unit={name}", f"--lines={JOURNAL_LINES}", "--no-pager", "--output=cat"]
            told += [f"The end of {name}'s journal:", *run(*command).splitlines()]
    return told


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        if not module.params["timeout_s"]:
            module.exit_json(changed=False, seen=look(module.params))
        seen, found = wait(module.params)
        lines = [*found, *journals(seen)] if found else []
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))
    if lines:
        module.fail_json(msg="\n".join(lines), seen=seen)
    module.exit_json(changed=False, seen=seen)


if __name__ == "__main__":
    main()
