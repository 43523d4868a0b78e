"""Static pods on real nodes: what kubectl sees of them, and a kubelet that has no API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import wait_until
from podlab_testing.kubectl import Kubectl
from podlab_testing.kubelet_settings import on_host
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

NODE = "n2"
DIRECTORY = "/etc/podlab/manifests"
EXAMPLE = (PROJECT / "examples/static-pod.yaml").read_text()
UNIT = "kubelet-alone"
ALONE = f"""
node_name: {NODE}
node_ip: 127.0.0.1
static_pod_dir: /root/alone
"""

pytestmark = pytest.mark.alone


def write(lab: Lab, name: str, text: str, directory: str = DIRECTORY) -> None:
    on_host(
        lab,
        NODE,
        f"mkdir -p {directory}; cd {directory}; cat > .{name} <<'END'\n{text}\nEND\nmv .{name} {name}",
    )


@pytest.fixture
def node(lab: Lab, all_ready: None) -> Iterator[Lab]:
    yield lab
    on_host(lab, NODE, f"rm -rf {DIRECTORY} /root/alone /root/alone.yaml")


def mirror(kubectl: Kubectl) -> dict[str, Any] | None:
    found = kubectl("get", "pod", "web-n2", "-n", "default", "-o", "json", check=False)
    pod: dict[str, Any] | None = json.loads(found.stdout) if found.returncode == 0 else None
    return pod if pod and pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"] else None


def container_of(pod: dict[str, Any]) -> str:
    return str(pod["status"]["containerStatuses"][0]["containerID"])


def test_a_static_pod_is_seen_reached_and_stays_until_its_file_goes(node: Lab, administrator: Kubectl) -> None:
    kubectl = administrator.inside("default")
    write(node, "web.yaml", EXAMPLE)
    first = wait_until(lambda: mirror(kubectl), "the mirror is there, and runs")
    assert first["metadata"]["ownerReferences"][0]["kind"] == "Node"
    assert kubectl.out("exec", "web-n2", "--", "hostname") == "web-n2"
    assert "Started container web" in kubectl.out("describe", "pod", "web-n2")
    kubectl("delete", "pod", "web-n2", "--wait=false")
    second = wait_until(
        lambda: (pod := mirror(kubectl)) and pod["metadata"]["uid"] != first["metadata"]["uid"] and pod,
        "the mirror is back",
    )
    assert container_of(second) == container_of(first)
    write(node, "web.yaml", EXAMPLE.replace("{app: web}", "{app: other}"))
    wait_until(
        lambda: (pod := mirror(kubectl)) and container_of(pod) != container_of(first), "another pod has its name", 90
    )
    write(node, "broken.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: broken}\nspec: {}\n")
    why = "broken.yaml: invalid pod: spec.containers: Required value"
    wait_until(lambda: why in kubectl.out("describe", "node", NODE), "the node's events name file and cause")
    on_host(node, NODE, f"rm {DIRECTORY}/web.yaml")
    wait_until(
        lambda: kubectl("get", "pod", "web-n2", check=False).returncode != 0, "the mirror goes with the file", 90
    )


def test_a_kubelet_without_api_server_runs_its_files_alone(node: Lab, administrator: Kubectl) -> None:
    """Containers of the API's pods end meanwhile, as nobody wants them, and come back with the node's own kubelet."""
    on_host(node, NODE, f"cat > /root/alone.yaml <<'END'\n{ALONE}\nEND")
    write(node, "web.yaml", EXAMPLE.replace("spec:", "spec:\n  hostNetwork: true"), "/root/alone")
    running = f"ctr -n k8s.io containers ls -q | wc -l; journalctl -u {UNIT} -o cat"
    try:
        on_host(
            node,
            NODE,
            f"systemctl stop podlab-kubelet; systemd-run --unit={UNIT} --collect /opt/podlab/venv/bin/podlab-kubelet"
            " --config /root/alone.yaml",
        )
        wait_until(lambda: "Started: Started container web" in on_host(node, NODE, running), "the pod runs", 60)
        on_host(node, NODE, "rm /root/alone/web.yaml")
        wait_until(lambda: on_host(node, NODE, running).split()[0] == "0", "nothing is left of it", 90)
    finally:
        on_host(node, NODE, f"systemctl stop {UNIT}; systemctl start podlab-kubelet")
    wait_until(
        lambda: (
            "True"
            in administrator.out("get", "node", NODE, "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
        ),
        "the node is ready again",
    )
