"""The scheduler's decisions, explained on a deployed cluster."""

from __future__ import annotations

import json

from podlab_testing.deployed import Cli, pod, wait_until

QUIET = {"readinessProbe": None, "lifecycle": None}


def test_a_running_pods_decision_is_told_node_by_node(cli: Cli, namespace: str) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("web"))
    wait_until(lambda: cli.get("pod", "web", "-n", namespace)["spec"].get("nodeName"), "it has a node", 20)
    home = cli.get("pod", "web", "-n", namespace)["spec"]["nodeName"]
    told = json.loads(cli("why", "pod", "web", "-n", namespace, "-o", "json"))
    nodes = {node["node_name"]: node for node in told["nodes"]}
    assert set(nodes) == {node["metadata"]["name"] for node in cli.items("nodes")}
    assert (told["node_name"], told["attempts"]) == (home, 1)
    assert "recomputed" not in told
    scores = zip(told["scores"], nodes[home]["raw"], nodes[home]["normalized"], strict=True)
    assert nodes[home]["total"] == sum(plugin["weight"] * normalized for plugin, _, normalized in scores)
    table = cli("why", "pod", "web", "-n", namespace)
    assert table.startswith(f"pod {namespace}/web goes to {home}\ndecided ")
    assert f"{home} *" in table
    assert "as if it had no node" in cli("why", "pod", "web", "-n", namespace, "--now")
    assert "</html>" in cli("why", "pod", "web", "-n", namespace, "-o", "html")


def test_a_manifests_pod_is_judged_and_not_made(cli: Cli, namespace: str) -> None:
    huge = pod("huge", resources={"requests": {"cpu": "64"}}, **QUIET)
    told = cli("why", "-n", namespace, "-f", "-", stdin=huge)
    assert told.startswith(f"pod {namespace}/huge would fit on no node\n")
    assert "NodeResourcesFit   Insufficient cpu" in told
    assert cli.run("get", "pod", "huge", "-n", namespace).returncode == 1
    small = cli("why", "-n", namespace, "-f", "-", stdin=pod("small", **QUIET))
    assert small.startswith(f"pod {namespace}/small would go to ")


def test_condition_event_and_explanation_say_the_same(cli: Cli, namespace: str) -> None:
    huge = pod("huge", resources={"requests": {"cpu": "64"}}, **QUIET)
    cli("apply", "-n", namespace, "-f", "-", stdin=huge)

    def message() -> str:
        conditions = cli.get("pod", "huge", "-n", namespace)["status"].get("conditions", [])
        return next((each.get("message", "") for each in conditions if each["type"] == "PodScheduled"), "")

    told = wait_until(message, "the pod's condition", 20)
    assert told.startswith("0/")
    assert told in cli("why", "pod", "huge", "-n", namespace)
    assert told in wait_until(lambda: _failed(cli, namespace), "the Event", 20)


def test_a_gated_pod_waits_until_its_gate_goes(cli: Cli, namespace: str) -> None:
    gates = [{"name": "example.com/quota"}]
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("gated", spec={"schedulingGates": gates}, **QUIET))
    wait_until(lambda: "SchedulingGated" in cli("get", "pod", "gated", "-n", namespace), "it says so", 10)
    assert "is held back by scheduling gates: example.com/quota" in cli("why", "pod", "gated", "-n", namespace)
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("gated", spec={"schedulingGates": []}, **QUIET))
    wait_until(lambda: cli.get("pod", "gated", "-n", namespace)["status"]["phase"] == "Running", "it runs", 60)


def _failed(cli: Cli, namespace: str) -> str:
    events = cli.items("events", "-n", namespace)
    return next((event["message"] for event in events if event["reason"] == "FailedScheduling"), "")
