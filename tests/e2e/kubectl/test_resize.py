"""Pods whose resources change while they run, as Kubernetes' conformance tests do it: by kubectl, down to cgroups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.kubectl import Kubectl

MIB = 1 << 20
# Of the container's own group: what there is of the two versions of cgroups.
LOOK = """cd /sys/fs/cgroup
cat cpu/cpu.shares 2>/dev/null || cat cpu.weight
cat cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 cpu.max
cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max"""
UNLIMITED = {"-1", "max"}
# CPU requests, CPU limits, memory requests and memory limits of the conformance tests.
CPU, MORE_CPU, LESS_CPU = "20m", "30m", "15m"
MEMORY, MORE_MEMORY, LESS_MEMORY = "35Mi", "40Mi", "30Mi"

Sizes = dict[str, tuple[str, str, str, str]]
"""By container: request and limit of CPU, request and limit of memory; empty for none."""


def _resources(cpu: str, cpu_limit: str, memory: str, memory_limit: str) -> dict[str, Any]:
    requests = {"cpu": cpu, "memory": memory}
    limits = {"cpu": cpu_limit, "memory": memory_limit}
    sides = {"requests": requests, "limits": limits}
    return {side: {name: amount for name, amount in told.items() if amount} for side, told in sides.items()}


def _containers(sizes: Sizes, policy: str = "") -> list[dict[str, Any]]:
    policies = [{"resourceName": name, "restartPolicy": policy} for name in ("cpu", "memory")] if policy else []
    return [
        {
            "name": name,
            "image": IMAGE,
            "command": ["sleep", "86400"],
            "resources": _resources(*size),
            **({"resizePolicy": policies} if policies else {}),
        }
        for name, size in sizes.items()
    ]


def _make(cli: Cli, kubectl: Kubectl, sizes: Sizes, policy: str = "") -> dict[str, Any]:
    spec = {
        "os": {"name": "linux"},
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 0,
        "containers": _containers(sizes, policy),
    }
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sized"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    return _has(cli, kubectl, sizes)


def _pod(cli: Cli, kubectl: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = cli.get("pod", "sized", "-n", kubectl.namespace)
    return found


def _has(cli: Cli, kubectl: Kubectl, sizes: Sizes) -> dict[str, Any]:
    """The pod once its status tells these sizes, no resize is under way, and it is ready."""

    def settled() -> dict[str, Any] | None:
        pod = _pod(cli, kubectl)
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
        told = {each["name"]: each.get("resources") for each in pod["status"].get("containerStatuses", ())}
        wanted = {name: _resources(*size) for name, size in sizes.items()}
        same = told.keys() == wanted.keys() and all(_same(told[name], wanted[name]) for name in wanted)
        resizing = {"PodResizePending", "PodResizeInProgress"} & conditions.keys()
        return pod if same and not resizing and conditions.get("Ready") == "True" else None

    pod = wait_until(settled, f"the pod has {sizes}", 60)
    for name, (cpu, cpu_limit, _, memory_limit) in sizes.items():
        seen = kubectl("exec", "sized", "-c", name, "--", "sh", "-c", LOOK).stdout.split()
        assert seen[0] in {str(max(2, int(cpu[:-1] or 0) * 1024 // 1000)) if cpu else "2", *_weights(cpu)}, (name, seen)
        assert seen[1] in ({str(max(1000, int(cpu_limit[:-1]) * 100))} if cpu_limit else UNLIMITED), (name, seen)
        if memory_limit:
            assert int(seen[2]) == int(memory_limit[:-2]) * MIB, (name, seen)
    return pod


def _weights(cpu: str) -> set[str]:
    """What runtimes make of shares for cgroups v2, by either formula."""
    shares = max(2, int(cpu[:-1]) * 1024 // 1000) if cpu else 2
    return {str(1 + (shares - 2) * 9999 // 262142), str(max(1, round(shares * 100 / 1024)))}


def _same(told: dict[str, Any] | None, wanted: dict[str, Any]) -> bool:
    return told is not None and all(told.get(side, {}) == wanted[side] for side in ("requests", "limits"))


def _patch(kubectl: Kubectl, sizes: Sizes) -> None:
    containers = [{"name": name, "resources": _resources(*size)} for name, size in sizes.items()]
    kubectl("patch", "pod", "sized", "--subresource=resize", "-p", json.dumps({"spec": {"containers": containers}}))


def _restarts(pod: dict[str, Any]) -> list[int]:
    return [each["restartCount"] for each in pod["status"]["containerStatuses"]]


def _guaranteed(cpu: str, memory: str) -> tuple[str, str, str, str]:
    return cpu, cpu, memory, memory


ORIGINAL = {name: _guaranteed(CPU, MEMORY) for name in ("c1", "c2", "c3")}
CASES: dict[str, tuple[Sizes, Sizes]] = {
    "net increase": (
        ORIGINAL,
        {
            "c1": _guaranteed(MORE_CPU, MORE_MEMORY),
            "c2": _guaranteed(MORE_CPU, MORE_MEMORY),
            "c3": _guaranteed(LESS_CPU, LESS_MEMORY),
        },
    ),
    "net decrease": (
        ORIGINAL,
        {
            "c1": _guaranteed(MORE_CPU, MORE_MEMORY),
            "c2": _guaranteed(LESS_CPU, LESS_MEMORY),
            "c3": _guaranteed(LESS_CPU, LESS_MEMORY),
        },
    ),
    "both ways": (
        ORIGINAL,
        {
            "c1": _guaranteed(MORE_CPU, MEMORY),
            "c2": _guaranteed(LESS_CPU, MORE_MEMORY),
            "c3": _guaranteed(MORE_CPU, MORE_MEMORY),
        },
    ),
    "limits and requests are added": (
        {
            "c1": (CPU, "", "", ""),
            "c2": ("", "", MEMORY, ""),
            "c3": (CPU, "", MEMORY, ""),
            "c4": (CPU, "", "", ""),
            "c5": ("", "", MEMORY, ""),
        },
        {
            "c1": (MORE_CPU, "40m", "", ""),
            "c2": ("", "", LESS_MEMORY, "45Mi"),
            "c3": (CPU, "", LESS_MEMORY, ""),
            "c4": (LESS_CPU, "", MEMORY, ""),
            "c5": (CPU, "", MORE_MEMORY, ""),
        },
    ),
    "equivalents": ({"c1": ("2m", "10m", "", "")}, {"c1": ("1m", "5m", "", "")}),
}


@pytest.mark.parametrize("case", CASES)
def test_running_containers_get_other_resources_and_back(
    cli: Cli, kubectl: Kubectl, all_ready: None, case: str
) -> None:
    """Conformance: Pod InPlace Resize Container: guaranteed pods with multiple containers, burstable - extended."""
    before, after = CASES[case]
    pod = _make(cli, kubectl, before)
    _patch(kubectl, after)
    resized = _has(cli, kubectl, after)
    assert resized["metadata"]["generation"] == 2
    if case != "limits and requests are added":  # what was added is not taken away
        _patch(kubectl, before)
        resized = _has(cli, kubectl, before)
    assert _restarts(resized) == _restarts(pod)
    events = {each["reason"] for each in cli.items("events", "-n", kubectl.namespace)}
    assert {"ResizeStarted", "ResizeCompleted"} <= events


def test_a_pod_is_resized_by_an_editor_and_replaced(
    cli: Cli, kubectl: Kubectl, all_ready: None, tmp_path: Path
) -> None:
    """Conformance: resize pod via the replace endpoint."""
    _make(cli, kubectl, {"c1": (CPU, "", MEMORY, "")})
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i 's/cpu: {CPU}/cpu: {MORE_CPU}/' \"$1\"\n")
    editor.chmod(0o755)
    kubectl.with_environment(KUBE_EDITOR=str(editor))("edit", "pod", "sized", "--subresource=resize")
    _has(cli, kubectl, {"c1": (MORE_CPU, "", MEMORY, "")})
    told = json.loads(kubectl("get", "pod", "sized", "--subresource=resize", "-o", "json").stdout)
    assert told == json.loads(kubectl("get", "pod", "sized", "-o", "json").stdout)
    told["spec"]["containers"][0]["resources"]["requests"]["memory"] = MORE_MEMORY
    kubectl("replace", "--subresource=resize", "-f", "-", stdin=json.dumps(told))
    _has(cli, kubectl, {"c1": (MORE_CPU, "", MORE_MEMORY, "")})


def test_a_container_whose_policy_says_so_starts_anew(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    _make(cli, kubectl, {"c1": (CPU, "", MEMORY, "")}, "RestartContainer")
    for turn, memory in enumerate((MORE_MEMORY, LESS_MEMORY), 1):
        _patch(kubectl, {"c1": (CPU, "", memory, "")})
        assert _restarts(_has(cli, kubectl, {"c1": (CPU, "", memory, "")})) == [turn]


def test_what_cannot_be_is_told(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    _make(cli, kubectl, {"c1": (CPU, "", MEMORY, MEMORY)})
    resize = ("patch", "pod", "sized", "--subresource=resize", "-p")
    limits = {"spec": {"containers": [{"name": "c1", "resources": {"limits": None}}]}}
    assert "resource limits cannot be removed" in kubectl.refused(*resize, json.dumps(limits))
    assert "Pod QOS Class may not change" in kubectl.refused(
        *resize, json.dumps({"spec": {"containers": [{"name": "c1", "resources": {"limits": {"cpu": CPU}}}]}})
    )
    _patch(kubectl, {"c1": ("1000", "", MEMORY, MEMORY)})

    def reason(condition: str) -> str:
        conditions = _pod(cli, kubectl)["status"]["conditions"]
        return next((each.get("reason", "") for each in conditions if each["type"] == condition), "")

    wait_until(lambda: reason("PodResizePending") == "Infeasible", "no node has so much")
    _patch(kubectl, {"c1": (CPU, "", "10Ki", "10Ki")})
    wait_until(lambda: reason("PodResizeInProgress") == "Error", "the container uses more")
    _patch(kubectl, {"c1": (CPU, "", MEMORY, MEMORY)})
    _has(cli, kubectl, {"c1": (CPU, "", MEMORY, MEMORY)})
