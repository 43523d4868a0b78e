"""Fields of pods, down to what their containers see of them: images as volumes, signals, rules of restarting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.kubectl import Kubectl

HOLD = "example.com/hold"


def _create(kubectl: Kubectl, container: dict[str, Any], finalizers: tuple[str, ...] = (), **spec: Any) -> None:
    containers = [{"name": "main", "image": IMAGE, **container}]
    about = {"name": "fields", "finalizers": list(finalizers)}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": containers, **spec}}
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))


def _container(cli: Cli, kubectl: Kubectl) -> dict[str, Any]:
    pod = cli.get("pod", "fields", "-n", kubectl.namespace)
    found: dict[str, Any] = (pod["status"].get("containerStatuses") or [{}])[0]
    return found


def test_an_image_is_a_volume_that_cannot_be_written_to(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    """Conformance: ImageVolume, with an image that its node has: nothing is pulled."""
    mounts = [{"name": "image", "mountPath": "/volume"}, {"name": "image", "mountPath": "/part", "subPath": "etc"}]
    volume = {"name": "image", "image": {"reference": IMAGE, "pullPolicy": "IfNotPresent"}}
    _create(kubectl, {"volumeMounts": mounts}, volumes=[volume])
    kubectl("wait", "--for=condition=Ready", "pod/fields", "--timeout=60s", timeout_s=90)
    own = kubectl("exec", "fields", "--", "ls", "/bin").stdout
    assert kubectl("exec", "fields", "--", "ls", "/volume/bin").stdout == own
    assert (
        kubectl("exec", "fields", "--", "ls", "/part").stdout
        == kubectl("exec", "fields", "--", "ls", "/volume/etc").stdout
    )
    assert "Read-only file system" in kubectl.refused("exec", "fields", "--", "touch", "/volume/x")
    kubectl("delete", "pod", "fields", "--timeout=60s", timeout_s=90)


def test_a_volumes_image_that_is_not_there_is_waited_for(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    volume = {"name": "image", "image": {"reference": "podlab.local/none:1", "pullPolicy": "Never"}}
    _create(kubectl, {"volumeMounts": [{"name": "image", "mountPath": "/v"}]}, volumes=[volume])

    def waits_for() -> str:
        return str(_container(cli, kubectl).get("state", {}).get("waiting", {}).get("reason"))

    wait_until(lambda: waits_for() == "ErrImageNeverPull", "the container waits")


def test_a_container_ends_by_its_own_signal(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    says = "trap 'echo usr1 > /dev/termination-log; exit 3' USR1; while true; do sleep 1; done"
    command = {"command": ["sh", "-c", says], "lifecycle": {"stopSignal": "SIGUSR1"}}
    _create(kubectl, command, (HOLD,), os={"name": "linux"})
    kubectl("wait", "--for=condition=Ready", "pod/fields", "--timeout=60s", timeout_s=90)
    assert _container(cli, kubectl)["stopSignal"] == "SIGUSR1"
    try:
        kubectl("delete", "pod", "fields", "--wait=false")
        ended = wait_until(lambda: _container(cli, kubectl)["state"].get("terminated"), "it has ended", 20)
        assert (ended["exitCode"], ended["message"]) == (3, "usr1\n")
    finally:
        kubectl("patch", "pod", "fields", "-p", '{"metadata":{"finalizers":null}}')


def test_a_rule_says_which_ends_are_none(cli: Cli, kubectl: Kubectl, all_ready: None) -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    once = {"command": ["sh", "-c", "test -e /d/a && exit 0; touch /d/a; exit 42"]}
    own = {"restartPolicy": "Never", "restartPolicyRules": [rule]}
    mounts = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    _create(kubectl, {**once, **own, **mounts}, volumes=[{"name": "d", "emptyDir": {}}], restartPolicy="Never")
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/fields", "--timeout=60s", timeout_s=90)
    assert _container(cli, kubectl)["restartCount"] == 1


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"subdomain": "d", "setHostnameAsFQDN": True}, "fields.d.NAMESPACE.svc.cluster.local"),
        ({"subdomain": "d", "hostnameOverride": "own.example"}, "own.example"),
    ],
)
def test_a_pods_kernel_knows_it_by_the_name_that_it_says(
    cli: Cli, kubectl: Kubectl, all_ready: None, spec: dict[str, Any], name: str
) -> None:
    """With its network, for it is not the host's."""
    _create(kubectl, {}, **spec)
    kubectl("wait", "--for=condition=Ready", "pod/fields", "--timeout=60s", timeout_s=90)
    assert kubectl("exec", "fields", "--", "hostname").stdout.strip() == name.replace("NAMESPACE", kubectl.namespace)
    own = name.split(".")[0] if "NAMESPACE" in name else name
    assert own in kubectl("exec", "fields", "--", "cat", "/etc/hosts").stdout
