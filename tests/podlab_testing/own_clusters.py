"""Clusters that tests deploy themselves, on labs of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from podlab.lab import inventory
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec
from podlab_testing.deployed import IMAGE, Cli, ask, wait_until
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Play, player
from podlab_testing.source_code import PROJECT

PODS_WITHIN_S = 60
RULES_WITHIN_S = 10


@dataclass(frozen=True)
class OwnCluster:
    lab: Lab
    cli: Cli
    play: Play

    def deploy(self, *options: str) -> None:
        outcome = self.play("site.yml", *options)
        assert outcome.code == 0, outcome.text[-4000:]

    def on(self, host: str, command: str, timeout_s: float = 60) -> str:
        """What the command line prints on the host."""
        done = self.lab.run(host, ["sh", "-c", command], timeout_s=timeout_s)
        assert done.returncode == 0, f"{command} on {host}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def addresses(self) -> dict[str, str]:
        return {host.name: host.address for host in self.lab.spec().hosts}

    def regroup(self, variables: dict[str, object], **groups: list[str]) -> None:
        """The inventory has these groups from now on, of hosts of the lab, each with the variables."""
        path = inventory.inventory_dir(self.lab.name, PROJECT) / "hosts.yml"
        content, known = yaml.safe_load(path.read_text()), self.addresses()
        content["all"]["children"] = {
            group: {"hosts": {name: {"ansible_host": known[name], **variables} for name in names}}
            for group, names in groups.items()
        }
        path.write_text(inventory.HEADER + yaml.safe_dump(content, sort_keys=False))

    def ask_node_port(self, service: str, node: str) -> str:
        """What the Service says at the node, whose rules follow the pods' readiness by a moment."""
        port = self.cli.get("service", service)["spec"]["ports"][0]["nodePort"]

        def answer() -> str:
            try:
                return ask(f"http://{self.addresses()[node]}:{port}/")
            except OSError:
                return ""

        return wait_until(answer, f"{service} answers at {node}", RULES_WITHIN_S)

    def pod_everywhere(self, name: str) -> dict[str, dict[str, Any]]:
        """A pod of the demo image on each node and a Service of that name for all of them; the pods by their nodes."""
        self.cli("apply", "-f", "-", stdin=daemon_set(name))
        nodes = len(self.cli.items("nodes"))

        def running() -> dict[str, dict[str, Any]] | None:
            found = {pod["spec"]["nodeName"]: pod for pod in self.cli.items("pods", "-l", f"app={name}") if ready(pod)}
            return found if len(found) == nodes else None

        found = wait_until(running, f"a ready pod of {name} on each node", PODS_WITHIN_S)
        assert found is not None
        return found


def ready(pod: dict[str, Any]) -> bool:
    deleted = "deletionTimestamp" in pod["metadata"]
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and not deleted


def daemon_set(name: str) -> str:
    labels = {"app": name}
    container = {
        "name": "web",
        "image": IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return yaml.safe_dump_all(
        [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec},
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"selector": labels, "ports": ports, "type": "NodePort"},
            },
        ]
    )


MakeCluster = Callable[[LabSpec, dict[str, list[str]]], OwnCluster]
"""Makes a lab and its inventory; the second argument puts hosts into further groups."""


def cluster_maker(letter: str) -> Iterator[MakeCluster]:
    """What makes the lab of this letter and its inventory; deploying is the caller's. At the end the lab is gone."""
    own = own_lab(letter)

    def make(spec: LabSpec, also: dict[str, list[str]]) -> OwnCluster:
        own.destroy()
        path = inventory.write(own.create(spec), own.directory, PROJECT)
        content = yaml.safe_load(path.read_text())
        groups = content["all"]["children"]
        hosts = {name: each for group in groups.values() for name, each in group["hosts"].items()}
        for group, names in also.items():
            groups.setdefault(group, {"hosts": {}})["hosts"] |= {name: dict(hosts[name]) for name in names}
        path.write_text(inventory.HEADER + yaml.safe_dump(content, sort_keys=False))
        return OwnCluster(own, Cli(own.name), player(own.name))

    try:
        yield make
    finally:
        own.destroy()
        shutil.rmtree(PROJECT / ".podlab" / own.name, ignore_errors=True)
