"""Volumes whose files the kubelet writes."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.volumes import check_volumes


def causes(source: dict[str, Any]) -> list[str]:
    data = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [], "volumes": [{"name": "v", **source}]}}
    pod = builtin_kinds.read(data)
    assert isinstance(pod, pod_pb2.Pod)
    builtin_kinds.apply_defaults(pod)
    found = Findings()
    check_volumes(found, "v", pod.spec.volumes, of_template=False)
    return [str(cause) for cause in found.causes]


def projected(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"projected": {"sources": list(parts)}}


def token(**given: Any) -> dict[str, Any]:
    return projected({"serviceAccountToken": {"path": "token", **given}})


def downward(**given: Any) -> dict[str, Any]:
    return {"downwardAPI": {"items": [{"path": "f", **given}]}}


NAME = {"fieldRef": {"fieldPath": "metadata.name"}}


CLIMBS, HIDES = "must not contain '..'", "must not start with '..'"
PATHS = {
    "..data": [HIDES],
    "..x/y": [HIDES],
    "..": [CLIMBS, HIDES],
    "../x": [CLIMBS],
    "a/../b": [CLIMBS],
    "/etc/passwd": ["must be a relative path"],
    "a/..data": [],
    ".hidden": [],
}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (token(), []),
        (token(expirationSeconds=600, audience="vault"), []),
        (
            token(expirationSeconds=599),
            [
                "v[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: "
                "may not specify a duration less than 10 minutes"
            ],
        ),
        (
            token(expirationSeconds=2**32 + 1),
            [
                "v[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 4294967297: "
                "may not specify a duration larger than 2^32 seconds"
            ],
        ),
        (token(path=""), ["v[0].projected.sources[0].serviceAccountToken.path: Required value"]),
        (
            token(path="../up"),
            ["v[0].projected.sources[0].serviceAccountToken.path: Invalid value: \"../up\": must not contain '..'"],
        ),
        (
            projected({"configMap": {"name": ""}, "secret": {"name": "s"}}),
            [
                "v[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type",
                "v[0].projected.sources[0].configMap.name: Required value",
            ],
        ),
        (projected({}), ["v[0].projected.sources[0]: Required value: must specify a projection type"]),
        (
            projected(
                {"serviceAccountToken": {"path": "same"}},
                {"configMap": {"name": "c", "items": [{"key": "k", "path": "same"}]}},
            ),
            ['v[0].projected: Invalid value: "c": conflicting duplicate paths'],
        ),
        (
            projected({"downwardAPI": {"items": [{"path": "same", **NAME}, {"path": "same", **NAME}]}}),
            ['v[0].projected: Invalid value: "same": conflicting duplicate paths'],
        ),
        *(
            (
                {kind: {"secretName" if kind == "secret" else "name": "c", "items": [{"key": "k", "path": path}]}},
                [f'v[0].{kind}.items[0].path: Invalid value: "{path}": {rule}' for rule in rules],
            )
            for kind in ("configMap", "secret")
            for path, rules in PATHS.items()
        ),
        (downward(**NAME), []),
        (downward(fieldRef={"fieldPath": "metadata.labels['a']"}, mode=0o400), []),
        (downward(resourceFieldRef={"containerName": "c", "resource": "limits.cpu"}), []),
        (downward(), ["v[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required"]),
        (
            downward(fieldRef={"fieldPath": "status.podIP"}),
            [
                'v[0].downwardAPI.items[0].fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: '
                '"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"'
            ],
        ),
        (
            downward(resourceFieldRef={"resource": "limits.cpu"}),
            ["v[0].downwardAPI.items[0].resourceFieldRef.containerName: Required value"],
        ),
        (
            downward(**NAME, mode=0o1000),
            [
                "v[0].downwardAPI.items[0].mode: Invalid value: 512: "
                "must be a number between 0 and 0777 (octal), both inclusive"
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_written_volume(source: dict[str, Any], told: list[str]) -> None:
    assert causes(source) == told
