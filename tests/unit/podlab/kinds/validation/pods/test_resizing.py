"""Resizing: what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create, validate_resizing

from podlab.core.v1 import pod_pb2

ASKED = {"requests": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "1Gi"}, "limits": {"cpu": "200m"}}
MORE = {"requests": {"cpu": "150m", "memory": "96Mi", "ephemeral-storage": "1Gi"}, "limits": {"cpu": "300m"}}
QOS = "spec: Invalid value: {}: Pod QOS Class may not change as a result of resizing"


def _pod(*containers: dict[str, Any], inits: tuple[dict[str, Any], ...] = (), **metadata: Any) -> pod_pb2.Pod:
    named = [{"name": f"c{at}", "image": "i:1", **each} for at, each in enumerate(containers)]
    spec = {
        "containers": named,
        "initContainers": [{"name": f"i{at}", "image": "i:1", **e} for at, e in enumerate(inits)],
    }
    told = {"name": "a", "namespace": "default", **metadata}
    made = builtin_kinds.read({"apiVersion": "v1", "kind": "Pod", "metadata": told, "spec": spec})
    assert isinstance(made, pod_pb2.Pod)
    builtin_kinds.apply_defaults(made)
    return made


def _with(resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resources": resources, **more}


def _without(side: str, name: str) -> dict[str, Any]:
    kept = {key: amount for key, amount in ASKED[side].items() if key != name}
    return {**ASKED, side: kept}


@pytest.mark.parametrize("after", [MORE, ASKED, {**ASKED, "limits": {"cpu": "1", "memory": "1Gi"}}])
def test_processors_and_memory_may_change_and_limits_be_added(after: dict[str, Any]) -> None:
    sidecar = {"restartPolicy": "Always"}
    old = _pod(_with(ASKED), inits=(_with(ASKED, **sidecar),))
    assert validate_resizing(_pod(_with(after), inits=(_with(after, **sidecar),)), old) == ()


@pytest.mark.parametrize(
    ("new", "cause"),
    [
        (
            _pod(_with(_without("requests", "cpu")) | {"resources": {"requests": {"memory": "64Mi"}}}),
            "requests cannot be",
        ),
        (
            _pod(_with(_without("limits", "cpu"))),
            "resources.limits: Forbidden: resource limits cannot be removed",
        ),
        (
            _pod(_with({**ASKED, "requests": {**ASKED["requests"], "ephemeral-storage": "2Gi"}})),
            "spec: Forbidden: only cpu and memory resources are mutable",
        ),
        (
            _pod(_with(ASKED, resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}])),
            "spec: Forbidden: only cpu and memory resources are mutable",
        ),
        (
            _pod(_with(ASKED, name="other")),
            "containers[0].name: Forbidden: containers may not be renamed or reordered",
        ),
        (_pod(_with(ASKED), {}), "spec.containers: Forbidden: containers may not be added or removed on resize"),
        (
            _pod(_with({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"ephemeral-storage": "1Gi"}})),
            QOS.format('"Guaranteed"'),
        ),
        (
            _pod(_with({**ASKED, "requests": {**ASKED["requests"], "cpu": "1"}})),
            "less than or equal to cpu limit",
        ),
    ],
)
def test_what_may_not_change_is_named(new: pod_pb2.Pod, cause: str) -> None:
    told = [str(one) for one in validate_resizing(new, _pod(_with(ASKED)))]
    assert any(cause in one for one in told), told


def test_a_pod_of_one_class_does_not_become_one_of_another() -> None:
    told = [str(one) for one in validate_resizing(_pod(_with({"requests": {"cpu": "1"}})), _pod({}))]
    assert told == [QOS.format('"Burstable"')]


def test_init_containers_that_end_keep_what_they_have() -> None:
    told = [
        str(one) for one in validate_resizing(_pod(_with(ASKED), inits=(_with(MORE),)), _pod(_with(ASKED), inits=({},)))
    ]
    assert told == ["spec: Forbidden: resources for non-sidecar init containers are immutable"]


def test_of_a_sidecar_too_only_processors_and_memory_change() -> None:
    other = {**ASKED, "requests": {**ASKED["requests"], "ephemeral-storage": "2Gi"}}
    sidecar = {"restartPolicy": "Always"}
    new = _pod(_with(ASKED), inits=(_with(other, **sidecar),))
    told = [str(one) for one in validate_resizing(new, _pod(_with(ASKED), inits=(_with(ASKED, **sidecar),)))]
    assert told == ["spec: Forbidden: only cpu and memory resources for sidecar containers are mutable"]


def test_a_static_pod_and_one_on_an_older_node_are_not_resized() -> None:
    mirror = _pod(_with(ASKED), annotations={"kubernetes.io/config.mirror": "x"})
    assert "static pods cannot be resized" in str(validate_resizing(mirror, mirror)[0])
    old = _pod(_with(ASKED))
    old.status.containerStatuses.add(name="c0").state.running.startedAt.seconds = 1
    told = [str(one) for one in validate_resizing(_pod(_with(MORE)), old)]
    assert told == ["spec: Forbidden: Pod running on node without support for resize"]


def test_what_never_restarts_is_not_resized_by_restarts() -> None:
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    made = _pod({"resizePolicy": policy}, inits=({"resizePolicy": policy},))
    made.spec.restartPolicy = "Never"
    told = [str(one) for one in validate_create(made)]
    rule = "must be 'NotRequired' when `restartPolicy` is 'Never'"
    assert f'spec.containers[0].resizePolicy[0]: Invalid value: "RestartContainer": {rule}' in told
    assert any(
        "initContainers[0].resizePolicy: Invalid value" in one and "must not be set for init" in one for one in told
    )
