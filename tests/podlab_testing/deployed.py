"""A deployed lab as the e2e tests see it: the command line as a user has it, manifests, and traffic from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from podlab_testing.rest import Rest
from podlab_testing.source_code import PROJECT

T = TypeVar("T")
MakeNamespace = Callable[[], str]


IMAGE = "podlab.local/hello:1.0"


@dataclass(frozen=True)
class Cli:
    """`podlab`, run in the project's directory on the lab's cluster."""

    cluster: str

    def run(
        self, *arguments: str, stdin: str | None = None, timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("podlab")
        return subprocess.run(
            [str(program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=PROJECT,
            env=os.environ | {"PODLAB_CLUSTER": self.cluster},
        )

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_s: float = 120) -> str:
        done = self.run(*arguments, stdin=stdin, timeout_s=timeout_s)
        assert done.returncode == 0, f"podlab {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    @cached_property
    def rest(self) -> Rest:
        return Rest(self.cluster)

    def get(self, *arguments: str) -> Any:
        """What `podlab get` with these words and `-o json` shows, without its cost."""
        return self.rest.get(*arguments)

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(*arguments)["items"]
        return found


def wait_until(question: Callable[[], T], what: str, timeout_s: float = 60.0, every_s: float = 0.3) -> T:
    """The first true answer; fails naming `what` and the last answer when the time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}; last answer: {answer!r}"
        time.sleep(every_s)


def wait_for(expected: T, question: Callable[[], T], what: str, timeout_s: float = 60.0, every_s: float = 0.3) -> None:
    """Until the answer is `expected`; fails naming `what` and the last answer when the time is up."""
    deadline = time.monotonic() + timeout_s
    while (answer := question()) != expected:
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}; {answer!r} is not {expected!r}"
        time.sleep(every_s)


def ask(url: str, timeout_s: float = 5.0) -> str:
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return str(answer.read().decode())


@dataclass
class Traffic:
    """Asks the URLs one after another, all the time, from outside the cluster. A context manager."""

    urls: list[str]
    answers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Traffic:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            for url in self.urls:
                try:
                    self.answers.append(ask(url))
                except OSError as error:
                    self.failures.append(f"{time.strftime('%X')} {url}: {error}")


def nodes_ready(cli: Cli) -> bool:
    nodes = cli.items("nodes")
    return bool(nodes) and all(
        condition_of(node, "Ready") == "True" and not node["spec"].get("taints") for node in nodes
    )


def condition_of(thing: dict[str, Any], condition: str) -> str:
    found = [each["status"] for each in thing["status"].get("conditions", []) if each["type"] == condition]
    return found[0] if found else ""


def reason_of(pod: dict[str, Any]) -> str:
    """Why its first container waits, or ""."""
    statuses = pod["status"].get("containerStatuses", [])
    return str(statuses[0]["state"].get("waiting", {}).get("reason", "")) if statuses else ""


def container(**changes: Any) -> dict[str, Any]:
    """The demo image's container, ready when it answers."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    fields = {"fieldRef": {"fieldPath": "metadata.name"}}, {"fieldRef": {"fieldPath": "spec.nodeName"}}
    return {
        "name": "web",
        "image": IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "POD_NAME", "valueFrom": fields[0]}, {"name": "NODE_NAME", "valueFrom": fields[1]}],
        "readinessProbe": probe,
        "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
    } | changes


def pod(name: str, *, labels: dict[str, str] | None = None, spec: dict[str, Any] | None = None, **changes: Any) -> str:
    """A pod's manifest; `changes` are the container's."""
    body = {"containers": [container(**changes)], "terminationGracePeriodSeconds": 5} | (spec or {})
    metadata = {"name": name, "labels": labels or {"app": name}}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body})


def deployment(name: str, replicas: int, **changes: Any) -> str:
    labels = {"app": name}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container(**changes)], "terminationGracePeriodSeconds": 10},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "strategy": strategy, "template": template}
    return yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def service(name: str, *, node_port: bool = False) -> str:
    spec: dict[str, Any] = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    if node_port:
        spec["type"] = "NodePort"
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})


@dataclass(frozen=True)
class Web:
    """A Deployment on both nodes behind a NodePort Service."""

    cli: Cli
    namespace: str
    urls: list[str]

    def pods(self) -> list[dict[str, Any]]:
        return self.cli.items("pods", "-n", self.namespace, "-l", "app=web")

    def containers(self) -> set[tuple[str, str, str, int]]:
        """(pod, container id, start time, restarts) of each that runs."""
        return {
            (
                each["metadata"]["name"],
                status["containerID"],
                status["state"]["running"]["startedAt"],
                status["restartCount"],
            )
            for each in self.pods()
            for status in each["status"].get("containerStatuses", [])
            if "running" in status["state"]
        }

    def answers_everywhere(self) -> bool:
        try:
            return all(ask(url, 1) for url in self.urls)
        except OSError:
            return False
