"""A device plugin on a real node: the example's, from its registration to its death."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_for, wait_until
from podlab_testing.kubectl import Kubectl
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

NODE = "n2"
EXAMPLE = PROJECT / "examples/devices/device_plugin.py"
PYTHON = "/opt/podlab/venv/bin/python"
UNIT = "gpu-plugin"
LISTED = """
import grpc
from podlab.foreign.podresources.v1 import api_pb2, api_pb2_grpc
with grpc.insecure_channel("unix:/var/lib/kubelet/pod-resources/kubelet.sock") as channel:
    for pod in api_pb2_grpc.PodResourcesListerStub(channel).List(api_pb2.ListPodResourcesRequest()).pod_resources:
        for container in pod.containers:
            for devices in container.devices:
                print(pod.name, container.name, devices.resource_name, *devices.device_ids)
"""

pytestmark = pytest.mark.alone


@pytest.fixture
def resource(lab: Lab, namespace: str, all_ready: None) -> Iterator[str]:
    """Offered by a plugin of two devices, which ends after the test."""
    name = f"{namespace}.example.com/gpu"
    done = lab.run(NODE, ["systemd-run", f"--unit={UNIT}", "--collect", PYTHON, "-c", EXAMPLE.read_text(), name, "2"])
    assert done.returncode == 0, done.stderr
    yield name
    lab.run(NODE, ["systemctl", "stop", UNIT])
    lab.run(NODE, ["rm", "-f", "/run/unhealthy-devices"])


def pod(name: str, resource: str) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "resources": {"limits": {resource: 1}}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def offered(cli: Cli, resource: str) -> tuple[str | None, str | None]:
    (status,) = [each["status"] for each in cli.items("nodes") if each["metadata"]["name"] == NODE]
    return status["capacity"].get(resource), status["allocatable"].get(resource)


def health(cli: Cli, namespace: str, name: str) -> list[str]:
    status = cli.get("pod", name, "-n", namespace)["status"]["containerStatuses"][0]
    told = status.get("allocatedResourcesStatus", [])
    return [device["health"] for each in told for device in each["resources"]]


def phase(cli: Cli, namespace: str, name: str) -> str:
    return str(cli.get("pod", name, "-n", namespace)["status"]["phase"])


def test_devices_are_offered_given_looked_after_and_given_back(
    lab: Lab, cli: Cli, kubectl: Kubectl, namespace: str, resource: str
) -> None:
    wait_for(("2", "2"), lambda: offered(cli, resource), "the node tells of its devices")
    for name in ("first", "second", "third"):
        kubectl("apply", "-f", "-", stdin=json.dumps(pod(name, resource)))
    wait_for("Running", lambda: phase(cli, namespace, "first"), "the first pod runs")
    wait_for("Running", lambda: phase(cli, namespace, "second"), "the second pod runs")
    assert phase(cli, namespace, "third") == "Pending"
    assert f"Insufficient {resource}" in kubectl.out("describe", "pod", "third")
    (device,) = kubectl.out("exec", "first", "--", "sh", "-c", "echo $DEVICES").split()
    assert kubectl.out("exec", "first", "--", "ls", f"/dev/{device}") == f"/dev/{device}"
    listed = lab.run(NODE, [PYTHON, "-c", LISTED])
    assert f"first main {resource} {device}" in listed.stdout.splitlines(), listed.stderr
    kubectl("delete", "pod", "first", "--timeout=60s")
    wait_for("Running", lambda: phase(cli, namespace, "third"), "the third pod has the device that is free")

    lab.run(NODE, ["sh", "-c", "echo gpu-0 gpu-1 > /run/unhealthy-devices"])
    wait_for(("2", "0"), lambda: offered(cli, resource), "devices that are ill cannot be used")
    wait_for(["Unhealthy"], lambda: health(cli, namespace, "third"), "the pod tells that its device is ill")
    lab.run(NODE, ["rm", "/run/unhealthy-devices"])
    wait_for(("2", "2"), lambda: offered(cli, resource), "they are well again")

    assert lab.run(NODE, ["systemctl", "restart", "podlab-kubelet"]).returncode == 0
    wait_for(["Healthy"], lambda: health(cli, namespace, "third"), "the plugin registers with the kubelet's heir")
    wait_for(("2", "2"), lambda: offered(cli, resource), "and offers its devices")
    kubectl("delete", "pod", "second", "--timeout=60s")
    kubectl("apply", "-f", "-", stdin=json.dumps(pod("fourth", resource)))
    wait_for("Running", lambda: phase(cli, namespace, "fourth"), "who has which device is known still")
    taken = {kubectl.out("exec", name, "--", "sh", "-c", "echo $DEVICES") for name in ("third", "fourth")}
    assert taken == {"gpu-0", "gpu-1"}

    lab.run(NODE, ["systemctl", "stop", UNIT])
    wait_until(lambda: offered(cli, resource)[1] == "0", "nothing can be used once the plugin has died")
    bound = pod("late", resource)
    bound["spec"]["nodeName"] = NODE
    kubectl("apply", "-f", "-", stdin=json.dumps(bound))
    wait_for("Failed", lambda: phase(cli, namespace, "late"), "who comes then is refused")
    status = cli.get("pod", "late", "-n", namespace)["status"]
    assert status["reason"] == "UnexpectedAdmissionError"
    assert f"no healthy devices present; cannot allocate unhealthy devices {resource}" in status["message"]
    assert phase(cli, namespace, "third") == "Running", "who has a device keeps it"
