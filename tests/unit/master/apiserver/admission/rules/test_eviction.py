"""What a disruption budget says to an eviction."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.admission.rules import eviction
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, Forbidden, InternalError, TooManyRequests
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

NOW = meta_pb2.Time(seconds=1000)


def _pod(*, ready: bool = True, phase: str = "Running", namespace: str = "default") -> pod_pb2.Pod:
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web-1", namespace=namespace, labels={"app": "web"}))
    pod.status.phase = phase
    pod.status.conditions.add(type="Ready", status="True" if ready else "False")
    return pod


def _budget(name: str = "b", *, spec: dict[str, Any] | None = None, **status: Any) -> PodDisruptionBudget:
    told = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default", "generation": 2},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 2, **(spec or {})},
        "status": {
            "observedGeneration": 2,
            "disruptionsAllowed": 1,
            "currentHealthy": 3,
            "desiredHealthy": 2,
            "expectedPods": 3,
            **status,
        },
    }
    made = builtin_kinds.read(told)
    assert isinstance(made, PodDisruptionBudget)
    return made


def test_an_eviction_is_charged_to_its_budget_and_the_last_one_is_told() -> None:
    charged = eviction.spend(_pod(), [_budget()], NOW)
    assert charged is not None
    assert (charged.status.disruptionsAllowed, dict(charged.status.disruptedPods)) == (0, {"web-1": NOW})
    told = condition(charged.status.conditions, "DisruptionAllowed")
    assert told is not None
    assert (told.status, told.reason) == ("False", "InsufficientPods")


@pytest.mark.parametrize(
    ("pod", "budget"),
    [
        (_pod(phase="Pending"), _budget(disruptionsAllowed=0)),
        (_pod(phase="Succeeded"), _budget(disruptionsAllowed=0)),
        (_pod(namespace="other"), _budget(disruptionsAllowed=0)),
        (_pod(), _budget(spec={"selector": {"matchLabels": {"app": "db"}}}, disruptionsAllowed=0)),
        (_pod(), _budget(spec={"selector": None}, disruptionsAllowed=0)),
        (_pod(ready=False), _budget(disruptionsAllowed=0)),
        (_pod(ready=False), _budget(spec={"unhealthyPodEvictionPolicy": "AlwaysAllow"}, currentHealthy=0)),
    ],
)
def test_what_costs_nothing(pod: pod_pb2.Pod, budget: PodDisruptionBudget) -> None:
    assert eviction.spend(pod, [budget], NOW) is None


@pytest.mark.parametrize(
    ("pod", "budget", "refused", "told"),
    [
        (_pod(), _budget(disruptionsAllowed=0), TooManyRequests, "needs 2 healthy pods and has 3 currently"),
        (_pod(), _budget(observedGeneration=1), TooManyRequests, "budget b is still being processed by the server."),
        (_pod(ready=False), _budget(disruptionsAllowed=0, currentHealthy=1), TooManyRequests, "has 1 currently"),
        (_pod(), _budget(disruptionsAllowed=-1), Forbidden, "pdb disruptions allowed is negative"),
    ],
)
def test_what_is_refused(pod: pod_pb2.Pod, budget: PodDisruptionBudget, refused: type[ApiError], told: str) -> None:
    with pytest.raises(refused) as error:
        eviction.spend(pod, [budget], NOW)
    causes = [cause.message for cause in error.value.causes] or [error.value.message]
    assert told in causes[0]
    if refused is TooManyRequests:
        assert error.value.message == "Cannot evict pod as it would violate the pod's disruption budget."
        assert error.value.causes[0].reason == "DisruptionBudget"


def test_several_budgets_are_more_than_can_be_asked() -> None:
    with pytest.raises(InternalError, match="more than one PodDisruptionBudget"):
        eviction.spend(_pod(), [_budget("a"), _budget("b")], NOW)
