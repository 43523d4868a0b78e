"""kubectl delete."""

from __future__ import annotations

import time

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace, pod
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(make_namespace: MakeNamespace) -> str:
    """One for all tests here: each makes things of other names."""
    return make_namespace()


def stubborn(name: str) -> str:
    """A pod that does not end before its grace period is over."""
    command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    spec = {"terminationGracePeriodSeconds": 600}
    return pod(name, command=command, readinessProbe=None, lifecycle=None, spec=spec)


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_dependents_go_or_stay(kubectl: Kubectl, cascade: str) -> None:
    name = f"web-{cascade}"
    kubectl("create", "deployment", name, f"--image={IMAGE}", "--replicas=0")
    kubectl("wait", f"deployment/{name}", "--for=condition=Available", "--timeout=30s")
    (replicas,) = kubectl.out("get", "rs", "-l", f"app={name}", "-o", "name").splitlines()
    told = kubectl.out("delete", "deployment", name, f"--cascade={cascade}", "--timeout=30s")
    assert told == f'deployment.apps "{name}" deleted'
    if cascade == "orphan":
        assert "ownerReferences" not in kubectl.json("get", replicas)["metadata"]
        kubectl("delete", replicas)
    else:
        kubectl("wait", "--for=delete", replicas, "--timeout=30s")


def test_names_selectors_files_and_all(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c", "d"):
        kubectl("create", "configmap", name)
    kubectl("label", "cm", "c", "gone=yes")
    assert kubectl.out("delete", "cm/a", "cm/b").splitlines() == [
        'configmap "a" deleted', 'configmap "b" deleted',
    ]  # fmt: skip
    assert kubectl.out("delete", "cm", "-l", "gone=yes", "-o", "name") == "configmap/c"
    assert kubectl.out("delete", "cm", "d", "--dry-run=server") == 'configmap "d" deleted (server dry run)'
    assert kubectl.out("delete", "cm", "d", "--dry-run=client") == 'configmap "d" deleted (dry run)'
    manifest = yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}})
    assert kubectl.out("delete", "-f", "-", stdin=manifest) == 'configmap "d" deleted'
    assert kubectl.refused("delete", "cm", "d") == 'Error from server (NotFound): configmaps "d" not found'
    assert kubectl.out("delete", "cm", "d", "--ignore-not-found") == ""
    kubectl("create", "secret", "generic", "x")
    kubectl("create", "secret", "generic", "y")
    assert kubectl.out("delete", "secrets", "--all").splitlines() == ['secret "x" deleted', 'secret "y" deleted']
    assert kubectl.out("delete", "secrets", "--all") == "No resources found"


def test_a_field_selector_chooses(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "chosen")
    assert kubectl.out("delete", "cm", "--field-selector=metadata.name=chosen") == 'configmap "chosen" deleted'


def test_pods_end_in_time_at_once_or_are_forgotten(kubectl: Kubectl) -> None:
    for name in ("graceful", "now", "forced"):
        kubectl("create", "-f", "-", stdin=stubborn(name))
    kubectl("wait", "pod", "graceful", "now", "forced", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")
    began = time.monotonic()
    assert kubectl.out("delete", "pod", "graceful", "--wait=false") == 'pod "graceful" deleted'
    assert time.monotonic() - began < 5
    leaving = kubectl.json("get", "pod", "graceful")["metadata"]
    assert (leaving["deletionGracePeriodSeconds"], "deletionTimestamp" in leaving) == (600, True)
    assert kubectl.rows("get", "pod", "graceful")[1][2] == "Terminating"
    assert kubectl.out("delete", "pod", "now", "--now", "--timeout=30s") == 'pod "now" deleted'
    done = kubectl("delete", "pod", "forced", "--grace-period=0", "--force")
    assert done.stdout == 'pod "forced" force deleted\n'
    assert done.stderr.startswith("Warning: Immediate deletion does not wait for confirmation")
    assert kubectl.out("get", "pod", "forced", "--ignore-not-found") == ""
    kubectl("delete", "pod", "graceful", "--grace-period=1", "--timeout=30s")


def test_waiting_is_bounded(kubectl: Kubectl) -> None:
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    kubectl("create", "-f", "-", stdin=yaml.safe_dump(held))
    assert "timed out waiting for the condition on configmaps/held" in kubectl.refused(
        "delete", "cm", "held", "--timeout=1s"
    )
    assert kubectl.json("get", "cm", "held")["metadata"]["deletionTimestamp"]
    kubectl("patch", "cm", "held", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]')
    kubectl("wait", "--for=delete", "cm/held", "--timeout=10s")


def test_a_namespace_goes_with_all_that_is_in_it(administrator: Kubectl, make_namespace: MakeNamespace) -> None:
    name = make_namespace()
    inside = administrator.inside(name)
    inside("create", "deployment", "web", f"--image={IMAGE}")
    inside("create", "configmap", "c")
    assert administrator.out("delete", "namespace", name, "--timeout=60s") == f'namespace "{name}" deleted'
    assert inside("get", "deployments,rs,pods,cm").stdout == ""
