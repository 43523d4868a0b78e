from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.ansible_code import COLLECTION, load

draining = load("draining", COLLECTION)


def pod(owner: str = "ReplicaSet", phase: str = "Running", **more: Any) -> dict[str, Any]:
    owners = [{"kind": owner, "controller": True}] if owner else []
    metadata = {"namespace": "shop", "name": "web", "ownerReferences": owners, **more}
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("found", "stays"),
    [(pod(), False), (pod("DaemonSet"), True), (pod("Node", annotations={"kubernetes.io/config.mirror": "h"}), True)],
)
def test_what_would_come_back_at_once_stays(found: dict[str, Any], stays: bool) -> None:
    assert draining.stays(found) is stays


def test_nothing_is_lost_that_nobody_agreed_to_lose() -> None:
    alone, data = pod(owner=""), pod()
    data["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    assert draining.in_the_way(pod(), force=False, delete_emptydir_data=False) == ""
    assert "force" in draining.in_the_way(alone, force=False, delete_emptydir_data=False)
    assert draining.in_the_way(alone, force=True, delete_emptydir_data=False) == ""
    assert "delete_emptydir_data" in draining.in_the_way(data, force=False, delete_emptydir_data=False)
    assert draining.in_the_way(data, force=False, delete_emptydir_data=True) == ""


def test_a_pod_that_has_ended_is_in_nobody_s_way() -> None:
    assert draining.in_the_way(pod(owner="", phase="Succeeded"), force=False, delete_emptydir_data=False) == ""
