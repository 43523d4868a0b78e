"""The claim of a pod that requests extended resources, and the classes that these stand for."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from podlab_testing import allocations

from master.scheduler.devices.extended import classes_by_resource, extended_claim
from podlab.core.v1.pod_pb2 import Pod

GPU, NIC = "example.com/gpu", "example.com/nic"
CLASSES = {GPU: "gpus", NIC: "nics"}


class _Container(NamedTuple):
    name: str
    amounts: dict[str, int]
    kind: str = ""  # init, or sidecar


def _pod(*containers: _Container) -> Pod:
    pod = allocations.claiming_pod()
    del pod.spec.containers[:]
    for each in containers:
        into = pod.spec.initContainers if each.kind else pod.spec.containers
        made = into.add(name=each.name)
        if each.kind == "sidecar":
            made.restartPolicy = "Always"
        for name, amount in each.amounts.items():
            made.resources.requests[name].string = str(amount)
    return pod


@pytest.mark.parametrize(
    ("containers", "requests", "mappings"),
    [
        ([_Container("main", {})], [], []),
        (
            [_Container("main", {"cpu": 1, GPU: 2})],
            ["container-0-request-1 gpus 2"],
            [f"main {GPU} container-0-request-1"],
        ),
        (
            [_Container("main", {GPU: 1}), _Container("other", {GPU: 1, NIC: 3})],
            ["container-0-request-0 gpus 1", "container-1-request-0 gpus 1", "container-1-request-1 nics 3"],
            [
                f"main {GPU} container-0-request-0",
                f"other {GPU} container-1-request-0",
                f"other {NIC} container-1-request-1",
            ],
        ),
        (  # what comes before uses what comes later
            [_Container("setup", {GPU: 1}, "init"), _Container("main", {GPU: 2})],
            ["container-1-request-0 gpus 2"],
            [f"main {GPU} container-1-request-0", f"setup {GPU} container-1-request-0"],
        ),
        (  # and has what is missing of its own
            [_Container("setup", {GPU: 3}, "init"), _Container("main", {GPU: 1})],
            ["container-0-request-0 gpus 2", "container-1-request-0 gpus 1"],
            [
                f"main {GPU} container-1-request-0",
                f"setup {GPU} container-1-request-0",
                f"setup {GPU} container-0-request-0",
            ],
        ),
        (  # one after the other they share it
            [_Container("a", {GPU: 1}, "init"), _Container("b", {GPU: 2}, "init"), _Container("main", {})],
            ["container-1-request-0 gpus 2"],
            [f"a {GPU} container-1-request-0", f"b {GPU} container-1-request-0"],
        ),
        (  # a sidecar runs all the time
            [_Container("proxy", {GPU: 1}, "sidecar"), _Container("setup", {GPU: 1}, "init"), _Container("main", {})],
            ["container-0-request-0 gpus 1", "container-1-request-0 gpus 1"],
            [f"proxy {GPU} container-0-request-0", f"setup {GPU} container-1-request-0"],
        ),
    ],
)
def test_containers_get_devices_of_the_class(
    containers: list[_Container], requests: list[str], mappings: list[str]
) -> None:
    made = extended_claim(_pod(*containers), CLASSES)
    asked = made.claim.spec.devices.requests
    assert [f"{one.name} {one.exactly.deviceClassName} {one.exactly.count}" for one in asked] == requests
    assert [f"{one.containerName} {one.resourceName} {one.requestName}" for one in made.mappings] == mappings


def test_the_claim_is_the_pods() -> None:
    claim = extended_claim(_pod(_Container("main", {GPU: 1})), CLASSES).claim
    (owner,) = claim.metadata.ownerReferences
    assert (owner.kind, owner.name, owner.uid, owner.controller) == ("Pod", "web", "uid-web", True)
    assert claim.metadata.generateName == "web-extended-resources-"
    assert claim.metadata.annotations["resource.kubernetes.io/extended-resource-claim"] == "true"


def test_of_several_classes_the_newest_is_meant_and_then_the_first_by_name() -> None:
    classes = [allocations.device_class(name, extendedResourceName=GPU) for name in ("c", "a", "b")]
    assert classes_by_resource(classes)[GPU] == "a"
    classes[2].metadata.creationTimestamp.seconds = 5
    found = classes_by_resource(classes)
    assert found[GPU] == "b"
    assert found["deviceclass.resource.kubernetes.io/c"] == "c"
