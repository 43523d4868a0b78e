"""Volumes of a driver of the Container Storage Interface: the example's, on a node, with the example's manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing.deployed import Cli, wait_until
from podlab_testing.kubectl import Kubectl
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

EXAMPLE = PROJECT / "examples/csi"
DRIVER = "files.csi.example.com"
NODE = "n1"
UNIT = "csi-files"


@pytest.fixture
def driver(lab: Lab, administrator: Kubectl, namespace: str) -> Iterator[None]:
    """The example's driver on one node, which ends after the test. Pods end first: a kubelet keeps a pod whose volumes
    no driver takes back."""
    python, text = "/opt/podlab/venv/bin/python", (EXAMPLE / "driver.py").read_text()
    done = lab.run(NODE, ["systemd-run", f"--unit={UNIT}", "--collect", python, "-c", text, DRIVER, NODE])
    assert done.returncode == 0, done.stderr
    administrator("apply", "-f", str(EXAMPLE / "driver.yaml"))
    yield
    administrator.inside(namespace)("delete", "pods,persistentvolumeclaims", "--all", "--timeout=60s")
    administrator("delete", "persistentvolume/files", f"csidriver/{DRIVER}", "--ignore-not-found")
    lab.run(NODE, ["systemctl", "stop", UNIT])
    lab.run(NODE, ["rm", "-rf", f"/var/lib/podlab/kubelet/plugins_registry/{DRIVER}.sock", "/var/lib/csi-files"])


def _on(lab: Lab, *command: str) -> str:
    done = lab.run(NODE, list(command))
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.alone  # the kubelet of a node ends
def test_a_driver_registers_and_makes_volumes_for_pods_and_claims(
    cli: Cli, lab: Lab, administrator: Kubectl, namespace: str, driver: None, all_ready: None
) -> None:
    kubectl = administrator.inside(namespace)

    def registered() -> list[dict[str, Any]]:
        drivers = [each["spec"]["drivers"] or [] for each in cli.items("csinodes") if each["metadata"]["name"] == NODE]
        return [each for told in drivers for each in told if each["name"] == DRIVER]

    (told,) = wait_until(registered, "the node tells of its driver")
    assert told["allocatable"] == {"count": 5}
    kubectl("apply", "-f", str(EXAMPLE / "inline.yaml"), "-f", str(EXAMPLE / "volume.yaml"))
    kubectl("wait", "--for=condition=Ready", "pod/has-a-greeting", "pod/keeps-files", "--timeout=60s", timeout_s=90)
    assert kubectl("exec", "has-a-greeting", "--", "cat", "/greeting/greeting").stdout == "hello\n"
    assert "Read-only" in kubectl.refused("exec", "has-a-greeting", "--", "sh", "-c", "echo x > /greeting/other")
    kubectl("exec", "keeps-files", "--", "sh", "-c", "echo kept > /files/a")
    assert cli.get("pod", "keeps-files", "-n", namespace)["spec"]["nodeName"] == NODE
    assert _on(lab, "cat", "/var/lib/csi-files/files/a") == "kept\n"
    kubectl("delete", "pod", "has-a-greeting", "keeps-files", "--timeout=60s", timeout_s=90)
    assert _on(lab, "ls", "/var/lib/csi-files") == "files\n"
    assert DRIVER not in _on(lab, "cat", "/proc/mounts")
    kubectl("apply", "-f", str(EXAMPLE / "volume.yaml"))
    kubectl("wait", "--for=condition=Ready", "pod/keeps-files", "--timeout=60s", timeout_s=90)
    _on(lab, "systemctl", "kill", "-s", "KILL", "podlab-kubelet")
    read = ("exec", "keeps-files", "--", "cat", "/files/a")
    wait_until(lambda: kubectl(*read, check=False).stdout == "kept\n", "a new kubelet finds what is mounted")
