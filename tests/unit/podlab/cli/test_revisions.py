"""Where a rollout stands, and the way back."""

from typing import Any

import pytest

from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.failures import CommandError
from podlab.cli.revisions import Progress, history, progress, rolled_back


def deployment(image: str = "i:2", **status: Any) -> Deployment:
    return Deployment(
        metadata={"name": "web", "uid": "u", "generation": 2},
        spec={"replicas": 3, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}},
        status={"observedGeneration": 2, **status},
    )


def replica_set(number: str, *, owner: str = "u", cause: str = "") -> ReplicaSet:
    return ReplicaSet(
        metadata={
            "annotations": {"deployment.kubernetes.io/revision": number, "kubernetes.io/change-cause": cause},
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        spec={
            "template": {
                "metadata": {"labels": {"pod-template-hash": "x"}},
                "spec": {"containers": [{"name": "c", "image": f"i:{number}"}]},
            }
        },
    )


WAITING = 'Waiting for deployment "web" rollout to finish: '


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"observedGeneration": 1}, Progress("Waiting for deployment spec update to be observed...")),
        ({"updatedReplicas": 1}, Progress(f"{WAITING}1 out of 3 new replicas have been updated...")),
        ({"updatedReplicas": 3, "replicas": 4}, Progress(f"{WAITING}1 old replicas are pending termination...")),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2},
            Progress(f"{WAITING}2 of 3 updated replicas are available..."),
        ),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3},
            Progress('deployment "web" successfully rolled out', done=True),
        ),
        (
            {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]},
            Progress('deployment "web" exceeded its progress deadline', failed=True),
        ),
    ],
)
def test_each_stage_of_a_rollout_is_told(status: dict[str, Any], expected: Progress) -> None:
    assert progress(deployment(**status)) == expected


def test_history_holds_the_deployments_own_revisions_in_order() -> None:
    found = history(
        deployment(), [replica_set("10"), replica_set("2"), replica_set("3", owner="other"), replica_set("x")]
    )
    assert [one.number for one in found] == [2, 10]
    assert not found[0].template.metadata.labels


def test_going_back_takes_the_template_before_or_the_one_asked_for() -> None:
    revisions = history(deployment(), [replica_set(number, cause=f"c{number}") for number in "123"])
    before = rolled_back(deployment("i:3"), revisions, 0)
    assert before is not None
    assert before.spec.template.spec.containers[0].image == "i:2"
    assert before.metadata.annotations["kubernetes.io/change-cause"] == "c2"
    first = rolled_back(deployment("i:3"), revisions, 1)
    assert first is not None
    assert first.spec.template.spec.containers[0].image == "i:1"
    assert rolled_back(deployment("i:3"), revisions, 3) is None


def test_what_cannot_be_gone_back_to_is_refused() -> None:
    with pytest.raises(CommandError, match="no rollout history found"):
        rolled_back(deployment(), history(deployment(), [replica_set("1")]), 0)
    with pytest.raises(CommandError, match='unable to find revision 7 of deployment "web": there are 1'):
        rolled_back(deployment(), history(deployment(), [replica_set("1")]), 7)
    paused = deployment()
    paused.spec.paused = True
    with pytest.raises(CommandError, match="is paused"):
        rolled_back(paused, [], 0)
