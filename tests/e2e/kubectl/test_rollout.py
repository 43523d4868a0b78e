"""kubectl scale and rollout."""

from __future__ import annotations

import pytest
import yaml
from podlab_testing.deployed import MakeNamespace, deployment
from podlab_testing.kubectl import Kubectl

READY_WITHIN = "--timeout=60s"


@pytest.fixture(scope="module")
def namespace(make_namespace: MakeNamespace) -> str:
    """One for all tests here: each has a Deployment of its own."""
    return make_namespace()


def start(kubectl: Kubectl, name: str, replicas: int = 1) -> str:
    kubectl("create", "-f", "-", stdin=deployment(name, replicas, lifecycle=None))
    kubectl("rollout", "status", f"deployment/{name}", READY_WITHIN)
    return f"deployment/{name}"


def image(kubectl: Kubectl, target: str) -> str:
    return kubectl.out("get", target, "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def test_scale_sets_replicas_when_they_are_as_expected(kubectl: Kubectl) -> None:
    target = start(kubectl, "scaled", 0)
    assert kubectl.out("scale", target, "--replicas=2") == "deployment.apps/scaled scaled"
    kubectl("rollout", "status", target, READY_WITHIN)
    assert kubectl.json("get", target)["status"]["readyReplicas"] == 2
    assert kubectl.refused("scale", target, "--current-replicas=5", "--replicas=0") == (
        "error: Expected replicas to be 5, was 2"
    )
    assert kubectl.out("scale", target, "--current-replicas=2", "--replicas=0") == "deployment.apps/scaled scaled"
    assert "must be" in kubectl.refused("scale", target, "--replicas=-2")
    (replicas,) = kubectl.out("get", "rs", "-l", "app=scaled", "-o", "name").splitlines()
    assert kubectl.out("scale", replicas, "--replicas=0", "--dry-run=server").endswith("scaled (server dry run)")


def test_a_rollout_is_followed_undone_and_remembered(kubectl: Kubectl) -> None:
    target = start(kubectl, "rolled")
    kubectl("annotate", target, "kubernetes.io/change-cause=first")
    kubectl("set", "image", target, "web=podlab.local/hello:1.1")
    kubectl("annotate", target, "kubernetes.io/change-cause=second", "--overwrite")
    told = kubectl.out("rollout", "status", target, READY_WITHIN).splitlines()
    assert told[-1] == 'deployment "rolled" successfully rolled out'
    history = kubectl.out("rollout", "history", target).splitlines()
    assert kubectl.out("rollout", "status", target, "--watch=false") == told[-1]
    assert history[:2] == ["deployment.apps/rolled ", "REVISION  CHANGE-CAUSE"]
    assert [line.split() for line in history[2:4]] == [["1", "first"], ["2", "second"]]
    assert "podlab.local/hello:1.0" in kubectl.out("rollout", "history", target, "--revision=1")
    assert kubectl.out("rollout", "undo", target) == "deployment.apps/rolled rolled back"
    assert image(kubectl, target) == "podlab.local/hello:1.0"
    assert kubectl.out("rollout", "undo", target, "--to-revision=2") == "deployment.apps/rolled rolled back"
    assert image(kubectl, target) == "podlab.local/hello:1.1"
    assert kubectl.refused("rollout", "undo", target, "--to-revision=99") == (
        "error: unable to find specified revision 99 in history"
    )
    kubectl("rollout", "status", target, READY_WITHIN)
    assert kubectl.out("rollout", "undo", target, "--to-revision=4") == (
        "deployment.apps/rolled skipped rollback (current template already matches revision 4)"
    )


def test_a_paused_rollout_waits_until_it_is_resumed(kubectl: Kubectl) -> None:
    target = start(kubectl, "paused")
    assert kubectl.out("rollout", "pause", target) == "deployment.apps/paused paused"
    assert kubectl.refused("rollout", "pause", target) == 'error: deployments.apps "paused" is already paused'
    kubectl("set", "image", target, "web=podlab.local/hello:1.1")
    assert len(kubectl.items("rs", "-l", "app=paused")) == 1, "nothing is rolled out"
    assert "paused" in kubectl.refused("rollout", "restart", target)
    assert kubectl.out("rollout", "resume", target) == "deployment.apps/paused resumed"
    kubectl("rollout", "status", target, READY_WITHIN)
    assert len(kubectl.items("rs", "-l", "app=paused")) == 2
    assert kubectl.refused("rollout", "resume", target) == 'error: deployments.apps "paused" is not paused'


def test_a_restart_replaces_the_pods(kubectl: Kubectl) -> None:
    target = start(kubectl, "restarted")
    (before,) = kubectl.items("pods", "-l", "app=restarted")
    assert kubectl.out("rollout", "restart", target) == "deployment.apps/restarted restarted"
    kubectl("rollout", "status", target, READY_WITHIN)
    running = [each["metadata"]["uid"] for each in kubectl.items("pods", "-l", "app=restarted")]
    assert before["metadata"]["uid"] not in running or len(running) == 2
    path = "jsonpath={.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}"
    assert kubectl.out("get", target, "-o", path)


def test_a_rollout_that_does_not_get_on_is_told(kubectl: Kubectl) -> None:
    target = start(kubectl, "stuck")
    kubectl("patch", target, "-p", '{"spec":{"progressDeadlineSeconds":2}}')
    kubectl("set", "image", target, "web=podlab.invalid/none:1")
    assert kubectl.refused("rollout", "status", target, READY_WITHIN) == (
        'error: deployment "stuck" exceeded its progress deadline'
    )
    kubectl("rollout", "undo", target)
    # The old reason stands until the pod of the failed template has gone: `rollout status` would still report it.
    reason = '{.status.conditions[?(@.type=="Progressing")].reason}'
    kubectl("wait", target, f"--for=jsonpath={reason}=NewReplicaSetAvailable", READY_WITHIN)
    kubectl("rollout", "status", target, READY_WITHIN)


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
def test_sets_are_followed_undone_and_remembered_too(kubectl: Kubectl, kind: str) -> None:
    body = yaml.safe_load(deployment(f"of-{kind}", 1, lifecycle=None))
    body["kind"] = {"statefulset": "StatefulSet", "daemonset": "DaemonSet"}[kind]
    body["spec"].pop("strategy")
    if kind == "daemonset":
        body["spec"].pop("replicas")
    target = f"{kind}/of-{kind}"
    kubectl("create", "-f", "-", stdin=yaml.safe_dump(body))
    kubectl("rollout", "status", target, READY_WITHIN)
    kubectl("set", "image", target, "web=podlab.local/hello:1.1")
    told = kubectl.out("rollout", "status", target, READY_WITHIN).splitlines()
    assert "successfully rolled out" in told[-1] or "roll out complete" in told[-1]
    history = kubectl.out("rollout", "history", target).splitlines()
    assert [line.split()[0] for line in history[2:4]] == ["1", "2"]
    assert "podlab.local/hello:1.0" in kubectl.out("rollout", "history", target, "--revision=1")
    assert kubectl.out("rollout", "undo", target) == f"{kind}.apps/of-{kind} rolled back"
    assert image(kubectl, target) == "podlab.local/hello:1.0"
    kubectl("rollout", "status", target, READY_WITHIN)
    assert kubectl.out("rollout", "restart", target) == f"{kind}.apps/of-{kind} restarted"
    kubectl("rollout", "status", target, READY_WITHIN)
