#!/usr/bin/python3
"""Ansible module: how what runs on a host of the cluster is at this moment: its units, its API server, its etcd.
Changes nothing, and waits for nobody longer than some seconds.
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
module: podlab_pulse
short_description: How what runs on a host of the cluster is at this moment
description:
  - Returns C(units), those that start with the host, each with its state, how often it was started again, how long it
    has run, and what it said last where it ended; C(server), why the API server is not ready, and C(etcd), what the
    member says of itself. What the host does not have is null.
options:
  address: {description: Where the others reach the host., type: str, required: true}
  rest_port: {description: The port for Kubernetes' REST API., type: int, required: true}
  etcd_port: {description: The port of etcd for its clients., type: int, required: true}
author: [Podlab]
"""

OPTIONS = {
    "address": {"type": "str", "required": True},
    "rest_port": {"type": "int", "required": True},
    "etcd_port": {"type": "int", "required": True},
}
PKI = Path("/etc/podlab/pki")
REQUEST_S = 3.0
PROGRAM_S = 10
# A unit that was started again so long ago is of interest.
RECENT_S = 600.0
SHOWN = "Id,ActiveState,SubState,NRestarts,StateChangeTimestampMonotonic"
Found = dict[str, Any]


def run(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=True, timeout=PROGRAM_S
    ).stdout


def units() -> dict[str, Found]:
    """Those of Podlab's that start with the host, and the runtime of containers."""
    listed = run(
        "systemctl", "list-unit-files", "podlab-*.service", "containerd.service", "--state=enabled", "--no-legend"
    )
    names = [line.split()[0] for line in listed.splitlines()]
    if not names:
        return {}
    return states(run("systemctl", "show", f"--property={SHOWN}", "--", *names), time.monotonic())


def states(shown: str, now_s: float) -> dict[str, Found]:
    """Of what `systemctl show` prints, a part for each unit."""
    found: dict[str, Found] = {}
    for part in shown.strip().split("\n\n"):
        each = dict(line.split("=", 1) for line in part.splitlines())
        state = each["ActiveState"]
        since_s = now_s - int(each["StateChangeTimestampMonotonic"]) / 1e6
        restarts = int(each.get("NRestarts") or 0)
        found[each["Id"].removesuffix(".service")] = {
            "state": state if state in ("active", "failed") else f"{state} ({each['SubState']})",
            "restarts": restarts if restarts and since_s < RECENT_S else 0,
            "since_s": round(since_s, 1),
        }
    return found


def with_words(found: dict[str, Found]) -> dict[str, Found]:
    """Beside those that do not run, or have run for a short time only: how they ended, and what they said last."""
    for name, each in found.items():
        if each["state"] != "active" or each["restarts"]:
            each["ended"] = last_line(f"UNIT={name}.service", "process exited")
            each["said"] = last_line(f"_SYSTEMD_UNIT={name}.service")
    return found


def last_line(match: str, words: str = "") -> str:
    """Of the journal's last lines that match the one that is the last with these words in it; empty for none."""
    lines = run("journalctl", "--no-pager", "--output=cat", "--lines=40", match).splitlines()
    return next((line for line in reversed(lines) if line.strip() and words in line), "")


def request(address: str, port: int, path: str, names: tuple[str, str], body: str = "") -> tuple[int, bytes]:
    """`names` are those of the authority's file and of the certificate that is shown."""
    context = ssl.create_default_context(cafile=PKI / f"{names[0]}.crt")
    context.load_cert_chain(PKI / f"{names[1]}.crt", PKI / f"{names[1]}.key")
    connection = http.client.HTTPSConnection(address, port, timeout=REQUEST_S, context=context)
    try:
        connection.request("POST" if body else "GET", path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def server(address: str, port: int) -> str:
    """Why the API server of this host is not ready; empty when it is."""
    try:
        status, body = request(address, port, "/readyz", ("ca", "scheduler"))
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return "" if status == 200 else f"{status}: {body[:400].decode(errors='replace').strip()}"


def etcd(address: str, port: int) -> Found:
    """What the member says: `silent` why it says nothing, whether it knows a `leader`, what it finds wrong."""
    try:
        status, body = request(address, port, "/v3/maintenance/status", ("etcd-ca", "etcd"), "{}")
        told = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {"silent": str(error) or type(error).__name__, "leader": False, "wrong": []}
    if status != 200:
        return {"silent": f"{status}: {told.get('message', '')}", "leader": False, "wrong": []}
    led = str(told.get("leader", "0")) != "0"
    return {"silent": "", "leader": led, "wrong": [str(each) for each in told.get("errors", [])]}


def pulse(params: Found) -> Found:
    found = with_words(units())
    address = str(params["address"])
    return {
        "units": found,
        "server": server(address, params["rest_port"]) if "podlab-apiserver" in found else None,
        "etcd": etcd(address, params["etcd_port"]) if "podlab-etcd" in found else None,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        found = pulse(module.params)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, pulse=found)


if __name__ == "__main__":
    main()
