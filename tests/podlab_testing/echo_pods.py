"""Pods that run `echo.py`, which tells clients who they are: a ConfigMap `echo` has it in their namespace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from podlab.lab.lab import Lab
from podlab_testing.deployed import Cli, MakeNamespace, nodes_ready, wait_until
from podlab_testing.source_code import PROJECT

ECHO = PROJECT / "tests/podlab_testing/echo.py"
SCTP = PROJECT / "tests/podlab_testing/sctp_packets.py"
PYTHON = "/usr/bin/python3"
OFFSET = 10_000  # of the ports of the pod that is on the node's own network
# The demo image has no Python: the node's is mounted.
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}


def echo_pod(name: str, node: str, app: str, *, host_port: int = 0, **spec: Any) -> dict[str, Any]:
    """`host_port` is a port of its node that nothing else there may have. An empty `node`: the scheduler chooses."""
    fields = {"POD_NAME": "metadata.name", "NODE_NAME": "spec.nodeName"}
    offset = OFFSET if spec.get("hostNetwork") else 0
    ports: list[dict[str, Any]] = [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9090}]
    if not offset:
        ports[0] |= {"hostPort": host_port} if host_port else {}
        ports.append({"name": "dns", "containerPort": 5353, "protocol": "UDP"})
    container = {
        "name": "echo",
        "image": "podlab.local/hello:1.0",
        "command": [PYTHON, "-u", "/echo/echo.py", "serve", str(offset)],
        "ports": [] if offset else ports,
        "env": [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in fields.items()],
        "readinessProbe": {"exec": {"command": ["test", "!", "-e", "/tmp/down"]}, "periodSeconds": 1,
                           "failureThreshold": 1},
        "volumeMounts": [{"name": "echo", "mountPath": "/echo"}]
        + [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in LIBRARIES],
    }  # fmt: skip
    volumes: list[dict[str, Any]] = [{"name": "echo", "configMap": {"name": "echo"}}]
    volumes += [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    body = {"containers": [container], "volumes": volumes, "nodeName": node, "terminationGracePeriodSeconds": 0}
    labels = {"app": app, "pod": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": body | spec}


@dataclass(frozen=True)
class EchoPods:
    """A namespace with pods that run `echo.py`, and who asks what is before them."""

    cli: Cli
    lab: Lab
    namespace: str
    nodes: dict[str, str]

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.cli("apply", "-n", self.namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cli.get("service", name, "-n", self.namespace)
        return found

    def put(self, name: str, selector: dict[str, str], **spec: Any) -> None:
        """A Service as described, whether it is there already or not."""
        http = {"name": "http", "port": 80, "targetPort": "http"}
        body = {"selector": selector, "ports": [http]} | spec
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body})

    def run(self, client: str, script: Path, *arguments: str) -> list[str]:
        """The lines that a script of the ConfigMap prints in `client`: a pod, a node, or "outside"."""
        if client == "outside":
            done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=True)
            return done.stdout.splitlines()
        if client in self.nodes:
            return self.lab.run(client, ["python3", "-c", script.read_text(), *arguments]).stdout.splitlines()
        found = self.cli("exec", client, "-n", self.namespace, "--", PYTHON, f"/echo/{script.name}", *arguments)
        return found.splitlines()

    def ask(self, client: str, *arguments: str) -> list[str]:
        """What `client` is answered."""
        return self.run(client, ECHO, *arguments)

    def pods(self, address: str, client: str = "outside", count: int = 12) -> set[str]:
        """Who answers at the address, port 80."""
        return {answer.split()[0] for answer in self.ask(client, "get", f"http://{address}/", str(count))}


@contextmanager
def echo_pods(cli: Cli, lab: Lab, nodes: Mapping[str, str], make_namespace: MakeNamespace) -> Iterator[EchoPods]:
    """web-1 on n1 and web-2 on n2, ready."""
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    names = [node["metadata"]["name"] for node in cli.items("nodes")]
    found = EchoPods(cli, lab, make_namespace(), {name: nodes[name] for name in names})
    try:
        scripts = [f"--from-file={script}" for script in (ECHO, SCTP)]
        cli("create", "configmap", "echo", *scripts, "-n", found.namespace)
        found.apply(*(echo_pod(f"web-{number}", f"n{number}", "web") for number in (1, 2)))
        wait_until(lambda: _all_ready(found), "the pods are ready", 60)
        yield found
    finally:
        cli.rest.delete_namespace(found.namespace)


def _all_ready(found: EchoPods) -> bool:
    pods = found.cli.items("pods", "-n", found.namespace)
    return all(each["ready"] for pod in pods for each in pod["status"].get("containerStatuses", [{"ready": False}]))
