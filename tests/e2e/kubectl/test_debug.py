"""kubectl debug: containers that join a pod, copies of pods, and pods on nodes."""

from __future__ import annotations

import json

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace, wait_until
from podlab_testing.kubectl import Kubectl
from podlab_testing.terminals import terminal


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One with pod web."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    container = {"name": "web", "image": IMAGE, "command": ["sleep", "3600"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    kubectl(
        "create",
        "-f",
        "-",
        stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}),
    )
    kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    return name


def test_a_container_joins_sees_its_targets_processes_and_stays_ended(kubectl: Kubectl) -> None:
    arguments = ("debug", "web", "-it", f"--image={IMAGE}", "--target=web", "--container=look", "--", "sh")
    with terminal(kubectl, *arguments) as shell:
        shell.until("/ #")
        shell.type("ps\n")
        shell.until("sleep 3600")
        shell.type("exit\n")
        assert shell.ended() == 0

    def ended() -> bool:
        (status,) = kubectl.json("get", "pod", "web")["status"]["ephemeralContainerStatuses"]
        return "terminated" in status["state"] and status["restartCount"] == 0

    wait_until(ended, "the container has ended", 20)
    assert "Ephemeral Containers:\n  look:" in kubectl.out("describe", "pod", "web")
    assert "sleep 3600" in kubectl.out("logs", "web", "-c", "look")


def test_what_has_joined_cannot_be_changed_otherwise(kubectl: Kubectl) -> None:
    patch = '{"spec":{"ephemeralContainers":[{"name":"sneak","image":"i:1"}]}}'
    assert "pod updates may not change fields" in kubectl.refused("patch", "pod", "web", "-p", patch)
    told = kubectl.refused("debug", "web", f"--image={IMAGE}", "--target=nobody", "--container=lost", "--", "true")
    assert "targetContainerName" in told


def test_a_copy_has_the_debugger_beside_it(kubectl: Kubectl) -> None:
    arguments = ("web", "--copy-to=web-copy", f"--image={IMAGE}", "--share-processes", "--container=look")
    kubectl("debug", *arguments, "--", "sleep", "3600")
    kubectl("wait", "pod/web-copy", "--for=condition=Ready", "--timeout=60s")
    assert kubectl.out("exec", "web-copy", "-c", "look", "--", "ps").count("sleep 3600") == 2


def test_a_pod_on_a_node_sees_the_node(kubectl: Kubectl) -> None:
    node = kubectl.items("nodes")[0]["metadata"]["name"]
    kubectl("debug", f"node/{node}", f"--image={IMAGE}", "--", "cat", "/host/etc/hostname")
    (pod,) = (each for each in kubectl.items("pods") if each["metadata"]["name"].startswith("node-debugger"))
    name = pod["metadata"]["name"]
    kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl.out("logs", name) == node


def test_each_that_joins_is_another_generation_and_answers_as_others_do(kubectl: Kubectl) -> None:
    """Conformance: Ephemeral Containers."""
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "10000"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "target"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=yaml.safe_dump(made))
    kubectl("wait", "pod/target", "--for=condition=Ready", "--timeout=60s")
    assert kubectl.json("get", "pod", "target")["metadata"]["generation"] == 1
    script = "while true; do echo polo; sleep 2; done"
    with_terminal = ("debug", "target", "-it", "--attach=false", f"--image={IMAGE}", "--container=debugger")
    kubectl(*with_terminal, "--", "sh", "-c", script)

    def running() -> bool:
        statuses = kubectl.json("get", "pod", "target")["status"].get("ephemeralContainerStatuses", [])
        return [each["name"] for each in statuses if "running" in each["state"]] == ["debugger"]

    wait_until(running, "the container runs", 60)
    assert kubectl.json("get", "pod", "target")["metadata"]["generation"] == 2
    assert "marco" in kubectl.out("exec", "target", "-c", "debugger", "--", "/bin/echo", "marco")
    wait_until(lambda: "polo" in kubectl.out("logs", "target", "-c", "debugger"), "it has said its word", 20)
    below = f"/api/v1/namespaces/{kubectl.namespace}/pods/target/ephemeralcontainers"
    found = json.loads(kubectl.out("get", "--raw", below))
    (first,) = found["spec"]["ephemeralContainers"]
    assert (first["name"], first["stdin"], first["tty"]) == ("debugger", True, True)
    second = {"imagePullPolicy": "IfNotPresent", "terminationMessagePolicy": "File"}
    found = kubectl.json("get", "pod", "target")
    del found["metadata"]["resourceVersion"]  # the kubelet writes, too
    found["spec"]["ephemeralContainers"].append({"name": "debugger2", "image": IMAGE, **second})
    kubectl("replace", "--raw", below, "-f", "-", stdin=json.dumps(found))
    found = json.loads(kubectl.out("get", "--raw", below))
    assert [each["name"] for each in found["spec"]["ephemeralContainers"]] == ["debugger", "debugger2"]
    assert found["metadata"]["generation"] == 3
