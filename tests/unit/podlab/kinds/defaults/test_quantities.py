"""Quantities are stored in Kubernetes' canonical form, wherever an object holds one."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from podlab.api.serializer import codec
from podlab.kinds import defaults

TEMPLATE = {
    "spec": {
        "containers": [
            {
                "name": "c",
                "env": [
                    {"name": "a", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1000m"}}}
                ],
                "resources": {"limits": {"cpu": "1000m", "memory": "0.5Gi"}, "requests": {"cpu": "0.1m"}},
            }
        ],
        "initContainers": [{"name": "i", "resources": {"requests": {"memory": "1024Ki"}}}],
        "overhead": {"cpu": ".5"},
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}],
    }
}


def settled(kind: str, api_version: str = "v1", **content: Any) -> Any:
    message = builtin_kinds.read({"apiVersion": api_version, "kind": kind, **content})
    defaults.settle(message)
    return codec.to_dict(message)


def test_those_of_pods_and_templates() -> None:
    made = settled("Pod", **TEMPLATE)
    deployment = settled("Deployment", "apps/v1", spec={"template": TEMPLATE})
    for spec in (made["spec"], deployment["spec"]["template"]["spec"]):
        container = spec["containers"][0]
        assert container["resources"] == {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "1m"}}
        assert container["env"][0]["valueFrom"]["resourceFieldRef"]["divisor"] == "1"
        assert spec["initContainers"][0]["resources"] == {"requests": {"memory": "1Mi"}}
        assert spec["overhead"] == {"cpu": "500m"}
        assert spec["volumes"][0]["emptyDir"] == {"sizeLimit": "1Gi"}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Node", ("status", "capacity")),
        ("Node", ("status", "allocatable")),
        ("ResourceQuota", ("spec", "hard")),
        ("ResourceQuota", ("status", "used")),
        ("PersistentVolume", ("spec", "capacity")),
        ("PersistentVolumeClaim", ("spec", "resources", "requests")),
        ("PersistentVolumeClaim", ("status", "capacity")),
    ],
)
def test_those_of_other_kinds(kind: str, path: tuple[str, ...]) -> None:
    content: Any = {"storage": "0.5Gi", "cpu": "0.0001"}
    for name in reversed(path):
        content = {name: content}
    found: Any = settled(kind, **content)
    for name in path:
        found = found[name]
    assert found == {"storage": "512Mi", "cpu": "1m"}


def test_what_an_update_does_not_touch_stays_as_it_was_stored() -> None:
    old: Any = builtin_kinds.read({"apiVersion": "v1", "kind": "Pod", **TEMPLATE})
    new = type(old)()
    new.CopyFrom(old)
    new.spec.volumes[0].volumeSource.emptyDir.sizeLimit.string = "0.5Gi"
    defaults.settle(new, old)
    assert new.spec.volumes[0].volumeSource.emptyDir.sizeLimit.string == "512Mi"
    assert new.spec.containers == old.spec.containers


def test_what_is_no_quantity_is_left_to_validation() -> None:
    claim: Any = builtin_kinds.read({"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
    claim.spec.resources.requests["storage"].string = "much"
    defaults.settle(claim)
    assert claim.spec.resources.requests["storage"].string == "much"
