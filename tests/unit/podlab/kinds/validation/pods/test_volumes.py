from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from podlab.core.v1.pod_pb2 import Container, Pod
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.volumes import check_devices, check_mounts, claimed

VOLUMES = [
    {"name": "disk", "persistentVolumeClaim": {"claimName": "c"}},
    {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
    {"name": "empty", "emptyDir": {}},
]


def pod(**container: Any) -> Pod:
    spec = {"containers": [{"name": "a", **container}], "volumes": VOLUMES}
    made = builtin_kinds.read({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec})
    assert isinstance(made, Pod)
    return made


def faults(made: Pod) -> list[str]:
    found, names = Findings(), {volume.name for volume in made.spec.volumes}
    container: Container = made.spec.containers[0]
    check_mounts(found, "volumeMounts", container, names)
    check_devices(found, "volumeDevices", container, names, claimed(made.spec.volumes))
    return [f"{cause.field}: {cause.message}" for cause in found.causes]


def test_volumes_with_claims_can_be_devices() -> None:
    devices = [{"name": "disk", "devicePath": "/dev/a"}, {"name": "own", "devicePath": "/dev/b"}]
    assert faults(pod(volumeDevices=devices, volumeMounts=[{"name": "empty", "mountPath": "/e"}])) == []


@pytest.mark.parametrize(
    ("device", "why"),
    [
        ({"name": "empty", "devicePath": "/dev/a"}, "can only use volume source type of PersistentVolumeClaim"),
        ({"name": "other", "devicePath": "/dev/a"}, 'volumeDevices[0].name: Not found: "other"'),
        ({"name": "", "devicePath": "/dev/a"}, "volumeDevices[0].name: Required value"),
        ({"name": "disk", "devicePath": ""}, "volumeDevices[0].devicePath: Required value"),
        ({"name": "disk", "devicePath": "/dev/../a"}, "can not contain backsteps ('..')"),
    ],
)
def test_a_device_is_a_claims_volume_at_a_path(device: dict[str, str], why: str) -> None:
    (fault,) = faults(pod(volumeDevices=[device]))
    assert why in fault


def test_a_volume_is_seen_one_way_and_a_path_shows_one() -> None:
    mounts = [{"name": "disk", "mountPath": "/m"}, {"name": "empty", "mountPath": "/dev/b"}]
    devices = [{"name": "disk", "devicePath": "/dev/a"}, {"name": "own", "devicePath": "/dev/b"}]
    assert [fault.split(": ", 1)[0] for fault in faults(pod(volumeMounts=mounts, volumeDevices=devices))] == [
        "volumeMounts[0].name",
        "volumeMounts[1].mountPath",
        "volumeDevices[0].name",
        "volumeDevices[1].devicePath",
    ]
