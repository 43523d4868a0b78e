"""Pods that ask for something as a whole, and the control groups of all pods, on real hosts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from podlab_testing.deployed import IMAGE, Cli, condition_of, wait_until
from podlab_testing.kubectl import Kubectl

from podlab.lab.lab import Lab

MIB = 1 << 20
SLEEP = {"image": IMAGE, "command": ["sleep", "86400"]}
# Of the group $1: its shares and quota of processors, and its memory, in whichever version of cgroups there is.
LOOK = """cd /sys/fs/cgroup
cat cpu/$1/cpu.shares 2>/dev/null || cat $1/cpu.weight
cat cpu/$1/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 $1/cpu.max
cat memory/$1/memory.limit_in_bytes 2>/dev/null || cat $1/memory.max"""
UNLIMITED = {"-1", "max"}


def _manifest(name: str, *containers: dict[str, Any], **spec: Any) -> str:
    named = [{"name": f"c{at}", **SLEEP, **each} for at, each in enumerate(containers)]
    whole = {"containers": named, "terminationGracePeriodSeconds": 0, **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole})


def _make(cli: Cli, kubectl: Kubectl, name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    kubectl("create", "-f", "-", stdin=_manifest(name, *containers, **spec))
    return _once(cli, kubectl, name, lambda pod: condition_of(pod, "Ready") == "True")


def _once(cli: Cli, kubectl: Kubectl, name: str, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        pod: dict[str, Any] = cli.get("pod", name, "-n", kubectl.namespace)
        return pod if holds(pod) else None

    pod = wait_until(found, f"pod {name} is as wanted")
    assert pod is not None
    return pod


def _group(lab: Lab, pod: dict[str, Any], parent: str) -> list[str]:
    group = f"{parent}/pod{pod['metadata']['uid']}"
    return lab.run(pod["spec"]["nodeName"], ["sh", "-c", LOOK, "sh", group]).stdout.split()


def test_containers_share_what_their_pod_has_as_a_whole(lab: Lab, cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    """As Kubernetes' tests of pod-level resources, and of their resize, which are not of the conformance tests."""
    limits = {"cpu": "500m", "memory": "64Mi"}
    pod = _make(cli, kubectl, "whole", {}, {}, resources={"limits": limits})
    assert pod["status"]["qosClass"] == "Guaranteed"
    assert pod["spec"]["resources"]["requests"] == limits
    assert pod["status"]["allocatedResources"] == limits
    assert pod["status"]["resources"]["limits"] == limits
    assert _group(lab, pod, "kubepods") in (["512", "50000", str(64 * MIB)], ["20", "50000", str(64 * MIB)])
    kubectl.refused("exec", "whole", "-c", "c0", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1")
    grown = {"cpu": "1", "memory": "96Mi"}
    patch = {"spec": {"resources": {"requests": grown, "limits": grown}}}
    kubectl("patch", "pod", "whole", "--subresource", "resize", "-p", json.dumps(patch))
    pod = _once(cli, kubectl, "whole", lambda pod: pod["status"].get("resources", {}).get("limits") == grown)
    assert _group(lab, pod, "kubepods") in (["1024", "100000", str(96 * MIB)], ["39", "100000", str(96 * MIB)])
    assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0, 0]


def test_pods_are_in_the_groups_of_their_classes_until_they_go(
    lab: Lab, cli: Cli, kubectl: Kubectl, all_ready: None
) -> None:
    asking = {"resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "32Mi"}}}
    some = _make(cli, kubectl, "some", asking)
    nothing = _make(cli, kubectl, "nothing", {})
    told = _group(lab, some, "kubepods/burstable")
    assert (told[0] in ("256", "10"), told[1] in UNLIMITED, told[2]) == (True, True, str(32 * MIB))
    told = _group(lab, nothing, "kubepods/besteffort")
    assert (told[0] in ("2", "1"), told[1] in UNLIMITED) == (True, True)
    kubectl("delete", "pod", "some", "nothing", "--timeout=60s", timeout_s=90)
    for pod in (some, nothing):
        look = ["find", "/sys/fs/cgroup", "-name", f"*{pod['metadata']['uid']}*"]
        node = pod["spec"]["nodeName"]
        # They may outlive what the API knows of a pod that is given no time.
        wait_until(lambda node=node, look=look: lab.run(node, look).stdout == "", "the pod's groups are gone")


def test_a_pod_that_asks_for_less_than_its_containers_is_refused(kubectl: Kubectl, all_ready: None) -> None:
    manifest = _manifest("less", {"resources": {"requests": {"cpu": "1"}}}, resources={"requests": {"cpu": "500m"}})
    told = kubectl.refused("create", "-f", "-", stdin=manifest)
    assert 'Invalid value: "500m": must be greater than or equal to aggregate container requests of 1' in told
