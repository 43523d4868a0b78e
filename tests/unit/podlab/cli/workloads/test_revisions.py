"""Where a rollout stands, and the way back."""

from typing import Any

import orjson
import pytest

from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.cli.failures import CommandError
from podlab.cli.workloads.revisions import history, paused, restarted, rolled_back


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


def test_history_holds_the_deployments_own_revisions_in_order() -> None:
    found = history(
        deployment().metadata, [replica_set("10"), replica_set("2"), replica_set("3", owner="other"), replica_set("x")]
    )
    assert [one.number for one in found] == [2, 10]
    assert not found[0].template.metadata.labels


def test_going_back_takes_the_template_before_or_the_one_asked_for() -> None:
    revisions = history(deployment().metadata, [replica_set(number, cause=f"c{number}") for number in "123"])
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
        rolled_back(deployment(), history(deployment().metadata, [replica_set("1")]), 0)
    with pytest.raises(CommandError, match='unable to find revision 7 of deployment "web": there are 1'):
        rolled_back(deployment(), history(deployment().metadata, [replica_set("1")]), 7)
    held = deployment()
    held.spec.paused = True
    with pytest.raises(CommandError, match="resume it first with 'podlab rollout resume deployment/web' and try again"):
        rolled_back(held, [], 0)


def test_a_deployment_is_paused_and_resumed_once_and_not_restarted_meanwhile() -> None:
    held = paused(deployment(), True)
    assert held.spec.paused
    with pytest.raises(CommandError, match=r'deployments.apps "web" is already paused'):
        paused(held, True)
    with pytest.raises(CommandError, match="can't restart paused deployment"):
        restarted(held, "now")
    going = paused(held, False)
    with pytest.raises(CommandError, match=r'deployments.apps "web" is not paused'):
        paused(going, False)
    assert restarted(going, "now").spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"] == "now"


def record(number: int, image: str, owner: str = "u") -> ControllerRevision:
    made = ControllerRevision(
        metadata={"ownerReferences": [{"uid": owner, "controller": True}]},
        revision=number,
    )
    containers = [{"name": "c", "image": image, "resources": {}}]
    made.data.raw = orjson.dumps({"spec": {"template": {"$patch": "replace", "spec": {"containers": containers}}}})
    return made


def test_a_daemon_set_goes_back_to_what_its_controller_kept() -> None:
    agent = DaemonSet(
        metadata={"name": "agent", "uid": "u"},
        spec={"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}},
    )
    revisions = history(agent.metadata, [record(2, "i:2"), record(1, "i:1"), record(3, "i:3", owner="other")])
    assert [one.number for one in revisions] == [1, 2]
    back = rolled_back(agent, revisions, 0)
    assert back is not None
    assert back.spec.template.spec.containers[0].image == "i:1"
    assert rolled_back(agent, revisions, 2) is None
