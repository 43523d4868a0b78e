"""What files of the Container Device Interface bring to a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.kubelet.dynamicresources import cdi
from node.kubelet.dynamicresources.cdi import CdiError, Spec

KIND = "vendor.example.com/gpu"
ALL: Spec = {
    "kind": KIND,
    "containerEdits": {"env": ["LIBRARY=/opt/gpu"], "mounts": [{"hostPath": "/opt/gpu", "containerPath": "/opt/gpu"}]},
    "devices": [
        {"name": "0", "containerEdits": {"env": ["GPU=0"], "deviceNodes": [{"path": "/dev/gpu0"}]}},
        {
            "name": "1",
            "containerEdits": {
                "env": ["GPU=1"],
                "deviceNodes": [{"path": "/dev/gpu", "hostPath": "/dev/gpu1", "permissions": "r"}],
                "mounts": [{"hostPath": "/a", "containerPath": "/b", "options": ["ro", "bind"]}],
            },
        },
    ],
}


def test_a_device_brings_what_its_kind_says_and_what_itself_does() -> None:
    made = cdi.edits([f"{KIND}=1", f"{KIND}=1"], [ALL])
    assert made.environment == {"LIBRARY": "/opt/gpu", "GPU": "1"}
    assert [(one.container_path, one.host_path, one.permissions) for one in made.devices] == [
        ("/dev/gpu", "/dev/gpu1", "r")
    ]
    assert [(one.container_path, one.host_path, one.readonly) for one in made.mounts] == [
        ("/opt/gpu", "/opt/gpu", False),
        ("/b", "/a", True),
    ]


def test_without_more_words_a_node_is_the_hosts_own() -> None:
    (node,) = cdi.edits([f"{KIND}=0"], [ALL]).devices
    assert (node.container_path, node.host_path, node.permissions) == ("/dev/gpu0", "/dev/gpu0", "rwm")


def test_the_last_file_counts() -> None:
    later: Spec = {"kind": KIND, "devices": [{"name": "0", "containerEdits": {"env": ["GPU=other"]}}]}
    assert cdi.edits([f"{KIND}=0"], [ALL, later]).environment == {"GPU": "other"}
    assert cdi.edits([], [ALL]).environment == {}


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ({"name": "other"}, f"unresolvable CDI devices {KIND}=0: no specification in /etc/cdi or /var/run/cdi has it"),
        (
            {"name": "0", "containerEdits": {"hooks": [{"hookName": "prestart", "path": "/bin/a"}]}},
            f"CDI device {KIND}=0: containerEdits.hooks is not supported by Podlab",
        ),
        (
            {
                "name": "0",
                "containerEdits": {"mounts": [{"hostPath": "/a", "containerPath": "/b", "options": ["noatime"]}]},
            },
            f"CDI device {KIND}=0: mount option noatime is not supported by Podlab",
        ),
    ],
)
def test_what_cannot_be_given_is_told_by_name(device: dict[str, object], told: str) -> None:
    spec: Spec = {"kind": KIND, "devices": [device]}  # type: ignore[list-item]
    with pytest.raises(CdiError) as refused:
        cdi.edits([f"{KIND}=0"], [spec])
    assert str(refused.value) == told


def test_files_are_json_or_yaml(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ALL))
    (tmp_path / "b.yaml").write_text(f"kind: {KIND}\n")
    (tmp_path / "c.txt").write_text("no specification")
    assert [spec["kind"] for spec in cdi.read([tmp_path, tmp_path / "missing"])] == [KIND, KIND]
    (tmp_path / "d.yaml").write_text("- a list\n")
    with pytest.raises(CdiError, match="does not say of which kind"):
        cdi.read([tmp_path])
    (tmp_path / "d.yaml").write_text("{")
    with pytest.raises(CdiError, match="cannot be read"):
        cdi.read([tmp_path])
