#!/usr/bin/python3
"""Ansible module: waits on a node until the API server shows it Ready, by what its kubelet has said since it started.

It asks as the kubelet does, from the same host and with the same certificate, so that what keeps the kubelet out keeps
it out, too. A node that is still Ready from before is not believed: its heartbeat must be younger than its kubelet.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_ready
short_description: Waits until the API server shows a node Ready
description:
  - Never fails by itself. Tells whether the node is C(ready), and if not, C(cause), C(closed_port) where a port of a
    master cannot be reached, and the end of the kubelet's C(journal). Any of the API servers may say so.
options:
  node: {description: Name of the node., type: str, required: true}
  apiservers: {description: Addresses of the API servers., type: list, elements: str, required: true}
  grpc_port: {description: Their port for Podlab's components., type: int, required: true}
  rest_port: {description: Their port for Kubernetes' REST API., type: int, required: true}
  timeout_s: {description: For how long to wait., type: int, required: true}
  without_network: {description: A node that lacks nothing but a CNI plugin will do., type: bool, default: false}
author: [Podlab]
"""

OPTIONS = {
    "node": {"type": "str", "required": True},
    "apiservers": {"type": "list", "elements": "str", "required": True},
    "grpc_port": {"type": "int", "required": True},
    "rest_port": {"type": "int", "required": True},
    "timeout_s": {"type": "int", "required": True},
    "without_network": {"type": "bool", "default": False},
}
PKI = "/etc/podlab/pki"
REQUEST_S = 5.0
PAUSE_S = 0.3
JOURNAL_LINES = 12
# What the kubelet says when it is all that is wrong.
NO_PLUGIN = re.compile(r"container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady [^;]*")


@dataclass(frozen=True)
class ApiServer:
    address: str
    grpc_port: int
    rest_port: int


@dataclass
class Seen:
    """What is known of the node now; ready when there is no cause why not."""

    cause: str = ""
    closed_port: int = 0
    answered: bool = False


def ready(seen: Seen) -> bool:
    return not seen.cause


def look(node: str, apiservers: list[ApiServer], without_network: bool = False) -> Seen:
    """What the first API server says that shows the node Ready, or the last that answers, or why the first does not."""
    started = kubelet_started()
    if started is None:
        return Seen("its kubelet does not run")
    told = Seen("there is no API server to ask")
    for number, apiserver in enumerate(apiservers):
        seen = look_at(node, apiserver, started, without_network)
        if ready(seen):
            return seen
        if number == 0 or seen.answered:
            told = seen
    return told


def look_at(node: str, apiserver: ApiServer, started: float, without_network: bool) -> Seen:
    for port in (apiserver.grpc_port, apiserver.rest_port):
        try:
            socket.create_connection((apiserver.address, port), timeout=REQUEST_S).close()
        except OSError as error:
            why = error.strerror or error
            return Seen(f"it cannot reach the API server at {apiserver.address} port {port}: {why}", port)
    try:
        status, found = ask(apiserver, f"/api/v1/nodes/{node}")
        if status == 404:
            return Seen("its kubelet has not registered it", answered=True)
        if status == 200:
            status, lease = ask(apiserver, f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}")
            if status in (200, 404):
                cause = why_not(found, lease if status == 200 else {}, started, without_network)
                return Seen(cause, answered=True)
            found = lease
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Seen(f"the API server at {apiserver.address} port {apiserver.rest_port} gives no answer: {error}")
    refused = f"the API server refuses the kubelet's certificate a look: {status} {found.get('message', '')}"
    return Seen(refused, answered=True)


def why_not(node: dict[str, Any], lease: dict[str, Any], started: float, without_network: bool = False) -> str:
    """Empty when the node is Ready, and its kubelet has said so since it started, in seconds of Unix time."""
    renewed = lease.get("spec", {}).get("renewTime", "")
    if not renewed or datetime.fromisoformat(renewed.replace("Z", "+00:00")).timestamp() < started:
        return "its kubelet has sent no heartbeat since it started"
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
    state = conditions.get("Ready", {})
    if state.get("status") == "True" or (without_network and NO_PLUGIN.fullmatch(state.get("message", ""))):
        return ""
    return f"it is not Ready: {state.get('reason', 'no reason')}: {state.get('message', 'nothing was said')}"


def kubelet_started() -> float | None:
    """When it began to run, in seconds of Unix time; None while it does not."""
    command = ["systemctl", "show", "podlab-kubelet", "--timestamp=unix", "--property=ActiveState,ActiveEnterTimestamp"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines())
    if values["ActiveState"] != "active":
        return None
    return float(values["ActiveEnterTimestamp"].lstrip("@"))


def ask(apiserver: ApiServer, path: str) -> tuple[int, dict[str, Any]]:
    context = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
    context.load_cert_chain(f"{PKI}/kubelet.crt", f"{PKI}/kubelet.key")
    connection = http.client.HTTPSConnection(apiserver.address, apiserver.rest_port, timeout=REQUEST_S, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def journal() -> list[str]:
    command = ["journalctl", "--unit=podlab-kubelet", f"--lines={JOURNAL_LINES}", "--no-pager", "--output=cat"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    ports = module.params["grpc_port"], module.params["rest_port"]
    apiservers = [ApiServer(address, *ports) for address in module.params["apiservers"]]
    deadline = time.monotonic() + module.params["timeout_s"]
    while True:
        seen = look(module.params["node"], apiservers, module.params["without_network"])
        if ready(seen) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    module.exit_json(changed=False, ready=ready(seen), journal=[] if ready(seen) else journal(), **asdict(seen))


if __name__ == "__main__":
    main()
