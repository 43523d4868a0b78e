"""Where a rollout stands."""

from typing import Any

import pytest

from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.cli.failures import CommandError
from podlab.cli.workloads.rollout_status import Progress, progress


def deployment(**status: Any) -> Deployment:
    metadata = {"name": "web", "uid": "u", "generation": 2}
    return Deployment(metadata=metadata, spec={"replicas": 3}, status={"observedGeneration": 2, **status})


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


def daemon_set(strategy: str = "RollingUpdate", **status: Any) -> DaemonSet:
    spec = {"updateStrategy": {"type": strategy}}
    counts = {"observedGeneration": 2, "desiredNumberScheduled": 3, **status}
    return DaemonSet(metadata={"name": "agent", "generation": 2}, spec=spec, status=counts)


AGENT = 'Waiting for daemon set "agent" rollout to finish: '


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"observedGeneration": 1}, Progress("Waiting for daemon set spec update to be observed...")),
        ({"updatedNumberScheduled": 1}, Progress(f"{AGENT}1 out of 3 new pods have been updated...")),
        (
            {"updatedNumberScheduled": 3, "numberAvailable": 2},
            Progress(f"{AGENT}2 of 3 updated pods are available..."),
        ),
        (
            {"updatedNumberScheduled": 3, "numberAvailable": 3},
            Progress('daemon set "agent" successfully rolled out', done=True),
        ),
    ],
)
def test_each_stage_of_a_daemon_sets_rollout_is_told(status: dict[str, Any], expected: Progress) -> None:
    assert progress(daemon_set(**status)) == expected


def stateful_set(partition: int = 0, **status: Any) -> StatefulSet:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    counts = {"observedGeneration": 2, "readyReplicas": 3, **status}
    return StatefulSet(
        metadata={"name": "db", "generation": 2}, spec={"replicas": 3, "updateStrategy": strategy}, status=counts
    )


@pytest.mark.parametrize(
    ("partition", "status", "expected"),
    [
        (0, {"observedGeneration": 1}, Progress("Waiting for statefulset spec update to be observed...")),
        (0, {"readyReplicas": 1}, Progress("Waiting for 2 pods to be ready...")),
        (
            0,
            {"updatedReplicas": 2},
            Progress("Waiting for partitioned roll out to finish: 2 out of 3 new pods have been updated..."),
        ),
        (
            2,
            {"updatedReplicas": 1},
            Progress("partitioned roll out complete: 1 new pods have been updated...", done=True),
        ),
    ],
)
def test_each_stage_of_a_stateful_sets_rollout_is_told(
    partition: int, status: dict[str, Any], expected: Progress
) -> None:
    assert progress(stateful_set(partition, **status)) == expected


def test_a_workload_whose_pods_are_replaced_by_hand_has_no_progress() -> None:
    with pytest.raises(CommandError, match="only available for RollingUpdate strategy type: with OnDelete"):
        progress(daemon_set("OnDelete"))
