"""What pods are protected by, down to what their processes may do: seccomp, AppArmor, groups, sysctls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.kubectl import Kubectl

from podlab.lab.lab import Lab

PROFILES = "/var/lib/podlab/kubelet/seccomp"
# All calls but mkdir's, which end with EPERM.
NO_DIRECTORIES = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}


def _create(kubectl: Kubectl, context: dict[str, Any], node: str = "", **container: Any) -> None:
    main = {"name": "main", "image": IMAGE, "command": ["sleep", "86400"], **container}
    spec = {"containers": [main], "securityContext": context, "terminationGracePeriodSeconds": 0}
    if node:
        spec["nodeName"] = node
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "guarded"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))


def _ready(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Ready", "pod/guarded", "--timeout=60s", timeout_s=90)


def _status(cli: Cli, kubectl: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = cli.get("pod", "guarded", "-n", kubectl.namespace)["status"]
    return found


def _filters(kubectl: Kubectl) -> int:
    """Of system calls, of the container's processes. Hosts that are containers have some of their own."""
    told = kubectl("exec", "guarded", "--", "grep", "^Seccomp_filters:", "/proc/self/status").stdout
    return int(told.split()[1])


def test_a_filter_of_system_calls_is_the_runtimes_or_none(kubectl: Kubectl, all_ready: None) -> None:
    found = []
    for profile in ("Unconfined", "RuntimeDefault"):
        _create(kubectl, {"seccompProfile": {"type": profile}})
        _ready(kubectl)
        found.append(_filters(kubectl))
        kubectl("delete", "pod", "guarded", "--timeout=60s", timeout_s=90)
    assert found[1] == found[0] + 1


def test_a_filter_of_system_calls_comes_from_a_file_of_the_node(
    lab: Lab, cli: Cli, kubectl: Kubectl, all_ready: None
) -> None:
    asked = {"seccompProfile": {"type": "Localhost", "localhostProfile": "own/no-directories.json"}}
    _create(kubectl, asked, "n1")

    def waiting() -> dict[str, Any]:
        told = (_status(cli, kubectl).get("containerStatuses") or [{}])[0]
        found: dict[str, Any] = told.get("state", {}).get("waiting", {})
        return found

    why = wait_until(
        lambda: told if (told := waiting()).get("reason") == "CreateContainerError" else None, "the file is missed"
    )
    assert f"{PROFILES}/own/no-directories.json" in why["message"]
    write = (
        f"mkdir -p {PROFILES}/own && printf '%s' '{json.dumps(NO_DIRECTORIES)}' > {PROFILES}/own/no-directories.json"
    )
    assert lab.run("n1", ["sh", "-c", write]).returncode == 0
    try:
        _ready(kubectl)
        kubectl("exec", "guarded", "--", "touch", "/tmp-file")
        assert "Operation not permitted" in kubectl.refused("exec", "guarded", "--", "mkdir", "/tmp-directory")
    finally:
        lab.run("n1", ["rm", "-r", f"{PROFILES}/own"])


@pytest.mark.parametrize(
    ("context", "reason", "message"),
    [
        (
            {"appArmorProfile": {"type": "RuntimeDefault"}},
            "AppArmor",
            "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host",
        ),
        (
            {"supplementalGroupsPolicy": "Strict"},
            "SupplementalGroupsPolicyNotSupported",
            "Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node",
        ),
        (
            {"sysctls": [{"name": "kernel.msgmax", "value": "1000"}]},
            "SysctlForbidden",
            'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
        ),
    ],
)
def test_a_pod_that_its_node_cannot_protect_does_not_run(
    lab: Lab, cli: Cli, kubectl: Kubectl, all_ready: None, context: dict[str, Any], reason: str, message: str
) -> None:
    kernel = lab.run("n1", ["cat", "/sys/module/apparmor/parameters/enabled"]).stdout.strip()
    runtime = lab.run("n1", ["containerd", "--version"]).stdout.split()[2]
    if (reason == "AppArmor" and kernel == "Y") or (reason.startswith("Supp") and not runtime.startswith("1.")):
        pytest.skip("this node can")
    _create(kubectl, context)
    wait_until(lambda: _status(cli, kubectl).get("phase") == "Failed", "the pod has failed")
    status = _status(cli, kubectl)
    assert (status["reason"], status["message"]) == (reason, message)


def test_a_safe_setting_of_the_kernel_is_the_pods_own(kubectl: Kubectl, all_ready: None) -> None:
    """Conformance: Sysctls should support sysctls."""
    _create(kubectl, {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]})
    _ready(kubectl)
    assert kubectl("exec", "guarded", "--", "cat", "/proc/sys/kernel/shm_rmid_forced").stdout.strip() == "1"


def test_a_name_that_is_none_is_told(kubectl: Kubectl, all_ready: None) -> None:
    """Conformance: Sysctls should reject invalid sysctls."""
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    context = {"sysctls": [{"name": name, "value": "100000000"} for name in names]}
    main = {"name": "main", "image": IMAGE}
    spec = {"containers": [main], "securityContext": context}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "guarded"}, "spec": spec}
    told = kubectl.refused("create", "-f", "-", stdin=json.dumps(manifest))
    for name, wrong in zip(names, (True, False, False, True), strict=True):
        assert (f'Invalid value: "{name}"' in told) is wrong
