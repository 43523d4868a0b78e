"""Devices for pods: each pod of a Deployment claims one, the last one waits until another gives its own back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.kubectl import Kubectl

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


def test_a_pod_waits_for_a_device_until_one_is_given_back(
    cli: Cli, administrator: Kubectl, offered: str, all_ready: None
) -> None:
    wait_until(lambda: len(placed(cli, offered)) == 2, "two pods have a node")
    assert sorted(placed(cli, offered).values()) == [*NODES]
    (waiting,) = {pod["metadata"]["name"] for pod in cli.items("pods", "-n", offered)} - placed(cli, offered).keys()
    wait_until(
        lambda: [one for one in told(cli, offered, "FailedScheduling") if "cannot allocate all claims" in one],
        "it is said why the third pod waits",
    )
    claims = cli.items("resourceclaims", "-n", offered)
    wait_until(lambda: len(cli.items("resourceclaims", "-n", offered)) == 3, "each pod has a claim")
    given = [one for one in claims if one["status"].get("allocation")]
    assert {one["status"]["allocation"]["devices"]["results"][0]["pool"] for one in given} == {*NODES}
    driver = f"{offered}.example.com"
    missing = f"Failed to prepare dynamic resources: prepare dynamic resources: DRA driver {driver} is not registered"
    wait_until(lambda: missing in told(cli, offered, "FailedPrepareDynamicResources"), "kubelets miss the driver")
    described = administrator.inside(offered)("describe", "resourceclaims")
    assert driver in described
    first = next(iter(placed(cli, offered)))
    administrator.inside(offered)("scale", "deployment/web", "--replicas=2")
    administrator.inside(offered)("delete", "pod", first, "--wait=false")
    wait_until(lambda: waiting in placed(cli, offered) or len(placed(cli, offered)) == 2, "the device goes to another")
    administrator.inside(offered)("delete", "deployment/web")
    wait_until(lambda: not cli.items("resourceclaims", "-n", offered), "claims go with their pods")
