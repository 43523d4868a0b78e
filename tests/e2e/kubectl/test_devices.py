"""Devices for pods: each pod of a Deployment claims one, the last one waits until another gives its own back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.kubectl import Kubectl
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

EXAMPLE = PROJECT / "examples/devices/driver.py"
NODES = ("n1", "n2")
API = "resource.k8s.io/v1"


def manifests(name: str) -> list[dict[str, Any]]:
    """One device on each node, a class of them, a template of claims, and a Deployment of one pod too many."""
    driver = f"{name}.example.com"
    selector = {"cel": {"expression": f'device.driver == "{driver}" && device.attributes["{driver}"].model == "a"'}}
    exactly = {"exactly": {"deviceClassName": name}}
    container = {"name": "main", "image": IMAGE, "resources": {"claims": [{"name": "gpu"}]}}
    claims = [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [container], "resourceClaims": claims, "terminationGracePeriodSeconds": 1},
    }
    return [
        *(
            {
                "apiVersion": API,
                "kind": "ResourceSlice",
                "metadata": {"name": f"{name}-{node}"},
                "spec": {
                    "driver": driver,
                    "nodeName": node,
                    "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
                    "devices": [{"name": "gpu-0", "attributes": {"model": {"string": "a"}}}],
                },
            }
            for node in NODES
        ),
        {"apiVersion": API, "kind": "DeviceClass", "metadata": {"name": name}, "spec": {"selectors": [selector]}},
        {
            "apiVersion": API,
            "kind": "ResourceClaimTemplate",
            "metadata": {"name": "one-gpu"},
            "spec": {"spec": {"devices": {"requests": [{"name": "gpu", **exactly}]}}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        },
    ]


@pytest.fixture
def offered(administrator: Kubectl, namespace: str) -> Iterator[str]:
    """The name of what is outside of the namespace."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(namespace)})
    administrator.inside(namespace)("apply", "-f", "-", stdin=text)
    yield namespace
    slices = ",".join(("resourceslices", "deviceclasses"))
    for name in (*(f"{namespace}-{node}" for node in NODES), namespace):
        administrator("delete", slices, name, "--ignore-not-found", "--wait=false")


def placed(cli: Cli, namespace: str) -> dict[str, str]:
    """The nodes of the pods that have one."""
    pods = cli.items("pods", "-n", namespace)
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")}


def told(cli: Cli, namespace: str, reason: str) -> list[str]:
    return [one["message"] for one in cli.items("events", "-n", namespace) if one["reason"] == reason]


@pytest.fixture
def drivers(lab: Lab, administrator: Kubectl, namespace: str) -> Iterator[Callable[[], None]]:
    """Starts the example's driver on each node, which ends after the test.

    The pods end first: a kubelet keeps a pod whose devices no driver takes back.
    """
    name, unit, text = f"{namespace}.example.com", f"{namespace}-driver", EXAMPLE.read_text()
    python = "/opt/podlab/venv/bin/python"

    def start() -> None:
        for node in NODES:
            done = lab.run(node, ["systemd-run", f"--unit={unit}", "--collect", python, "-c", text, name])
            assert done.returncode == 0, done.stderr

    yield start
    administrator.inside(namespace)("delete", "deployments,pods", "--all", "--timeout=60s")
    for node in NODES:
        lab.run(node, ["systemctl", "stop", unit])
        socket = f"/var/lib/podlab/kubelet/plugins_registry/{name}.sock"
        lab.run(node, ["rm", "-f", socket, f"/var/run/cdi/{name}.json"])


def running(cli: Cli, namespace: str) -> set[str]:
    pods = cli.items("pods", "-n", namespace)
    return {pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"}


def test_a_pod_waits_for_a_device_until_one_is_given_back(
    cli: Cli, administrator: Kubectl, offered: str, drivers: Callable[[], None], all_ready: None
) -> None:
    kubectl = administrator.inside(offered)
    wait_until(lambda: len(placed(cli, offered)) == 2, "two pods have a node")
    assert sorted(placed(cli, offered).values()) == [*NODES]
    wait_until(
        lambda: [one for one in told(cli, offered, "FailedScheduling") if "cannot allocate all claims" in one],
        "it is said why the third pod waits",
    )
    wait_until(lambda: len(cli.items("resourceclaims", "-n", offered)) == 3, "each pod has a claim")
    given = [one for one in cli.items("resourceclaims", "-n", offered) if one["status"].get("allocation")]
    assert {one["status"]["allocation"]["devices"]["results"][0]["pool"] for one in given} == {*NODES}
    driver = f"{offered}.example.com"
    missing = f"Failed to prepare dynamic resources: prepare dynamic resources: DRA driver {driver} is not registered"
    wait_until(lambda: missing in told(cli, offered, "FailedPrepareDynamicResources"), "kubelets miss the driver")
    assert not running(cli, offered)
    assert driver in kubectl("describe", "resourceclaims").stdout
    drivers()
    wait_until(lambda: running(cli, offered) == placed(cli, offered).keys(), "pods start once drivers are there", 120)
    first, second = sorted(running(cli, offered))
    seen = kubectl("exec", first, "--", "sh", "-c", "echo $GPU; ls /dev/gpu-0").stdout
    assert seen.split() == ["gpu-0", "/dev/gpu-0"]
    kubectl("delete", "pod", first, "--wait=false")
    # The third pod and the one in place of the first both wait: whichever backs off for less time has the device.
    wait_until(lambda: len(running(cli, offered) - {first}) == 2, "the device goes to a pod that waits", 120)
    assert second in running(cli, offered)
    kubectl("delete", "deployment/web")
    wait_until(lambda: not cli.items("resourceclaims", "-n", offered), "claims go with their pods")
