"""kubectl wait."""

from __future__ import annotations

import pytest
from podlab_testing.deployed import IMAGE, MakeNamespace
from podlab_testing.kubectl import Kubectl


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    name = make_namespace()
    kubectl = administrator.inside(name)
    kubectl("create", "deployment", "web", f"--image={IMAGE}")
    kubectl("run", "pending", f"--image={IMAGE}", "--overrides", '{"spec":{"nodeSelector":{"no":"such"}}}')
    return name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("deployment/web --for=condition=Available", "deployment.apps/web condition met"),
        ("deployment/web --for=condition=available=true", "deployment.apps/web condition met"),
        ("pod/pending --for=condition=PodScheduled=False", "pod/pending condition met"),
        ("pod/pending --for=jsonpath={.status.phase}=Pending", "pod/pending condition met"),
        ("pod/pending --for=jsonpath={.metadata.uid}", "pod/pending condition met"),
        ("pod/pending --for=create", "pod/pending condition met"),
        ("pods -l run=pending --for=jsonpath={.status.phase}=Pending", "pod/pending condition met"),
        ("pod/never-was --for=delete", ""),
    ],
)
def test_conditions(kubectl: Kubectl, arguments: str, told: str) -> None:
    assert kubectl.out("wait", *arguments.split(), "--timeout=30s") == told


def test_what_does_not_come_is_told_when_the_time_is_up(kubectl: Kubectl) -> None:
    assert kubectl.refused("wait", "pod/pending", "--for=condition=Ready", "--timeout=1s") == (
        "error: timed out waiting for the condition on pods/pending"
    )
    # client-go complains first, now and then, that its watch was short.
    assert kubectl.refused("wait", "pod/pending", "--for=delete", "--timeout=1s").splitlines()[-1] == (
        "error: timed out waiting for the condition on pods/pending"
    )
    assert kubectl.refused("wait", "pod/nope", "--for=condition=Ready", "--timeout=1s") == (
        'Error from server (NotFound): pods "nope" not found'
    )


def test_waiting_ends_when_it_happens(kubectl: Kubectl) -> None:
    with kubectl.running("wait", "cm/later", "--for=create", "--timeout=30s") as created:
        kubectl("create", "configmap", "later")
        created.until("configmap/later condition met")
    with kubectl.running("wait", "cm/later", "--for=delete", "--timeout=30s") as deleted:
        kubectl("delete", "configmap", "later")
        assert deleted.process.wait(20) == 0
    with kubectl.running("wait", "cm/valued", "--for=create", "--timeout=30s") as created:
        kubectl("create", "configmap", "valued", "--from-literal=a=1")
        created.until("condition met")
    with kubectl.running("wait", "cm/valued", "--for=jsonpath={.data.a}=2", "--timeout=30s") as valued:
        kubectl("patch", "cm", "valued", "-p", '{"data":{"a":"2"}}')
        valued.until("configmap/valued condition met")
