"""Ephemeral containers: what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create, validate_joining, validate_update

from podlab.core.v1 import pod_pb2


def _pod(*joined: dict[str, Any], **metadata: Any) -> pod_pb2.Pod:
    spec: dict[str, Any] = {
        "containers": [{"name": "web", "image": "i:1"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "ephemeralContainers": list(joined),
    }
    told = {"name": "a", "namespace": "default", **metadata}
    made = builtin_kinds.read({"apiVersion": "v1", "kind": "Pod", "metadata": told, "spec": spec})
    assert isinstance(made, pod_pb2.Pod)
    builtin_kinds.apply_defaults(made)
    return made


def _joined(**changes: Any) -> dict[str, Any]:
    return {"name": "debug", "image": "i:1", **changes}


@pytest.mark.parametrize(
    ("joined", "cause"),
    [
        ({"name": "web"}, 'spec.ephemeralContainers[0].name: Duplicate value: "web"'),
        ({"name": ""}, "spec.ephemeralContainers[0].name: Required value"),
        ({"image": ""}, "spec.ephemeralContainers[0].image: Required value"),
        ({"ports": [{"containerPort": 1}]}, "ports: Forbidden: cannot be set for an Ephemeral Container"),
        ({"livenessProbe": {"exec": {"command": ["x"]}}}, "livenessProbe: Forbidden: cannot be set"),
        ({"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}, "lifecycle: Forbidden: cannot be set"),
        ({"resources": {"limits": {"cpu": "1"}}}, "resources: Forbidden: cannot be set"),
        ({"restartPolicy": "Always"}, "restartPolicy: Forbidden: cannot be set"),
        ({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}]}, "volumeMounts[0].subPath: Forbidden"),
        ({"targetContainerName": "no"}, 'spec.ephemeralContainers[0].targetContainerName: Not found: "no"'),
    ],
)
def test_what_may_not_stand_in_one_is_named(joined: dict[str, Any], cause: str) -> None:
    causes = [str(one) for one in validate_joining(_pod(_joined(**joined)), _pod())]
    assert any(cause in told for told in causes), causes


def test_a_container_that_joins_with_a_target_and_a_volume_is_fine() -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    new = _pod(_joined(targetContainerName="web", stdin=True, tty=True, volumeMounts=mounts))
    assert validate_joining(new, _pod()) == ()


@pytest.mark.parametrize(
    ("after", "told"),
    [((), "may not be removed"), ((_joined(image="i:2"),), "may not be changed")],
)
def test_those_that_are_there_stay(after: tuple[dict[str, Any], ...], told: str) -> None:
    (cause,) = validate_joining(_pod(*after), _pod(_joined()))
    assert cause.field == "spec.ephemeralContainers"
    assert told in cause.message


def test_they_come_by_their_subresource_alone() -> None:
    assert "spec.ephemeralContainers: Forbidden: cannot be set on create" in map(str, validate_create(_pod(_joined())))
    assert any("pod updates may not change" in str(one) for one in validate_update(_pod(_joined()), _pod()))


def test_mirror_pods_take_none() -> None:
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    (cause,) = validate_joining(_pod(_joined(), **mirror), _pod(**mirror))
    assert "static pods do not support ephemeral containers" in cause.message
