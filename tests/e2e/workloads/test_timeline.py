"""`podlab timeline` on a deployed cluster: each component tells its part, and restarts are told as such."""

from __future__ import annotations

import json
from typing import Any

import pytest
from podlab_testing.deployed import Cli, deployment, nodes_ready, pod, service, wait_until

from podlab.lab.lab import Lab

STEPS = {
    ("apiserver", "stored"),
    ("controllers", "created"),
    ("controllers", "endpoints"),
    ("scheduler", "seen"),
    ("scheduler", "scheduled"),
    ("scheduler", "bound"),
    ("kubelet", "seen"),
    ("kubelet", "volumes"),
    ("kubelet", "sandbox"),
    ("kubelet", "network"),
    ("kubelet", "image"),
    ("kubelet", "create"),
    ("kubelet", "start"),
    ("kubelet", "probe"),
    ("kubelet", "ready told"),
    ("proxy", "rules"),
}


def _told(cli: Cli, namespace: str, *target: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(cli("timeline", *target, "-n", namespace, "-o", "json"))["pods"]
    return told


def _reached(cli: Cli, namespace: str) -> bool:
    """Whether all nodes have rules for both pods."""
    nodes = {each["metadata"]["name"] for each in cli.items("nodes")}
    told = _told(cli, namespace, "deployment", "web")
    rules = [{each["node"] for each in pod["steps"] if each["name"] == "rules"} for pod in told]
    return len(rules) == 2 and all(each == nodes for each in rules)


def _make(cli: Cli, namespace: str) -> None:
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    cli("apply", "-n", namespace, "-f", "-", stdin=service("web"))
    cli("apply", "-n", namespace, "-f", "-", stdin=deployment("web", 2))
    cli("rollout", "status", "deployment/web", "-n", namespace)
    wait_until(lambda: _reached(cli, namespace), "rules on all nodes are in force", 30)


def test_every_component_tells_its_part(cli: Cli, namespace: str) -> None:
    _make(cli, namespace)
    for told in _told(cli, namespace, "deployment", "web"):
        assert {(each["component"], each["name"]) for each in told["steps"]} >= STEPS
        assert told["unanswered"] == []
        assert all(each["exact"] for each in told["steps"])
        assert 0 < told["ready_ms"] < told["reached_ms"]
        whole_ms = max(each["at_ms"] + each["took_ms"] for each in told["steps"])
        assert abs(sum(each["alone_ms"] for each in told["steps"]) - whole_ms) < 0.001
        network, sandbox = (_step(told, name) for name in ("network", "sandbox"))
        assert sandbox["at_ms"] - 10 < network["at_ms"] < network["at_ms"] + network["took_ms"]
        assert network["at_ms"] + network["took_ms"] < sandbox["at_ms"] + sandbox["took_ms"] + 10
    text = cli("timeline", "deployment", "web", "-n", namespace)
    assert text.startswith("POD ")
    assert "\nslowest: " in text
    assert "</html>" in cli("timeline", "deployment", "web", "-n", namespace, "-o", "html")


def _step(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["steps"] if each["name"] == name)
    return found


@pytest.mark.alone
def test_what_a_restarted_kubelet_has_forgotten_is_told_less_exactly(cli: Cli, namespace: str, lab: Lab) -> None:
    _make(cli, namespace)
    pod = _told(cli, namespace, "deployment", "web")[0]
    node = _step(pod, "sandbox")["node"]
    assert lab.run(node, ["systemctl", "restart", "podlab-kubelet"]).returncode == 0

    def forgotten() -> bool:
        (told,) = _told(cli, namespace, "pod", pod["name"])
        if told["unanswered"]:
            return False
        names = {each["name"]: each["exact"] for each in told["steps"] if each["component"] == "kubelet"}
        return "sandbox" not in names and names.get("start") is False and names.get("ready told") is False

    wait_until(forgotten, "the kubelet's part comes from status and Events", 60)
    assert "comes from status and Events, marked ~" in cli("timeline", "pod", pod["name"], "-n", namespace)


@pytest.mark.alone  # a file of a node's is the whole cluster's
def test_a_static_pod_has_its_kubelets_part(cli: Cli, lab: Lab, all_ready: None) -> None:
    directory = "/etc/podlab/manifests"
    manifest = pod("timed", lifecycle=None)
    lab.run("n1", ["sh", "-c", f"mkdir -p {directory}; cat > {directory}/timed.yaml <<'END'\n{manifest}\nEND"])
    kubelets = {step for component, step in STEPS if component == "kubelet"} - {"volumes"}

    def told() -> set[str]:
        if not any(each["metadata"]["name"] == "timed-n1" for each in cli.items("pods", "-n", "default")):
            return set()
        return {each["name"] for each in _told(cli, "default", "pod", "timed-n1")[0]["steps"] if each["node"] == "n1"}

    try:
        wait_until(lambda: told() >= kubelets, "the kubelet's steps are the mirror's")
    finally:
        lab.run("n1", ["rm", "-f", f"{directory}/timed.yaml"])
