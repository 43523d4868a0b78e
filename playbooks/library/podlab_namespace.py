#!/usr/bin/python3
"""Ansible module: empties containerd's namespace of pods, k8s.io, and says what else containerd holds.

Everything else in containerd is somebody's: Docker's containers are in `moby`, nerdctl's and ctr's in `default`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_namespace
short_description: Empties containerd's namespace of pods
description:
  - Kills the containers of the namespace k8s.io, and removes them with their network namespaces and all images but
    those that were there before Podlab.
  - Returns C(others), the other namespaces that hold containers or images, and C(before), what podlab_containerd
    wrote down.
options:
  record: {description: "podlab_containerd's.", type: path, default: /var/lib/podlab/containerd.before}
author: [Podlab]
"""

OPTIONS = {"record": {"type": "path", "default": "/var/lib/podlab/containerd.before"}}
PODS = "k8s.io"
NETWORK_NAMESPACES = "/run/netns/cni-"
# podlab_patience: what a slow host is given.
PATIENCE = float(os.environ.get("PODLAB_PATIENCE", "1"))
WITHIN_S = 60 * PATIENCE
# containerd collects what nothing refers to any more in its own time.
COLLECTED_WITHIN_S = 10.0 * PATIENCE


class ContainerdError(Exception):
    pass


def run(*command: str) -> str:
    """Standard output. Raises ContainerdError with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    if done.returncode != 0:
        raise ContainerdError("{}: {}".format(" ".join(command), done.stderr.strip()))
    return done.stdout


def ctr(*arguments: str, namespace: str = PODS) -> list[str]:
    """The words of the answer."""
    return run("ctr", "--namespace", namespace, *arguments).split()


def is_running() -> bool:
    asked = ["systemctl", "is-active", "--quiet", "containerd"]
    return subprocess.run(asked, check=False, timeout=WITHIN_S).returncode == 0


def other_namespaces() -> list[str]:
    """Those that hold anything."""
    names = [name for name in run("ctr", "namespaces", "list", "--quiet").split() if name != PODS]
    return [name for name in names if held(name)]


def held(namespace: str) -> bool:
    kinds = ("containers", "images")
    return any(ctr(kind, "list", "--quiet", namespace=namespace) for kind in kinds)


def network_namespace(container: str) -> str:
    """Where containerd mounted the network of a pod's container; empty for one in the host's."""
    info: Any = json.loads(run("ctr", "--namespace", PODS, "containers", "info", container))
    namespaces = info.get("Spec", {}).get("linux", {}).get("namespaces", [])
    paths = [each.get("path", "") for each in namespaces if each.get("type") == "network"]
    return paths[0].replace("/var/run/", "/run/") if paths else ""


def end_tasks() -> None:
    for task in ctr("tasks", "list", "--quiet"):
        with contextlib.suppress(
            ContainerdError
        ):  # it may have ended by itself meanwhile; deleting it says so otherwise
            ctr("tasks", "kill", "--signal", "SIGKILL", "--all", task)
    for task in ctr("tasks", "list", "--quiet"):
        with contextlib.suppress(ContainerdError):  # so may its shim
            ctr("tasks", "delete", "--force", task)
    if left := ctr("tasks", "list", "--quiet"):
        raise ContainerdError(f"containers {', '.join(left)} do not end: see journalctl -u containerd")


def remove_containers() -> None:
    """Their network first: afterwards nobody knows any more whose it was."""
    for container in ctr("containers", "list", "--quiet"):
        network = network_namespace(container)
        if network.startswith(NETWORK_NAMESPACES) and os.path.exists(network):
            subprocess.run(["umount", network], check=False, timeout=WITHIN_S, stderr=subprocess.DEVNULL)
            os.unlink(network)
        ctr("containers", "delete", container)


def remove_images(kept: list[str]) -> None:
    going = [image for image in ctr("images", "list", "--quiet") if image not in kept]
    if going:
        ctr("images", "remove", "--sync", *going)
    deadline = time.monotonic() + COLLECTED_WITHIN_S
    while not kept and time.monotonic() < deadline:
        try:
            run("ctr", "namespaces", "remove", PODS)
        except ContainerdError:
            time.sleep(0.5)
        else:
            return


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    record = Path(module.params["record"])
    before = json.loads(record.read_text()) if record.exists() else None
    # What was there before is no secret but long; only what decides is handed on.
    told = {key: before[key] for key in ("active", "enabled", "data")} if before else None
    others: list[str] = []
    changed = False
    try:
        if is_running():
            others = other_namespaces()
            changed = PODS in run("ctr", "namespaces", "list", "--quiet").split()
            if changed and not module.check_mode:
                end_tasks()
                remove_containers()
                remove_images(before["images"] if before else [])
    except (ContainerdError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, others=others, before=told)


if __name__ == "__main__":
    main()
