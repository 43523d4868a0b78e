"""Pods of RuntimeClasses on real hosts: another runtime than runc runs them, and a node tells which it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, condition_of, pod, wait_until

from podlab.lab.lab import Lab

# Where containerd's shim has runtimes keep what they know of the containers of pods.
STATE = "/run/containerd/runc/k8s.io"
OVERHEAD = {"cpu": "10m", "memory": "8Mi"}
CLASSES: dict[str, dict[str, Any]] = {
    "crun": {"handler": "crun", "overhead": {"podFixed": OVERHEAD}},
    "nobodys": {"handler": "nobodys"},
}


@pytest.fixture
def classes(cli: Cli) -> Iterator[None]:
    documents = [
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, **spec}
        for name, spec in CLASSES.items()
    ]
    cli("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))
    yield
    cli("delete", "runtimeclass", *CLASSES)


def test_every_node_tells_of_its_runtimes(cli: Cli, all_ready: None) -> None:
    for node in cli.items("nodes"):
        told = {each["name"] for each in node["status"]["runtimeHandlers"]}
        assert {"", "crun", "runc"} <= told


def test_a_pod_of_the_class_crun_is_run_by_crun(
    lab: Lab, cli: Cli, namespace: str, classes: None, all_ready: None
) -> None:
    amounts = {"cpu": "50m", "memory": "32Mi"}
    manifest = pod("other", spec={"runtimeClassName": "crun"}, resources={"limits": amounts})
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)

    def ready() -> Any:
        found = cli.get("pod", "other", "-n", namespace)
        return found if condition_of(found, "Ready") == "True" else None

    found = wait_until(ready, "the pod is ready")
    assert found["spec"]["overhead"] == OVERHEAD
    _, container = found["status"]["containerStatuses"][0]["containerID"].split("://")
    state = lab.run(found["spec"]["nodeName"], ["crun", "--root", STATE, "state", container])
    assert json.loads(state.stdout)["status"] == "running", state.stderr
    assert cli("exec", "other", "-n", namespace, "--", "echo", "heard").strip() == "heard"
    cli("delete", "pod", "other", "-n", namespace)


def test_a_handler_that_no_node_has_is_told_in_an_event(
    cli: Cli, namespace: str, classes: None, all_ready: None
) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("nowhere", spec={"runtimeClassName": "nobodys"}))

    def refused() -> Any:
        events = cli.items("events", "-n", namespace)
        return next((each for each in events if each["reason"] == "FailedCreatePodSandBox"), None)

    event = wait_until(refused, "the Event")
    assert event["type"] == "Warning"
    assert event["message"].endswith('failed to get sandbox runtime: no runtime for "nobodys" is configured')
    cli("delete", "pod", "nowhere", "-n", namespace)


def test_users_of_its_own_are_given_to_a_pod_or_refused_by_name(cli: Cli, namespace: str, all_ready: None) -> None:
    """Debian 12's containerd has none to give."""
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("own-users", spec={"hostUsers": False}))

    def settled() -> Any:
        if condition_of(cli.get("pod", "own-users", "-n", namespace), "Ready") == "True":
            return "it is ready"
        events = cli.items("events", "-n", namespace)
        return next((each["message"] for each in events if each["reason"] == "FailedCreatePodSandBox"), None)

    told = wait_until(settled, "the pod is ready, or an Event says why not")
    node = cli.get("node", cli.get("pod", "own-users", "-n", namespace)["spec"]["nodeName"])
    default = next(each for each in node["status"]["runtimeHandlers"] if not each["name"])
    able = default.get("features", {}).get("userNamespaces", False)
    refusal = "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
    assert told == ("it is ready" if able else f"Failed to create pod sandbox: {refusal}")
    cli("delete", "pod", "own-users", "-n", namespace)
