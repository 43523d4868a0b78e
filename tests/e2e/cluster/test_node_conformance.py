"""Kubernetes' conformance tests of nodes with real containers (docs/conformance.md).

`KubeletManagedEtcHosts` and `Sysctls`.
"""

from __future__ import annotations

import json
from typing import Any

from podlab_testing.deployed import IMAGE, Cli, condition_of, wait_until

MANAGED = "# Kubernetes-managed hosts file.\n"
OF_HOST = "/etc/hosts-original"
SLEEP = ["sh", "-c", "exec sleep 3600"]


def _apply(cli: Cli, namespace: str, *objects: dict[str, Any]) -> None:
    made = {"apiVersion": "v1", "kind": "List", "items": objects}
    cli("apply", "-n", namespace, "-f", "-", stdin=json.dumps(made))


def _pod(name: str, containers: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    made = [{"image": IMAGE, "command": SLEEP, **each} for each in containers]
    whole = {"containers": made, "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}


def test_the_kubelet_writes_hosts_files_unless_a_container_or_the_host_brings_its_own(
    cli: Cli, namespace: str, all_ready: None
) -> None:
    volumes = [{"name": "hosts", "hostPath": {"path": "/etc/hosts", "type": "FileOrCreate"}}]
    original = {"name": "hosts", "mountPath": OF_HOST}
    managed = [{"name": f"busybox-{number}", "volumeMounts": [original]} for number in (1, 2)]
    own = {"name": "busybox-3", "volumeMounts": [original, {"name": "hosts", "mountPath": "/etc/hosts"}]}
    _apply(
        cli,
        namespace,
        _pod("test-pod", [*managed, own], volumes=volumes),
        _pod("test-host-network-pod", managed, volumes=volumes, hostNetwork=True, securityContext={}),
    )
    names = {"test-pod": ("busybox-1", "busybox-2", "busybox-3"), "test-host-network-pod": ("busybox-1", "busybox-2")}
    for pod in names:
        wait_until(lambda: condition_of(cli.get("pod", pod, "-n", namespace), "Ready") == "True", f"{pod} is ready")  # noqa: B023

    def read(pod: str, container: str, path: str) -> str:
        return cli("exec", pod, "-n", namespace, "-c", container, "--", "cat", path)

    found = {}
    for pod, containers in names.items():
        for container in containers:
            hosts, of_host = read(pod, container, "/etc/hosts"), read(pod, container, OF_HOST)
            assert hosts, (pod, container)
            assert of_host, (pod, container)
            found[pod, container] = hosts.startswith(MANAGED) and hosts != of_host
    assert found == {
        ("test-pod", "busybox-1"): True,
        ("test-pod", "busybox-2"): True,
        ("test-pod", "busybox-3"): False,
        ("test-host-network-pod", "busybox-1"): False,
        ("test-host-network-pod", "busybox-2"): False,
    }


def test_a_pod_has_its_own_setting_of_the_kernel(cli: Cli, namespace: str, all_ready: None) -> None:
    name = "kernel.shm_rmid_forced"
    look = {"name": "test-container", "command": ["sysctl", name]}
    context = {"sysctls": [{"name": name, "value": "1"}]}
    _apply(cli, namespace, _pod("sysctl", [look], securityContext=context, restartPolicy="Never"))

    def ended() -> bool:
        phase = cli.get("pod", "sysctl", "-n", namespace)["status"].get("phase")
        assert phase != "Failed"
        return bool(phase == "Succeeded")

    wait_until(ended, "the pod has ended well")
    assert cli("logs", "sysctl", "-n", namespace).strip() == f"{name} = 1"
